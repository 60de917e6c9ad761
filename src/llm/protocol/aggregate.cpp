#include "llm/protocol/aggregate.hpp"

#include "foundation/json/writer.hpp"
#include "llm/protocol/delta_tree.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/member_edit.hpp"

namespace wye::protocol {
namespace {

using Index = DeltaTree::Index;

Error failed(std::string_view why) { return internal_error(ErrorCode::kUpstreamFailed, "upstream stream: " + std::string(why)); }

/// What is written anew, so no delta of it is kept.
bool is_frame(std::string_view name) {
  constexpr std::array<std::string_view, 7> kFrame = {"id", "object", "model", "choices", "usage", "obfuscation", "error"};
  return std::ranges::find(kFrame, name) != kFrame.end();
}

}  // namespace

struct StreamAggregator::State {
  AggregateOptions options;
  std::string id_json;
  std::string model_json;
  EventRewriter tracker;
  json::Document document;
  DeltaTree tree;
  Index frame = DeltaTree::kNone;                    // members beside choices: created, system_fingerprint, …
  std::vector<std::pair<int64_t, Index>> choices;    // by index, rising
  std::string usage;

  Result<void> choice(json::Value value);
  Result<Index> choice_at(int64_t index);
  void write_choice(int64_t index, Index choice, std::string& out) const;
  void write_message(Index delta, std::string& out) const;
};

StreamAggregator::StreamAggregator() : state_(std::make_unique<State>()) {}
StreamAggregator::~StreamAggregator() = default;
StreamAggregator::StreamAggregator(StreamAggregator&&) noexcept = default;
StreamAggregator& StreamAggregator::operator=(StreamAggregator&&) noexcept = default;

void StreamAggregator::start(const AggregateOptions& options) {
  State& s = *state_;
  s.options = options;
  assign_json_string(options.names.id, s.id_json);
  assign_json_string(options.names.model, s.model_json);
  s.options.names = {};
  s.tracker.start(
      {.operation = options.operation, .names = options.names, .show_usage = true, .pass_annotations = true, .done_event = options.done_event});
  s.tree.clear();
  s.frame = s.tree.make_object();
  s.choices.clear();
  s.usage.clear();
}

Result<void> StreamAggregator::feed(std::string_view data) {
  State& s = *state_;
  TRY(const EventStep step, s.tracker.feed(data));
  if (step.action != EventAction::kForward) return {};
  if (!s.document.parse(data)) return Fail(failed("an event is not valid JSON"));
  const json::Value root = s.document.root();
  for (const json::Member member : root.members()) {
    if (is_frame(member.name_raw())) continue;
    // The last one stands: `created` of Azure's first event is 0.
    if (!s.tree.set_member(s.frame, member.name_raw(), member.value())) return Fail(failed("too many values"));
  }
  if (const std::optional<json::Value> usage = root.find("usage"); usage && usage->is_object()) s.usage.assign(usage->raw());
  const std::optional<json::Value> choices = root.find("choices");
  if (choices) {
    for (const json::Value choice : choices->elements()) CHECK_OK(s.choice(choice));
  }
  if (s.tree.bytes() > s.options.bytes_max) return Fail(failed("longer than an answer may be"));
  return {};
}

Result<Index> StreamAggregator::State::choice_at(int64_t index) {
  const auto at = std::ranges::lower_bound(choices, index, {}, &std::pair<int64_t, Index>::first);
  if (at != choices.end() && at->first == index) return at->second;
  if (index < 0 || choices.size() >= EventRewriter::kChoicesMax) return Fail(failed("more choices than there may be"));
  const Index made = tree.make_object();
  if (made == DeltaTree::kNone) return Fail(failed("too many values"));
  choices.insert(at, {index, made});
  return made;
}

Result<void> StreamAggregator::State::choice(json::Value value) {
  const std::optional<json::Value> index = value.find("index");
  TRY(const Index at, choice_at(index ? index->integer().value_or(0) : 0));
  for (const json::Member member : value.members()) {
    if (member.name_is("index")) continue;
    const bool adds_up = member.name_is("delta") || member.name_is("text") || member.name_is("logprobs");
    const bool good = adds_up ? tree.merge_member(at, member.name_raw(), member.value()) : tree.set_member(at, member.name_raw(), member.value());
    if (!good) return Fail(failed("too many values"));
  }
  return {};
}

void StreamAggregator::State::write_message(Index delta, std::string& out) const {
  out += R"({"role":)";
  const Index role = delta == DeltaTree::kNone ? DeltaTree::kNone : tree.find(delta, "role");
  if (role != DeltaTree::kNone && tree.is_string(role)) {
    tree.write(role, out, true);
  } else {
    out += R"("assistant")";
  }
  const auto member = [&](std::string_view name) { return delta == DeltaTree::kNone ? DeltaTree::kNone : tree.find(delta, name); };
  // An answer of tool calls alone has no content: its opening "" means null.
  const bool calls = member("tool_calls") != DeltaTree::kNone || member("function_call") != DeltaTree::kNone;
  for (const std::string_view name : {"content", "refusal"}) {
    const Index node = member(name);
    out += ",\"";
    out += name;
    out += "\":";
    const bool has = node != DeltaTree::kNone && tree.is_string(node) && !(tree.text(node).empty() && (calls || name == "refusal"));
    if (has) {
      tree.write(node, out, true);
    } else {
      out += name == "content" && !calls && node != DeltaTree::kNone && tree.is_string(node) ? "\"\"" : "null";
    }
  }
  if (delta != DeltaTree::kNone) {
    tree.for_each(delta, [&](Index node) {
      const std::string_view name = tree.name(node);
      if (name == "role" || name == "content" || name == "refusal") return;
      out += ",\"";
      out += name;
      out += "\":";
      tree.write(node, out, false);
    });
  }
  out += '}';
}

void StreamAggregator::State::write_choice(int64_t index, Index choice, std::string& out) const {
  out += R"({"index":)";
  out += std::to_string(index);
  const bool chat = options.operation == Operation::kChat;
  if (chat) {
    out += R"(,"message":)";
    write_message(tree.find(choice, "delta"), out);
  } else if (tree.find(choice, "text") == DeltaTree::kNone) {
    out += R"(,"text":"")";
  }
  if (tree.find(choice, "logprobs") == DeltaTree::kNone) out += R"(,"logprobs":null)";
  tree.for_each(choice, [&](Index node) {
    const std::string_view name = tree.name(node);
    if (chat && name == "delta") return;
    out += ",\"";
    out += name;
    out += "\":";
    tree.write(node, out, true);
  });
  out += '}';
}

Result<void> StreamAggregator::write(std::string& out) const {
  const State& s = *state_;
  if (!complete()) return Fail(failed("it ended too early"));
  out += R"({"id":)";
  out += s.id_json;
  out += s.options.operation == Operation::kChat ? R"(,"object":"chat.completion")" : R"(,"object":"text_completion")";
  out += R"(,"model":)";
  out += s.model_json;
  s.tree.for_each(s.frame, [&](Index node) {
    out += ",\"";
    out += s.tree.name(node);
    out += "\":";
    s.tree.write(node, out, true);
  });
  out += R"(,"choices":[)";
  for (size_t i = 0; i < s.choices.size(); ++i) {
    if (i != 0) out += ',';
    s.write_choice(s.choices[i].first, s.choices[i].second, out);
  }
  out += ']';
  if (!s.usage.empty()) {
    out += R"(,"usage":)";
    out += s.usage;
  }
  out += '}';
  return {};
}

bool StreamAggregator::complete() const { return state_->tracker.complete(); }
bool StreamAggregator::done_seen() const { return state_->tracker.done_seen(); }
bool StreamAggregator::content_seen() const { return state_->tracker.content_seen(); }
const Usage& StreamAggregator::usage() const { return state_->tracker.usage(); }
FinishReason StreamAggregator::finish_reason() const { return state_->tracker.finish_reason(); }
uint64_t StreamAggregator::content_events() const { return state_->tracker.content_events(); }
std::string_view StreamAggregator::upstream_model() const { return state_->tracker.upstream_model(); }

}  // namespace wye::protocol
