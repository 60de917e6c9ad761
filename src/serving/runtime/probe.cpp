#include "serving/runtime/probe.hpp"

#include <cmath>

#include "foundation/json/document.hpp"
#include "serving/runtime/llama_command.hpp"

namespace wye::runtime {
namespace {

constexpr uint32_t kContextPadding = 256;  // the server rounds the context of a slot up to a multiple of this
constexpr uint32_t kTokensForSpeed = 4;    // fewer say nothing about tokens a second

Error refused(std::string what) { return internal_error(ErrorCode::kUpstreamFailed, std::move(what)); }

std::string beginning(std::string_view text) { return std::string(text.substr(0, 300)); }

std::optional<json::Value> at(std::optional<json::Value> value, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (!value) return std::nullopt;
    value = value->find(name);
  }
  return value;
}
std::optional<json::Value> first(std::optional<json::Value> array) {
  if (!array || !array->is_array() || array->size() == 0) return std::nullopt;
  return *array->elements().begin();
}
std::optional<int64_t> integer(std::optional<json::Value> value) { return value ? value->integer() : std::nullopt; }

bool any_slot_works(const json::Value& slots) {
  for (const json::Value slot : slots.elements()) {
    if (at(slot, {"is_processing"}) && at(slot, {"is_processing"})->boolean() != false) return true;
  }
  return false;
}

Result<> parse(json::Document& document, std::string_view path, const std::string& body) {
  if (document.parse(body)) return {};
  return Fail(refused(std::string(path) + " answered what is no JSON: " + beginning(body)));
}

}  // namespace

Result<std::string> Prober::call(uint16_t port, std::string_view method, std::string_view path, std::string_view body, MonoTime end) const {
  const MonoTime now = clock_.mono();
  if (now >= end) return Fail(internal_error(ErrorCode::kTimeout, std::string(path) + ": no time left"));
  auto answer =
      http_({.port = port, .method = method, .path = path, .body = body, .bearer = key_ ? key_->reveal() : std::string_view(), .timeout = end - now});
  if (!answer) {
    answer.error().detail = std::string(path) + ": " + answer.error().detail;
    return Fail(std::move(answer).error());
  }
  if (answer->status != 200) return Fail(refused(std::string(path) + " answered " + std::to_string(answer->status) + ": " + beginning(answer->body)));
  return std::move(answer->body);
}

bool Prober::healthy(uint16_t port, Nanos limit) const { return call(port, "GET", "/health", {}, clock_.mono() + limit).has_value(); }

Result<ServerFacts> Prober::check_props(const ProbeTarget& target, MonoTime end) const {
  TRY(const std::string body, call(target.port, "GET", "/props", {}, end));
  json::Document props;
  CHECK_OK(parse(props, "/props", body));
  const auto alias = props.root().find("model_alias");
  const auto slots = integer(props.root().find("total_slots"));
  const auto context = integer(at(props.root(), {"default_generation_settings", "n_ctx"}));
  // Another program may have taken the port between our choice and the server's start.
  if (!alias || !alias->equals(target.spec.model)) return Fail(refused("the server at port " + std::to_string(target.port) + " is not ours"));
  if (slots != int64_t{target.spec.slots})
    return Fail(refused("the server has " + std::to_string(slots.value_or(0)) + " slots, asked for were " + std::to_string(target.spec.slots)));
  const int64_t wanted = slot_context(target.spec, target.verified.facts);
  if (!context || *context < wanted || *context >= wanted + kContextPadding)
    return Fail(refused("a slot has " + std::to_string(context.value_or(0)) + " tokens of context, asked for were " + std::to_string(wanted)));
  return ServerFacts{.slots = static_cast<uint32_t>(*slots), .context_tokens = static_cast<uint32_t>(*context)};
}

Result<> Prober::check_slots(const ProbeTarget& target, const ServerFacts& facts, MonoTime end) const {
  TRY(const std::string body, call(target.port, "GET", "/slots", {}, end));
  json::Document slots;
  CHECK_OK(parse(slots, "/slots", body));
  if (slots.root().size() != facts.slots) return Fail(refused("/slots lists " + std::to_string(slots.root().size()) + " slots"));
  for (const json::Value slot : slots.root().elements()) {
    if (integer(slot.find("n_ctx")) != int64_t{facts.context_tokens}) return Fail(refused("the slots have different contexts: " + beginning(body)));
  }
  return {};
}

