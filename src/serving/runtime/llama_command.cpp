#include "serving/runtime/llama_command.hpp"

namespace wye::runtime {

uint32_t slot_context(const RuntimeSpec& spec, const GgufFacts& facts) {
  if (facts.context_tokens == 0) return spec.slot_context_tokens;
  return static_cast<uint32_t>(std::min<uint64_t>(spec.slot_context_tokens, facts.context_tokens));
}

os::Command llama_command(const std::filesystem::path& program, const RuntimeSpec& spec, const GgufFacts& facts, LlamaProcess process) {
  const uint64_t context = slot_context(spec, facts);
  std::vector<std::string> arguments = {program.string()};
  const auto give = [&](std::string_view flag, std::string value) {
    arguments.emplace_back(flag);
    arguments.push_back(std::move(value));
  };
  const auto number = [&](std::string_view flag, uint64_t value) { give(flag, std::to_string(value)); };
  give("--model", spec.file.string());
  give("--alias", spec.model);
  give("--host", "127.0.0.1");
  number("--port", process.port);
  give("--api-key-file", process.key_file.string());
  number("-c", context * spec.slots);  // divided among the slots
  number("-np", spec.slots);
  number("-t", spec.threads);
  number("-tb", spec.threads);
  give("--poll", "0");                            // busy waiting would take the gateway's cores
  number("--threads-http", spec.slots * 2U + 8);  // health and slots are answered while every slot streams
  give("--cache-ram", "0");                       // the default keeps up to 8 GiB of old prompts, beyond any memory bound
  // A full context is an error that the client sees, not silently forgotten text.
  for (const char* flag : {"--no-context-shift", "--metrics", "--slots", "--no-ui", "--offline", "--jinja"}) arguments.emplace_back(flag);
  if (facts.embeds()) {
    arguments.emplace_back("--embedding");
    // An input must fit into one batch; generating models fill it step by step.
    number("-b", context);
    number("-ub", context);
    if (!facts.pooling || *facts.pooling == Pooling::kNone) give("--pooling", "mean");
  }
  return {.arguments = std::move(arguments), .environment = std::move(process.environment), .folder = "/"};
}

}  // namespace wye::runtime
