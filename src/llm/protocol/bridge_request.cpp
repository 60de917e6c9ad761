#include "foundation/json/writer.hpp"
#include "llm/protocol/complaint.hpp"
#include "llm/protocol/responses_bridge.hpp"
#include "llm/protocol/schema.hpp"

namespace wye::protocol {
namespace {

using json::Value;
using json::Writer;

Error cannot(const json::Document& document, Value value) {
  return not_allowed(document, value, "is not supported by this model, which is asked through chat completions.");
}

/// Builds the chat body member by member.
class Bridge {
 public:
  Bridge(const DecodedRequest& request, const UpstreamTarget& target, std::string& out)
      : request_(request),
        target_(target),
        document_(*request.document),
        writer_(out) {}
  Result<void> run();

 private:
  enum class Open : uint8_t { kNothing, kCalls };
  Result<void> messages();
  Result<void> item(Value item);
  Result<void> message(Value item);
  Result<void> assistant(Value content);
  Result<void> thought(Value item);
  void write_thought();
  void close_thought();
  Result<void> parts(Value content);
  Result<void> part(Value part);
  Result<void> call(Value item);
  Result<void> call_output(Value item);
  void close_calls();
  Result<void> joined_text(Value content, std::string& text);
  Result<void> member(json::Member member);
  Result<void> tools(Value tools);
  Result<void> tool_choice(Value choice);
  Result<void> text_format(Value text);
  Result<void> reasoning(Value reasoning);
  Result<void> include(Value include);
  void identity(std::string_view name, Value value);
  Result<void> only_if(bool good, Value value) { return good ? Result<void>{} : Result<void>(Fail(cannot(document_, value))); }

