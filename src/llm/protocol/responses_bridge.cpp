#include "llm/protocol/responses_bridge.hpp"

#include "foundation/json/writer.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/event_rewriter.hpp"
#include "llm/protocol/response_object.hpp"

namespace wye::protocol {
namespace {

using json::Value;

constexpr size_t kBytesMax = size_t{32} << 20;
constexpr size_t kItemsMax = 256;

Error failed(std::string_view why) { return internal_error(ErrorCode::kUpstreamFailed, "upstream answer: " + std::string(why)); }

/// Texts are kept as they stand between quotes: fragments concatenate, nothing is unescaped and escaped again.
struct Item {
  enum class Kind : uint8_t { kReasoning, kMessage, kRefusal, kCall };
  Kind kind = Kind::kMessage;
  int64_t tool_index = 0;
  std::string id{};
  std::string call_id{};
  std::string name{};
  std::string text{};
};

void append_quoted(std::string_view name, std::string_view raw, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":\"";
  out += raw;
  out += '"';
}
void append_number(std::string_view name, size_t number, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  out += std::to_string(number);
}

/// A content part of the item; for items that have one.
void write_part(const Item& item, bool full, std::string& out) {
  const std::string_view text = full ? std::string_view(item.text) : std::string_view();
  if (item.kind == Item::Kind::kRefusal) {
    out += R"({"type":"refusal","refusal":")";
  } else if (item.kind == Item::Kind::kReasoning) {
    out += R"({"type":"reasoning_text","text":")";
  } else {
    out += R"({"type":"output_text","annotations":[],"logprobs":[],"text":")";
  }
  out += text;
  out += "\"}";
}

void write_item(const Item& item, std::string_view status, bool full, std::string& out) {
  out += R"({"id":")";
  out += item.id;
  out += '"';
  append_quoted("status", status, out);
  switch (item.kind) {
    case Item::Kind::kCall:
      out += R"(,"type":"function_call")";
      append_quoted("call_id", item.call_id, out);
      append_quoted("name", item.name, out);
      append_quoted("arguments", full ? std::string_view(item.text) : std::string_view(), out);
      break;
    case Item::Kind::kReasoning:
    case Item::Kind::kMessage:
    case Item::Kind::kRefusal:
      out += item.kind == Item::Kind::kReasoning ? R"(,"type":"reasoning","summary":[],"content":[)"
                                                 : R"(,"type":"message","role":"assistant","content":[)";
      if (full) write_part(item, true, out);
      out += ']';
      break;
  }
  out += '}';
}

}  // namespace

struct ResponsesBridge::State {
  ResponseObject object;
  std::string random{};
  EventRewriter tracker;
  json::Document document;
  std::vector<Item> items{};
  size_t bytes = 0;
  int64_t sequence = 0;
  Usage usage{};
  FinishReason finish = FinishReason::kNone;
  bool created = false;
  bool ended = false;
  bool failed_end = false;

  void begin(std::string_view type, std::string& out) { begin_event(type, sequence++, out); }
  void response_event(std::string_view type, const ResponseState& state, std::string& out);
  void open_stream(std::string& out);
  size_t open_item(Item item, std::string& out);
  void item_place(size_t at, bool with_part, std::string& out) const;
  Result<void> text(Item::Kind kind, std::string_view raw, std::string& out);
  Result<void> calls(Value calls, std::string& out);
  Result<void> call_fragment(int64_t index, Value call, std::string& out);
  void delta_event(size_t at, std::string_view raw, std::string& out);
  void close_item(size_t at, std::string_view status, std::string& out);
  void finish_stream(std::string& out);
  std::string output(std::string_view status) const;
  std::string id_of(std::string_view prefix) const { return std::string(prefix) + random + "_" + std::to_string(items.size()); }
  Result<void> read_message(Value message);
};

ResponsesBridge::ResponsesBridge() : state_(std::make_unique<State>()) {}
ResponsesBridge::~ResponsesBridge() = default;
ResponsesBridge::ResponsesBridge(ResponsesBridge&&) noexcept = default;
ResponsesBridge& ResponsesBridge::operator=(ResponsesBridge&&) noexcept = default;

