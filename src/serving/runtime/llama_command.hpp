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

/// Pure. `environment` is given to the child unchanged.
os::Command llama_command(const std::filesystem::path& program, const RuntimeSpec& spec, const GgufFacts& facts, uint16_t port,
                          std::vector<std::string> environment);

}  // namespace wye::runtime
