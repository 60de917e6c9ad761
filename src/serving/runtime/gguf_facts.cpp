#include "serving/runtime/gguf.hpp"

namespace wye::runtime {
namespace {

uint64_t saturating_mul(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}
uint64_t saturating_add(uint64_t a, uint64_t b) {
  uint64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

constexpr uint64_t kCacheEntryBytes = 2;  // f16

}  // namespace

std::string_view to_string(Pooling pooling) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "mean", "cls", "last", "rank"};
  return kNames[static_cast<size_t>(pooling)];
}

bool GgufFacts::embeds() const { return !causal || (pooling && *pooling != Pooling::kNone); }

std::vector<std::string> capabilities_of(const GgufFacts& facts) {
  if (facts.pooling == Pooling::kRank) return {};
  if (facts.embeds()) return {"embeddings"};
  std::vector<std::string> out = {"completions"};
  if (facts.has_chat_template) out.emplace_back("chat");
  if (facts.template_has_tools) out.emplace_back("tools");
  return out;
}

Bytes estimate_memory(const GgufFacts& facts, uint64_t context_tokens) {
  if (facts.embeds() && !facts.causal) return {facts.file_bytes};  // no cache: every call sees its whole text at once
  const uint64_t per_layer = saturating_mul(facts.kv_heads, saturating_add(facts.key_length, facts.value_length));
  const uint64_t per_token = saturating_mul(saturating_mul(per_layer, facts.layers), kCacheEntryBytes);
  return {saturating_add(facts.file_bytes, saturating_mul(per_token, context_tokens))};
}

}  // namespace wye::runtime