  const DecodedRequest& request_;
  const UpstreamTarget& target_;
  const json::Document& document_;
  Writer writer_;
  Open open_ = Open::kNothing;
  std::string thought_;  // of the assistant, not yet written
};

void Bridge::close_calls() {
  if (open_ == Open::kCalls) writer_.end_array().end_object();
  open_ = Open::kNothing;
}

Result<void> Bridge::messages() {
  writer_.begin_array("messages");
  if (const std::optional<Value> instructions = request_.root->find("instructions"); instructions && instructions->is_string())
    writer_.begin_object().string("role", "system").raw("content", instructions->raw()).end_object();
  const Value input = *request_.content;
  if (input.is_string()) {
    writer_.begin_object().string("role", "user").raw("content", input.raw()).end_object();
  } else {
    for (const Value one : input.elements()) CHECK_OK(item(one));
    close_calls();
    close_thought();
  }
  writer_.end_array();
  return {};
}

Result<void> Bridge::item(Value item) {
  const std::optional<Value> type = item.find("type");
  const bool is_message = !type || type->is_null() || type->equals("message");
  if (is_message) return message(item);
  if (type->equals("function_call")) return call(item);
  if (type->equals("function_call_output")) return call_output(item);
  if (type->equals("reasoning")) return thought(item);
  return Fail(cannot(document_, *type));
}

/// What a model thought before goes along as chat servers name it. What only its maker can read does not: it is refused, not dropped.
Result<void> Bridge::thought(Value item) {
  close_calls();
  for (const std::string_view name : {"encrypted_content", "summary"}) {
    const std::optional<Value> value = item.find(name);
    if (value && !value->is_null() && (value->is_string() ? !value->string_raw().empty() : value->size() != 0))
      return Fail(cannot(document_, *value));
  }
  const std::optional<Value> content = item.find("content");
  if (!content || !content->is_array()) return {};
  for (const Value one : content->elements()) {
    const std::optional<Value> type = one.is_object() ? one.find("type") : std::nullopt;
    const std::optional<Value> text = one.is_object() ? one.find("text") : std::nullopt;
    if (!type || !type->equals("reasoning_text") || !text || !text->is_string()) return Fail(cannot(document_, one));
    text->unescape_to(thought_);
  }
  return {};
}

void Bridge::write_thought() {
  if (!thought_.empty()) writer_.string("reasoning_content", thought_);
  thought_.clear();
}

/// Thoughts that nothing was said after.
void Bridge::close_thought() {
  if (thought_.empty()) return;
  writer_.begin_object().string("role", "assistant").string("content", "");
  write_thought();
  writer_.end_object();
}

Result<void> Bridge::message(Value item) {
  close_calls();
  const Value role = *item.find("role");
  const Value content = *item.find("content");
  if (role.equals("assistant")) return assistant(content);
  close_thought();
  writer_.begin_object().string("role", role.equals("user") ? "user" : "system").key("content");
  CHECK_OK(parts(content));
  writer_.end_object();
  return {};
}

/// Chat's assistants speak in one text.
Result<void> Bridge::assistant(Value content) {
  std::string text;
  std::string refusal;
  if (content.is_string()) {
    content.unescape_to(text);
  } else {
    for (const Value one : content.elements()) {
      const Value type = *one.find("type");
      if (type.equals("refusal")) {
        one.find("refusal")->unescape_to(refusal);
      } else {
        CHECK_OK(only_if(type.equals("output_text") || type.equals("input_text") || type.equals("text"), type));
        one.find("text")->unescape_to(text);
      }
    }
  }
  writer_.begin_object().string("role", "assistant").string("content", text);
  if (!refusal.empty()) writer_.string("refusal", refusal);
  write_thought();
  writer_.end_object();
  return {};
}

Result<void> Bridge::parts(Value content) {
  if (content.is_string()) {
    writer_.raw(content.raw());
    return {};
  }
  writer_.begin_array();
  for (const Value one : content.elements()) CHECK_OK(part(one));
  writer_.end_array();
  return {};
}

Result<void> Bridge::part(Value part) {
  const Value type = *part.find("type");
  const auto copy = [&](std::string_view name) {
    if (const std::optional<Value> value = part.find(name); value && !value->is_null()) writer_.raw(name, value->raw());
  };
  if (type.equals("input_text") || type.equals("output_text") || type.equals("text")) {
    writer_.begin_object().string("type", "text").raw("text", part.find("text")->raw()).end_object();
    return {};
  }
  if (type.equals("input_image")) {
    const std::optional<Value> url = part.find("image_url");
    if (!url || url->is_null()) return Fail(missing(document_, part, "image_url"));
    writer_.begin_object().string("type", "image_url").begin_object("image_url").raw("url", url->raw());
    copy("detail");
    writer_.end_object().end_object();
    return {};
  }
  if (type.equals("input_file")) {
    const std::optional<Value> url = part.find("file_url");
    if (url && !url->is_null()) return Fail(cannot(document_, *url));
    writer_.begin_object().string("type", "file").begin_object("file");
    copy("filename");
    copy("file_data");
    writer_.end_object().end_object();
    return {};
  }
  if (type.equals("input_audio")) {
    writer_.begin_object().string("type", "input_audio");
    copy("input_audio");
    writer_.end_object();
    return {};
  }
  return Fail(cannot(document_, type));
}

/// Calls in a row are one assistant message.
Result<void> Bridge::call(Value item) {
  if (open_ == Open::kNothing) {
    writer_.begin_object().string("role", "assistant").null("content");
    write_thought();
    writer_.begin_array("tool_calls");
  }
  open_ = Open::kCalls;
  writer_.begin_object().raw("id", item.find("call_id")->raw()).string("type", "function");
  writer_.begin_object("function").raw("name", item.find("name")->raw()).raw("arguments", item.find("arguments")->raw()).end_object().end_object();
  return {};
}

Result<void> Bridge::joined_text(Value content, std::string& text) {
  for (const Value one : content.elements()) {
    const Value type = *one.find("type");
    CHECK_OK(only_if(type.equals("input_text") || type.equals("output_text") || type.equals("text"), type));
    one.find("text")->unescape_to(text);
  }
  return {};
}

Result<void> Bridge::call_output(Value item) {
  close_calls();
  close_thought();
  const Value output = *item.find("output");
  writer_.begin_object().string("role", "tool").raw("tool_call_id", item.find("call_id")->raw());
  if (output.is_string()) {
    writer_.raw("content", output.raw());
  } else {
    std::string text;
    CHECK_OK(joined_text(output, text));
    writer_.string("content", text);
  }
  writer_.end_object();
  return {};
}

Result<void> Bridge::tools(Value tools) {
  if (tools.size() == 0) return {};
  writer_.begin_array("tools");
  for (const Value tool : tools.elements()) {
    const Value type = *tool.find("type");
    CHECK_OK(only_if(type.equals("function"), type));
    writer_.begin_object().string("type", "function").begin_object("function");
    for (const std::string_view name : {"name", "description", "parameters", "strict"}) {
      if (const std::optional<Value> value = tool.find(name); value && !value->is_null()) writer_.raw(name, value->raw());
    }
    writer_.end_object().end_object();
  }
  writer_.end_array();
  return {};
}

Result<void> Bridge::tool_choice(Value choice) {
  if (request_.tool_count == 0) return {};
  if (choice.is_string()) {
    writer_.raw("tool_choice", choice.raw());
    return {};
  }
  const Value type = *choice.find("type");
  CHECK_OK(only_if(type.equals("function"), type));
  writer_.begin_object("tool_choice")
      .string("type", "function")
      .begin_object("function")
      .raw("name", choice.find("name")->raw())
      .end_object()
      .end_object();
  return {};
}

Result<void> Bridge::text_format(Value text) {
  if (const std::optional<Value> verbosity = text.find("verbosity"); verbosity && !verbosity->is_null()) writer_.raw("verbosity", verbosity->raw());
  const std::optional<Value> format = text.find("format");
  if (!format || format->is_null()) return {};
  const Value type = *format->find("type");
  if (type.equals("text")) return {};
  writer_.begin_object("response_format").raw("type", type.raw());
  if (type.equals("json_schema")) {
    writer_.begin_object("json_schema");
    for (const std::string_view name : {"name", "description", "schema", "strict"}) {
      if (const std::optional<Value> value = format->find(name); value && !value->is_null()) writer_.raw(name, value->raw());
    }
    writer_.end_object();
  }
  writer_.end_object();
  return {};
}

Result<void> Bridge::reasoning(Value reasoning) {
  for (const json::Member member : reasoning.members()) {
    const Value value = member.value();
    if (value.is_null()) continue;
    if (member.name_is("effort")) {
      writer_.raw("reasoning_effort", value.raw());
    } else {
      // `auto` leaves it to the server, which gives none.
      CHECK_OK(only_if((member.name_is("summary") || member.name_is("generate_summary")) && value.equals("auto"), value));
    }
  }
  return {};
}

/// Encrypted reasoning is included where there is any: a chat server has none.
Result<void> Bridge::include(Value include) {
  for (const Value one : include.elements()) CHECK_OK(only_if(one.equals("reasoning.encrypted_content"), one));
  return {};
}

void Bridge::identity(std::string_view name, Value value) {
  if (name == "prompt_cache_key") {
    if (target_.cache_key_prefix.empty()) return;
    std::string key(target_.cache_key_prefix);
    value.unescape_to(key);
    writer_.string(name, key);
  } else if (!target_.user_hash.empty()) {
    writer_.string(name, target_.user_hash);
  }
}

Result<void> Bridge::member(json::Member member) {
  const Value value = member.value();
  const std::string name = member.name();
  const auto is = [&name](std::initializer_list<std::string_view> names) { return std::ranges::find(names, name) != names.end(); };
  if (value.is_null()) return {};
  // Written elsewhere, or without a meaning for one answer that is not stored.
  if (is({"model", "input", "instructions", "max_output_tokens", "stream", "stream_options", "store", "metadata", "background"})) return {};
  if (is({"temperature", "top_p", "service_tier", "prompt_cache_options", "prompt_cache_retention"})) {
    writer_.raw(name, value.raw());
    return {};
  }
  if (name == "parallel_tool_calls") {
    if (request_.tool_count != 0) writer_.raw(name, value.raw());
    return {};
  }
  if (name == "tools") return tools(value);
  if (name == "tool_choice") return tool_choice(value);
  if (name == "text") return text_format(value);
  if (name == "reasoning") return reasoning(value);
  if (name == "include") return include(value);
  if (name == "truncation") return only_if(value.equals("disabled"), value);
  if (name == "top_logprobs") return only_if(value.integer() == 0, value);
  if (is({"user", "safety_identifier", "prompt_cache_key"})) {
    identity(name, value);
    return {};
  }
  // Unknown here goes on as it came, unless chat means something by it.
  const auto knows = [&name](const Object& object) {
    return std::ranges::any_of(object.fields, [&name](const Field& field) { return field.name == name; });
  };
  if (knows(responses_object()) || knows(chat_object())) return Fail(cannot(document_, value));
  writer_.raw(name, value.raw());
  return {};
}

Result<void> Bridge::run() {
  writer_.begin_object().string("model", target_.model);
  CHECK_OK(messages());
  for (const json::Member m : request_.root->members()) CHECK_OK(member(m));
  TRY(const uint64_t cap, output_cap_of(request_, target_));
  writer_.unsigned_integer(target_.dialect.chat_output_cap == OutputCapName::kMaxCompletionTokens ? "max_completion_tokens" : "max_tokens", cap);
  if (request_.stream || target_.force_stream) {
    writer_.boolean("stream", true);
    if (target_.dialect.stream_options) writer_.begin_object("stream_options").boolean("include_usage", true).end_object();
  }
  writer_.end_object();
  return {};
}

}  // namespace

Result<void> bridge_request(const DecodedRequest& request, const UpstreamTarget& target, std::string& chat_body) {
  const size_t begin = chat_body.size();
  Result<void> done = Bridge(request, target, chat_body).run();
  if (!done) chat_body.resize(begin);
  return done;
}

}  // namespace wye::protocol
