// Any bytes as a model file: never a crash, bounded time, and what is accepted has sound facts.
#include "serving/runtime/gguf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace wye::runtime;
  MemorySource source({reinterpret_cast<const char*>(bytes), size});
  const auto facts = read_gguf(source);
  if (facts && (facts->architecture.empty() || facts->file_bytes != size)) __builtin_trap();
  if (facts) (void)(capabilities_of(*facts).size() + estimate_memory(*facts, UINT32_MAX).n);
  return 0;
}