Result<> Prober::generate(const ProbeTarget& target, uint32_t tokens, MonoTime end) const {
  const auto& can = target.verified.facts;
  const ProbeSpec& probe = target.spec.probe;
  std::string body = "{\"model\":";
  append_json_string(body, target.spec.model);
  body += can.has_chat_template ? ",\"messages\":[{\"role\":\"user\",\"content\":" : ",\"prompt\":";
  append_json_string(body, probe.prompt);
  body += can.has_chat_template ? "}]" : "";
  body += ",\"temperature\":0,\"max_tokens\":" + std::to_string(tokens) + "}";
  const MonoTime start = clock_.mono();
  TRY(const std::string text, call(target.port, "POST", can.has_chat_template ? "/v1/chat/completions" : "/v1/completions", body, end));
  const Nanos took = clock_.mono() - start;
  json::Document answer;
  CHECK_OK(parse(answer, "the generation", text));
  const auto choice = first(answer.root().find("choices"));
  const auto finish = at(choice, {"finish_reason"});
  const int64_t produced = integer(at(answer.root(), {"usage", "completion_tokens"})).value_or(0);
  if (!finish || !finish->is_string() || produced < 1)
    return Fail(refused("the generation gave no token, no usage or no finish_reason: " + beginning(text)));
  const auto prompt_ms = at(answer.root(), {"timings", "prompt_ms"});
  const auto predicted_ms = at(answer.root(), {"timings", "predicted_ms"});
  const double whole_ms = std::chrono::duration<double, std::milli>(took).count();
  const double first_ms = prompt_ms ? prompt_ms->number().value_or(whole_ms) : whole_ms;
  const double limit_ms = std::chrono::duration<double, std::milli>(probe.first_token_max).count();
  if (first_ms > limit_ms) return Fail(refused("the first token took " + std::to_string(std::lround(first_ms)) + " ms"));
  const double rest_ms = std::max(1e-3, predicted_ms ? predicted_ms->number().value_or(whole_ms) : whole_ms);
  const double speed = static_cast<double>(produced) * 1000.0 / rest_ms;
  if (produced >= kTokensForSpeed && speed < probe.min_tokens_per_second)
    return Fail(
        refused("it made " + std::to_string(speed) + " tokens a second, minTokensPerSecond is " + std::to_string(probe.min_tokens_per_second)));
  return {};
}

Result<> Prober::embed(const ProbeTarget& target, MonoTime end) const {
  std::string body = "{\"model\":";
  append_json_string(body, target.spec.model);
  body += ",\"input\":";
  append_json_string(body, target.spec.probe.prompt);
  body += "}";
  TRY(const std::string text, call(target.port, "POST", "/v1/embeddings", body, end));
  json::Document answer;
  CHECK_OK(parse(answer, "/v1/embeddings", text));
  const auto vector = at(first(answer.root().find("data")), {"embedding"});
  if (!vector || !vector->is_array()) return Fail(refused("the embedding is missing: " + beginning(text)));
  const uint64_t expected = target.verified.facts.embedding_length;
  if (vector->size() == 0 || (expected != 0 && vector->size() != expected))
    return Fail(refused("the embedding has " + std::to_string(vector->size()) + " dimensions, the file says " + std::to_string(expected)));
  double length = 0;
  for (const json::Value element : vector->elements()) {
    const auto number = element.number();
    if (!number) return Fail(refused("the embedding holds what is no number"));
    length += *number * *number;
  }
  if (length == 0) return Fail(refused("the embedding is all zeros"));
  return {};
}

Result<> Prober::answer(const ProbeTarget& target, uint32_t tokens, MonoTime end) const {
  return target.verified.facts.embeds() ? embed(target, end) : generate(target, tokens, end);
}

Result<ServerFacts> Prober::prove(const ProbeTarget& target, Nanos limit) const {
  const MonoTime end = clock_.mono() + limit;
  TRY(const FileIdentity now, identify(target.spec.file));
  if (now != target.verified.identity) return Fail(internal_error(ErrorCode::kCorrupt, target.spec.file.string() + " changed while it was loaded"));
  TRY(const ServerFacts facts, check_props(target, end));
  CHECK_OK(check_slots(target, facts, end));
  CHECK_OK(answer(target, target.spec.probe.max_tokens, end));
  return facts;
}

Result<bool> Prober::idle(uint16_t port, Nanos limit) const {
  TRY(const std::string body, call(port, "GET", "/slots", {}, clock_.mono() + limit));
  json::Document slots;
  CHECK_OK(parse(slots, "/slots", body));
  return !any_slot_works(slots.root());
}

Result<> Prober::look(const ProbeTarget& target, Nanos limit, std::string& last_slots) const {
  const MonoTime end = clock_.mono() + limit;
  TRY(std::string body, call(target.port, "GET", "/slots", {}, end));
  json::Document slots;
  CHECK_OK(parse(slots, "/slots", body));
  if (!any_slot_works(slots.root())) {
    last_slots.clear();
    const auto answered = answer(target, 1, end);
    if (answered) return {};
    // Requests may have filled every slot meanwhile; then the next look tells whether they get on.
    auto again = call(target.port, "GET", "/slots", {}, clock_.mono() + limit);
    json::Document then;
    if (!again || !then.parse(*again) || !any_slot_works(then.root())) return answered;
    last_slots = std::move(*again);
    return {};
  }
  if (body == last_slots) return Fail(refused("the requests in its slots did not get on since the last look"));
  last_slots = std::move(body);
  return {};
}

}  // namespace wye::runtime
