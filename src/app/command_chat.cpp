#include <unistd.h>

#include <iostream>

#include "app/conversation.hpp"
#include "app/first_start.hpp"
#include "app/instance_record.hpp"
#include "app/local_admin.hpp"
#include "foundation/json/document.hpp"

namespace wye::app {
namespace {

constexpr Nanos kAnswerMax = std::chrono::minutes(10);

/// The first Route that chats, `chat-local` before others.
Result<std::string> default_route(const DataFolder& data, const Clock& clock) {
  TRY(const std::string status, call_admin(data, clock, "GET", "status"));
  json::Document document;
  std::string found;
  if (document.parse_copy(status)) {
    const auto routes = document.root().find("routes");
    if (!routes) return Fail(public_error(ErrorCode::kNotFound, "No Route chats."));
    for (const json::Value route : routes->elements()) {
      const auto operations = route.find("operations");
      const auto name = route.find("name");
      if (!operations || !name) continue;
      bool chats = false;
      for (const json::Value operation : operations->elements()) chats = chats || operation.equals("chat");
      if (chats && (found.empty() || name->equals("chat-local"))) found = name->text();
    }
  }
  if (found.empty()) return Fail(public_error(ErrorCode::kNotFound, "No Route chats."));
  return found;
}

/// Asks and prints the answer as it comes.
Result<std::string> converse(const Clock& clock, LoopbackCall call, const std::string& body) {
  AnswerReader reader;
  std::optional<Error> broken;
  call.body = body;
  const auto take = [&](std::string_view bytes) {
    Result<std::string> fresh = reader.take(bytes);
    if (!fresh) {
      broken = std::move(fresh).error();
      return false;
    }
    std::fwrite(fresh->data(), 1, fresh->size(), stdout);
    std::fflush(stdout);
    return true;
  };
  const Result<LoopbackAnswer> answer = loopback_call(clock, call, take);
  if (!reader.text().empty()) std::fputs("\n", stdout);
  std::fflush(stdout);
  if (broken) return Fail(std::move(*broken));
  if (!answer) return Fail(Error(answer.error()));
  if (answer->status == 401 || answer->status == 403) return Fail(public_error(ErrorCode::kForbidden, error_message(answer->body)));
  if (answer->status != 200) return Fail(public_error(ErrorCode::kUpstreamFailed, error_message(answer->body)));
  if (!reader.done()) return Fail(public_error(ErrorCode::kUpstreamFailed, "The answer was cut."));
  return reader.text();
}

}  // namespace

int run_chat(const ChatOptions& options, const Outside& outside) {
  const Result<DataFolder> data = find_data_folder(options.data, outside.environment);
  if (!data) return report(data.error());
  const Result<InstanceRecord> record = find_instance(*data);
  if (!record) return report_unreachable(record.error());
  Result<std::string> route = options.route.empty() ? default_route(*data, outside.clock) : Result<std::string>(options.route);
  if (!route) return report_unreachable(route.error());
  const std::optional<net::DialTarget> target = dial_target_of(record->public_url);
  if (!target)
    return report(public_error(ErrorCode::kUsage, "chat speaks plain HTTP to a local address; the first listener is " + record->public_url + "."));
  const Secret key = read_laptop_key(*data);
  LoopbackCall call;
  call.target = *target;
  call.method = "POST";
  call.path = "/v1/chat/completions";
  call.bearer = key.reveal();
  call.timeout = kAnswerMax;
  const bool person = ::isatty(STDIN_FILENO) == 1;
  if (person) std::fputs(("Talking to " + *route + "; Ctrl-D ends.\n").c_str(), stderr);
  Conversation conversation(*route);
  int code = kDone;
  for (std::string words;;) {
    if (person) std::fputs("> ", stderr);
    if (!std::getline(std::cin, words)) break;
    if (words.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Result<std::string> answer = converse(outside.clock, call, conversation.ask(words));
    if (answer) {
      conversation.keep(*answer);
      continue;
    }
    conversation.forget();
    code = report(answer.error());
  }
  if (person) std::fputs("\n", stderr);
  return person ? kDone : code;
}

}  // namespace wye::app