void ResponsesBridge::start(const DecodedRequest& request, const BridgeFrame& frame) {
  State& s = *state_;
  s.random.assign(frame.id_random);
  s.object.start("resp_" + s.random, frame.model, frame.created, &request);
  s.tracker.start({.operation = Operation::kChat, .names = {.id = s.random, .model = frame.model}, .show_usage = true});
  s.items.clear();
  s.bytes = 0;
  s.sequence = 0;
  s.usage = {};
  s.finish = FinishReason::kNone;
  s.created = s.ended = s.failed_end = false;
}

void ResponsesBridge::State::response_event(std::string_view type, const ResponseState& state, std::string& out) {
  begin(type, out);
  out += ",\"response\":";
  object.write(state, out);
  end_event(out);
}

void ResponsesBridge::State::open_stream(std::string& out) {
  if (created) return;
  created = true;
  response_event("response.created", {.status = "in_progress"}, out);
  response_event("response.in_progress", {.status = "in_progress"}, out);
}

void ResponsesBridge::State::item_place(size_t at, bool with_part, std::string& out) const {
  append_quoted("item_id", items[at].id, out);
  append_number("output_index", at, out);
  if (with_part) append_number("content_index", 0, out);
}

size_t ResponsesBridge::State::open_item(Item item, std::string& out) {
  const size_t at = items.size();
  items.push_back(std::move(item));
  begin("response.output_item.added", out);
  append_number("output_index", at, out);
  out += ",\"item\":";
  write_item(items[at], "in_progress", false, out);
  end_event(out);
  if (items[at].kind == Item::Kind::kCall) return at;
  begin("response.content_part.added", out);
  item_place(at, true, out);
  out += ",\"part\":";
  write_part(items[at], false, out);
  end_event(out);
  return at;
}

void ResponsesBridge::State::delta_event(size_t at, std::string_view raw, std::string& out) {
  const Item::Kind kind = items[at].kind;
  constexpr std::array<std::string_view, 4> kTypes = {"response.reasoning_text.delta", "response.output_text.delta", "response.refusal.delta",
                                                      "response.function_call_arguments.delta"};
  begin(kTypes[static_cast<size_t>(kind)], out);
  item_place(at, kind != Item::Kind::kCall, out);
  append_quoted("delta", raw, out);
  if (kind == Item::Kind::kMessage) out += R"(,"logprobs":[])";
  end_event(out);
}

Result<void> ResponsesBridge::State::text(Item::Kind kind, std::string_view raw, std::string& out) {
  if (raw.empty()) return {};
  bytes += raw.size();
  if (bytes > kBytesMax) return Fail(failed("longer than an answer may be"));
  const auto there = std::ranges::find(items, kind, &Item::kind);
  size_t at = static_cast<size_t>(there - items.begin());
  if (there == items.end()) {
    constexpr std::array<std::string_view, 3> kPrefixes = {"rs_", "msg_", "msg_"};
    at = open_item(Item{.kind = kind, .id = id_of(kPrefixes[static_cast<size_t>(kind)])}, out);
  }
  items[at].text += raw;
  delta_event(at, raw, out);
  return {};
}

Result<void> ResponsesBridge::State::call_fragment(int64_t index, Value call, std::string& out) {
  const std::optional<Value> function = call.find("function");
  const auto raw_of = [](std::optional<Value> value) { return value && value->is_string() ? value->string_raw() : std::string_view(); };
  const std::string_view name = function ? raw_of(function->find("name")) : std::string_view();
  const std::string_view arguments = function ? raw_of(function->find("arguments")) : std::string_view();
  auto there = std::ranges::find_if(items, [index](const Item& item) { return item.kind == Item::Kind::kCall && item.tool_index == index; });
  size_t at = static_cast<size_t>(there - items.begin());
  if (there == items.end()) {
    if (items.size() >= kItemsMax) return Fail(failed("more calls than there may be"));
    if (name.empty()) return Fail(failed("a call without a name"));
    Item item{.kind = Item::Kind::kCall,
              .tool_index = index,
              .id = id_of("fc_"),
              .call_id = std::string(raw_of(call.find("id"))),
              .name = std::string(name)};
    if (item.call_id.empty()) item.call_id = id_of("call_");
    at = open_item(std::move(item), out);
  }
  if (arguments.empty()) return {};
  bytes += arguments.size();
  if (bytes > kBytesMax) return Fail(failed("longer than an answer may be"));
  items[at].text += arguments;
  delta_event(at, arguments, out);
  return {};
}

