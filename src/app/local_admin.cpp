#include "app/local_admin.hpp"

namespace wye::app {

Result<std::string> call_admin(const DataFolder& data, const Clock& clock, std::string_view method, std::string_view path,
                               const std::string& instance) {
  TRY(const std::filesystem::path socket, find_socket(data, instance));
  const std::string full = "/admin/v1/" + std::string(path);
  LoopbackCall call;
  call.target.local_path = socket.string();
  call.method = method;
  call.path = full;
  Result<LoopbackAnswer> answer = loopback_call(clock, call);
  if (!answer)
    return Fail(Error{.code = ErrorCode::kNotFound,
                      .public_message = "No instance answers on " + data.root.string() + ".",
                      .detail = answer.error().detail,
                      .param = {},
                      .retry_after = {}});
  if (answer->status == 200) return std::move(answer->body);
  return Fail(public_error(ErrorCode::kUpstreamFailed, "The instance answered " + std::to_string(answer->status) + ": " + answer->body));
}

int report_unreachable(const Error& error) {
  const bool absent = error.code == ErrorCode::kNotFound || error.code == ErrorCode::kCorrupt;
  const int code = report(error, absent ? "start one with `wye up`, or name its folder with --data" : "");
  return absent ? kNotReachable : code;
}

}  // namespace wye::app
