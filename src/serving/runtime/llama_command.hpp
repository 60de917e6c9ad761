// The command line of llama-server. Source: ggml-org/llama.cpp tools/server/README.md and `llama-server --help` of the pinned
// build; defaults drift between builds, so everything that matters is said.
//
// Never given, because they hand files, processes or the network to callers: --tools, --agent, --mcp-*, --media-path, --props,
// --slot-save-path, --models-*, -hf and every other flag that fetches.
#pragma once

#include "foundation/os/child_process.hpp"
#include "serving/runtime/gguf.hpp"
#include "serving/runtime/runtime_spec.hpp"

namespace wye::runtime {

/// Context of one slot: what is asked for, at most what the model was trained for (the server would cut it silently).
uint32_t slot_context(const RuntimeSpec& spec, const GgufFacts& facts);

/// What one process is given. The key goes by a file: everyone may read a command line, and an environment stays in /proc.
struct LlamaProcess {
  uint16_t port = 0;
  std::filesystem::path key_file;
  std::vector<std::string> environment;  // given to the child unchanged
};

/// Pure.
os::Command llama_command(const std::filesystem::path& program, const RuntimeSpec& spec, const GgufFacts& facts, LlamaProcess process);

}  // namespace wye::runtime
