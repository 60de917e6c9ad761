// Arbitrary bytes as a configuration file: no crash, no leak, bounded findings; and what is accepted has a canonical form.
#include "config/kinds/canonical.hpp"
#include "config/load/load.hpp"

namespace {

void check(bool good) {
  if (!good) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace wye::config;
  const std::array files = {NamedText{"fuzz.yaml", std::string(reinterpret_cast<const char*>(bytes), size)}};
  const LoadLimits limits;
  const Loaded loaded = load_texts(files, limits);
  check(loaded.findings.size() <= limits.findings + 1);
  for (const Diagnostic& d : loaded.findings) check(!d.what.empty() && to_text(d).find("error: ") == 0);
  if (!loaded.ok()) return 0;
  for (const auto& d : loaded.resources.routes) check(!d.name.empty() && !canonical_json(d.spec).empty());
  for (const auto& d : loaded.resources.backends) check(!d.name.empty() && !canonical_json(d.spec).empty());
  for (const auto& d : loaded.resources.gateways) check(!d.spec.listeners.empty() && !canonical_json(d.spec).empty());
  return 0;
}
