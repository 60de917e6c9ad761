#include "foundation/net/dialer.hpp"

namespace wye::net {
namespace {

ErrorCode outward(ErrorCode code) {
  if (code == ErrorCode::kTimeout) return ErrorCode::kUpstreamTimeout;
  return code == ErrorCode::kCancelled ? ErrorCode::kCancelled : ErrorCode::kUpstreamFailed;
}

std::unexpected<DialError> fail(DialStep step, ErrorCode code, const DialTarget& target, std::string_view reason) {
  return std::unexpected(
      DialError{internal_error(outward(code), "dial " + target.host + ":" + std::to_string(target.port) + ": " + std::string(reason)), step});
}

Bound within(const Bound& bound, const Loop& loop, Nanos limit) { return {earlier(bound.deadline, loop.after(limit)), bound.cancel}; }

Task<Result<std::unique_ptr<Stream>>> connect_to(Loop& loop, Endpoint endpoint, Bound bound) {
  CO_TRY(auto stream, loop.open(endpoint));
  const IoStatus status = co_await await_connected(*stream, bound);
  if (status == IoStatus::kOk) co_return std::move(stream);
  const ErrorCode code = status == IoStatus::kTimeout ? ErrorCode::kTimeout : status == IoStatus::kCancelled ? ErrorCode::kCancelled : ErrorCode::kIo;
  const std::string reason = status == IoStatus::kFailed && !stream->failure().empty() ? stream->failure() : std::string(to_string(status));
  co_return Fail(internal_error(code, "connect to " + to_string(endpoint) + ": " + reason));
}

/// Tries one address after the other.
Task<Result<std::unique_ptr<Stream>>> connect_any(Loop& loop, std::vector<Endpoint> addresses, Bound bound) {
  Error last = internal_error(ErrorCode::kIo, "no address");
  std::string reasons;
  for (const Endpoint& address : addresses) {
    auto stream = co_await connect_to(loop, address, within(bound, loop, kConnectTimeout));
    if (stream) co_return std::move(stream);
    last = std::move(stream).error();
    reasons += (reasons.empty() ? "" : "; ") + last.detail;
    if (last.code == ErrorCode::kCancelled || bound.deadline.passed(loop.now())) break;
  }
  last.detail = std::move(reasons);
  co_return Fail(std::move(last));
}

}  // namespace

std::string_view to_string(DialStep step) {
  constexpr std::array<std::string_view, 3> kNames = {"resolve", "connect", "tls"};
  return kNames[static_cast<size_t>(step)];
}

Task<DialResult> dial(Loop& loop, Resolver& resolver, DialTarget target, Bound bound) {
  if (!target.local_path.empty()) {
    auto local = loop.open_local(target.local_path);
    if (!local) co_return std::unexpected(DialError{internal_error(ErrorCode::kUpstreamFailed, local.error().detail), DialStep::kConnect});
    co_return std::move(*local);
  }
  auto addresses = co_await resolver.resolve(target.host, target.port, within(bound, loop, kResolveTimeout));
  if (!addresses) co_return fail(DialStep::kResolve, addresses.error().code, target, addresses.error().detail);
  if (target.loopback_only && !std::ranges::all_of(*addresses, [](const Endpoint& e) { return e.is_loopback(); })) {
    co_return fail(DialStep::kResolve, ErrorCode::kForbidden, target, "an address of the answer is not a loopback address");
  }
  auto stream = co_await connect_any(loop, std::move(*addresses), bound);
  if (!stream) co_return fail(DialStep::kConnect, stream.error().code, target, stream.error().detail);
  if (target.tls == nullptr) co_return std::move(*stream);
  std::string name = target.server_name.empty() ? target.host : target.server_name;
  auto secured = co_await tls_connect(std::move(*stream), *target.tls, std::move(name), within(bound, loop, kTlsTimeout));
  if (!secured) co_return fail(DialStep::kTls, secured.error().code, target, secured.error().detail);
  co_return std::move(*secured);
}

}  // namespace wye::net
