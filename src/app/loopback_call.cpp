#include "app/loopback_call.hpp"

#include "foundation/http/client.hpp"
#include "foundation/http/message.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/scope.hpp"

namespace wye::app {
namespace {

constexpr size_t kHeadBytes = 2048;

Error plain(Error error) {
  if (error.code == ErrorCode::kUpstreamTimeout) error.code = ErrorCode::kTimeout;
  if (error.code == ErrorCode::kUpstreamFailed) error.code = ErrorCode::kClosed;
  return error;
}

std::string host_of(const net::DialTarget& target) {
  if (!target.local_path.empty()) return "localhost";
  const std::string host = target.host.find(':') == std::string::npos ? target.host : "[" + target.host + "]";
  return host + ":" + std::to_string(target.port);
}

net::Task<Result<LoopbackAnswer>> converse(http::Origin& origin, const LoopbackCall& call, const TakePiece& take, net::Bound bound) {
  std::array<char, kHeadBytes> buffer;
  http::HeadWriter head(buffer);
  head.text(call.method);
  head.text(" ");
  head.text(call.path);
  head.text(" HTTP/1.1\r\n");
  head.field("host", host_of(call.target));
  head.field("connection", "close");
  if (!call.bearer.empty()) head.field("authorization", "Bearer " + std::string(call.bearer));
  if (!call.if_match.empty()) head.field("if-match", "\"" + std::string(call.if_match) + "\"");
  if (!call.body.empty()) {
    head.field("content-type", "application/json");
    head.field("content-length", call.body.size());
  } else if (call.method != "GET") {
    head.field("content-length", uint64_t{0});
  }
  head.text("\r\n");
  if (head.overflow()) co_return Fail(internal_error(ErrorCode::kTooLarge, "the request's head is too large"));
  const std::array pieces = {net::piece(head.done()), net::piece(call.body)};
  http::ClientCall exchange(origin);
  CO_CHECK_OK(co_await exchange.exchange({.pieces = pieces}, bound, false));
  LoopbackAnswer answer;
  answer.status = exchange.head().status;
  answer.content_type = exchange.head().value(http::Known::kContentType);
  const bool pass_on = take && answer.status == 200;
  for (;;) {
    CO_TRY(const http::ClientCall::Piece piece, co_await exchange.read(bound));
    if (pass_on) {
      if (!piece.bytes.empty() && !take(piece.bytes)) co_return Fail(internal_error(ErrorCode::kCancelled, "ended by us"));
    } else {
      if (answer.body.size() + piece.bytes.size() > call.body_max) co_return Fail(internal_error(ErrorCode::kTooLarge, "the answer is too large"));
      answer.body += piece.bytes;
    }
    if (piece.last) co_return answer;
  }
}

net::Task<void> drive(net::Loop& loop, net::Resolver& resolver, const LoopbackCall& call, const TakePiece& take, Result<LoopbackAnswer>& out) {
  {
    http::Origin origin(loop, resolver, call.target);
    out = co_await converse(origin, call, take, {loop.after(call.timeout), nullptr});
  }
  loop.stop();
}

}  // namespace

Result<LoopbackAnswer> loopback_call(const Clock& clock, const LoopbackCall& call, const TakePiece& take) {
  TRY(const std::unique_ptr<net::Loop> loop, net::make_epoll_loop(clock));
  net::TableResolver resolver;  // addresses are literals
  Result<LoopbackAnswer> answer = Fail(internal_error(ErrorCode::kIo, "the call did not run"));
  net::Scope scope;
  loop->post([&] { scope.spawn(drive(*loop, resolver, call, take, answer)); });
  loop->run();
  if (!answer) return Fail(plain(std::move(answer).error()));
  return answer;
}

std::optional<net::DialTarget> dial_target_of(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const size_t colon = url.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  uint16_t port = 0;
  const std::string_view digits = url.substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || port == 0) return std::nullopt;
  const auto address = net::parse_address(url.substr(0, colon), port);
  if (!address) return std::nullopt;
  net::DialTarget target;
  target.host = net::address_text(*address);
  target.port = port;
  return target;
}

}  // namespace wye::app