Result<void> ResponsesBridge::State::calls(Value calls, std::string& out) {
  int64_t place = 0;
  for (const Value call : calls.elements()) {
    const std::optional<Value> index = call.find("index");
    CHECK_OK(call_fragment(index ? index->integer().value_or(place) : place, call, out));
    ++place;
  }
  return {};
}

void ResponsesBridge::State::close_item(size_t at, std::string_view status, std::string& out) {
  const Item& item = items[at];
  constexpr std::array<std::string_view, 4> kTypes = {"response.reasoning_text.done", "response.output_text.done", "response.refusal.done",
                                                      "response.function_call_arguments.done"};
  constexpr std::array<std::string_view, 4> kMembers = {"text", "text", "refusal", "arguments"};
  begin(kTypes[static_cast<size_t>(item.kind)], out);
  item_place(at, item.kind != Item::Kind::kCall, out);
  append_quoted(kMembers[static_cast<size_t>(item.kind)], item.text, out);
  if (item.kind == Item::Kind::kMessage) out += R"(,"logprobs":[])";
  if (item.kind == Item::Kind::kCall) append_quoted("name", item.name, out);
  end_event(out);
  if (item.kind != Item::Kind::kCall) {
    begin("response.content_part.done", out);
    item_place(at, true, out);
    out += ",\"part\":";
    write_part(item, true, out);
    end_event(out);
  }
  begin("response.output_item.done", out);
  append_number("output_index", at, out);
  out += ",\"item\":";
  write_item(item, status, true, out);
  end_event(out);
}

std::string ResponsesBridge::State::output(std::string_view status) const {
  std::string out = "[";
  for (size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out += ',';
    write_item(items[i], status, true, out);
  }
  out += ']';
  return out;
}

namespace {

/// How a response ends, by the finish reason of its only choice.
ResponseState ending(FinishReason finish) {
  if (finish == FinishReason::kLength) return {.status = "incomplete", .incomplete_reason = "max_output_tokens"};
  if (finish == FinishReason::kContentFilter) return {.status = "incomplete", .incomplete_reason = "content_filter"};
  return {.status = "completed"};
}

}  // namespace

void ResponsesBridge::State::finish_stream(std::string& out) {
  open_stream(out);
  usage = tracker.usage();
  finish = tracker.finish_reason();
  ResponseState state = ending(finish);
  for (size_t i = 0; i < items.size(); ++i) close_item(i, state.status, out);
  const std::string all = output(state.status);
  state.output = all;
  state.usage = &usage;
  response_event(state.incomplete_reason.empty() ? "response.completed" : "response.incomplete", state, out);
  ended = true;
}

