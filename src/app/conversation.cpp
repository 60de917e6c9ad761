#include "app/conversation.hpp"

#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"

namespace wye::app {
namespace {

constexpr size_t kBodyShownMax = 300;

/// What a model says must not steer the terminal.
void append_printable(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7F) || c == '\n' || c == '\t') out += c;
  }
}

}  // namespace

std::string Conversation::ask(std::string_view words) {
  turns_.push_back({true, std::string(words)});
  std::string out;
  json::Writer writer(out);
  writer.begin_object().string("model", route_).boolean("stream", true).begin_array("messages");
  for (const Turn& turn : turns_) writer.begin_object().string("role", turn.user ? "user" : "assistant").string("content", turn.text).end_object();
  writer.end_array().end_object();
  return out;
}

void Conversation::keep(std::string_view answer) { turns_.push_back({false, std::string(answer)}); }

void Conversation::forget() {
  if (!turns_.empty() && turns_.back().user) turns_.pop_back();
}

Result<void> AnswerReader::take_event(std::string_view data, std::string& fresh) {
  if (data == "[DONE]") {
    done_ = true;
    return {};
  }
  json::Document document;
  if (!document.parse_copy(data)) return Fail(public_error(ErrorCode::kCorrupt, "The stream holds what is no JSON."));
  const json::Value root = document.root();
  if (root.find("error")) return Fail(public_error(ErrorCode::kUpstreamFailed, error_message(data)));
  const auto choices = root.find("choices");
  if (!choices || !choices->is_array() || choices->size() == 0) return {};
  const json::Value first = *choices->elements().begin();
  const auto delta = first.find("delta");
  const auto content = delta ? delta->find("content") : std::nullopt;
  if (!content) return {};
  const std::string text = content->text();
  text_ += text;
  append_printable(fresh, text);
  return {};
}

Result<std::string> AnswerReader::take(std::string_view bytes) {
  std::string fresh;
  CHECK_OK(scanner_.feed(bytes));
  while (const auto event = scanner_.next()) CHECK_OK(take_event(event->data, fresh));
  return fresh;
}

std::string error_message(std::string_view body) {
  json::Document document;
  if (document.parse_copy(body)) {
    const auto error = document.root().find("error");
    const auto message = error ? error->find("message") : std::nullopt;
    std::string out;
    if (message) append_printable(out, message->text());
    if (!out.empty()) return out;
  }
  std::string out;
  append_printable(out, body.substr(0, kBodyShownMax));
  return out;
}

}  // namespace wye::app