Result<void> ResponsesBridge::feed(std::string_view chat_event, std::string& out) {
  State& s = *state_;
  if (s.ended) return {};
  TRY(const EventStep step, s.tracker.feed(chat_event));
  if (step.action == EventAction::kDone) {
    if (!s.tracker.complete()) return Fail(failed("it ended too early"));
    s.finish_stream(out);
    return {};
  }
  if (step.action != EventAction::kForward) return {};
  if (!s.document.parse(chat_event)) return Fail(failed("an event is not valid JSON"));
  const std::optional<Value> choices = s.document.root().find("choices");
  if (!choices || choices->size() == 0) return {};
  s.open_stream(out);
  for (const Value choice : choices->elements()) {
    const std::optional<Value> index = choice.find("index");
    if (index && index->integer().value_or(0) != 0) return Fail(failed("more than one choice"));
    const std::optional<Value> delta = choice.find("delta");
    if (!delta) continue;
    const auto raw = [&delta](std::string_view name) {
      const std::optional<Value> value = delta->find(name);
      return value && value->is_string() ? value->string_raw() : std::string_view();
    };
    const std::string_view thought = raw("reasoning_content");
    CHECK_OK(s.text(Item::Kind::kReasoning, thought.empty() ? raw("reasoning") : thought, out));
    CHECK_OK(s.text(Item::Kind::kMessage, raw("content"), out));
    CHECK_OK(s.text(Item::Kind::kRefusal, raw("refusal"), out));
    if (const std::optional<Value> calls = delta->find("tool_calls"); calls) CHECK_OK(s.calls(*calls, out));
  }
  return {};
}

void ResponsesBridge::fail(const Error& error, std::string& out) {
  State& s = *state_;
  if (s.ended) return;
  s.open_stream(out);
  const std::string all = s.output("incomplete");
  s.usage = s.tracker.usage();
  s.response_event("response.failed", {.status = "failed", .output = all, .error = &error, .usage = &s.usage}, out);
  s.ended = s.failed_end = true;
}

/// The message of a whole answer, as items.
Result<void> ResponsesBridge::State::read_message(Value message) {
  std::string nowhere{};
  const auto raw = [&message](std::string_view name) {
    const std::optional<Value> value = message.find(name);
    return value && value->is_string() ? value->string_raw() : std::string_view();
  };
  const std::string_view thought = raw("reasoning_content");
  CHECK_OK(text(Item::Kind::kReasoning, thought.empty() ? raw("reasoning") : thought, nowhere));
  CHECK_OK(text(Item::Kind::kMessage, raw("content"), nowhere));
  CHECK_OK(text(Item::Kind::kRefusal, raw("refusal"), nowhere));
  if (const std::optional<Value> tool_calls = message.find("tool_calls"); tool_calls) CHECK_OK(calls(*tool_calls, nowhere));
  return {};
}

Result<void> ResponsesBridge::write_answer(std::string_view chat_answer, std::string& out) {
  State& s = *state_;
  if (!s.document.parse(chat_answer) || !s.document.root().is_object()) return Fail(failed("not one JSON object"));
  const Value root = s.document.root();
  if (const std::optional<Value> error = root.find("error"); error && error->size() != 0) return Fail(parse_upstream_error(200, chat_answer).error);
  const std::optional<Value> choices = root.find("choices");
  if (!choices || choices->size() != 1) return Fail(failed("not one choice"));
  const Value choice = *choices->elements().begin();
  const std::optional<Value> message = choice.find("message");
  if (!message || !message->is_object()) return Fail(failed("no message"));
  CHECK_OK(s.read_message(*message));
  if (const std::optional<Value> usage = root.find("usage"); usage && usage->is_object()) s.usage = parse_usage(usage->raw());
  const std::optional<Value> reason = choice.find("finish_reason");
  s.finish = reason && reason->is_plain_string() ? parse_finish_reason(reason->string_raw()) : FinishReason::kStop;
  ResponseState state = ending(s.finish);
  const std::string all = s.output(state.status);
  state.output = all;
  state.usage = &s.usage;
  s.object.write(state, out);
  s.ended = true;
  return {};
}

bool ResponsesBridge::complete() const { return state_->ended && !state_->failed_end; }
bool ResponsesBridge::ended() const { return state_->ended; }
bool ResponsesBridge::content_seen() const { return state_->tracker.content_seen(); }
const Usage& ResponsesBridge::usage() const { return state_->ended ? state_->usage : state_->tracker.usage(); }
FinishReason ResponsesBridge::finish_reason() const { return state_->ended ? state_->finish : state_->tracker.finish_reason(); }
uint64_t ResponsesBridge::content_events() const { return state_->tracker.content_events(); }
std::string_view ResponsesBridge::upstream_model() const { return state_->tracker.upstream_model(); }

}  // namespace wye::protocol
