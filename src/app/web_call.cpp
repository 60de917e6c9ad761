#include "app/web_call.hpp"

#include "foundation/http/client.hpp"
#include "foundation/http/message.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/offload.hpp"
#include "foundation/net/scope.hpp"

namespace wye::app {
namespace {

constexpr size_t kUrlBytes = 4096;
constexpr size_t kHeadBytes = 32 << 10;

Fail wrong_url(std::string_view url, std::string_view why) {
  return Fail(public_error(ErrorCode::kUsage, std::string(url.substr(0, 200)) + " is no URL to call: " + std::string(why) + "."));
}

std::string host_field(const WebUrl& url) {
  std::string out = url.host.contains(':') ? "[" + url.host + "]" : url.host;
  if (url.port != (url.tls ? 443 : 80)) out += ":" + std::to_string(url.port);
  return out;
}

Error plain(Error error, const WebUrl& url) {
  if (error.code == ErrorCode::kUpstreamTimeout) error.code = ErrorCode::kTimeout;
  if (error.code == ErrorCode::kUpstreamFailed || error.code == ErrorCode::kIo) error.code = ErrorCode::kClosed;
  // The owner of the terminal asked for that host by name: what went wrong with it is theirs to read.
  if (error.public_message.empty()) error.public_message = url.origin() + " can not be reached: " + error.detail;
  return error;
}

struct Request {
  const WebUrl& url;
  const WebCall& call;
};

net::Task<Result<WebAnswer>> converse(http::Origin& origin, Request request, net::Bound bound) {
  const WebCall& call = request.call;
  std::string buffer(kHeadBytes, '\0');
  http::HeadWriter head(buffer);
  head.text(call.method);
  head.text(" ");
  head.text(request.url.target);
  head.text(" HTTP/1.1\r\n");
  head.field("host", host_field(request.url));
  head.field("connection", "close");
  head.field("accept", "application/json");
  if (!call.bearer.empty()) head.field("authorization", "Bearer " + std::string(call.bearer));
  if (!call.if_match.empty()) head.field("if-match", "\"" + std::string(call.if_match) + "\"");
  if (!call.body.empty() || call.method == "POST") head.field("content-type", call.content_type);
  if (!call.body.empty() || call.method != "GET") head.field("content-length", call.body.size());
  head.text("\r\n");
  if (head.overflow()) co_return Fail(internal_error(ErrorCode::kTooLarge, "the request's head is too large"));
  const std::array pieces = {net::piece(head.done()), net::piece(call.body)};
  http::ClientCall exchange(origin);
  CO_CHECK_OK(co_await exchange.exchange({.pieces = pieces}, bound, false));
  WebAnswer answer;
  answer.status = exchange.head().status;
  answer.content_type = exchange.head().value(http::Known::kContentType);
  for (;;) {
    CO_TRY(const http::ClientCall::Piece piece, co_await exchange.read(bound));
    if (answer.body.size() + piece.bytes.size() > call.body_max) co_return Fail(internal_error(ErrorCode::kTooLarge, "the answer is too large"));
    answer.body += piece.bytes;
    if (piece.last) co_return answer;
  }
}

net::Task<void> drive(net::Loop& loop, net::Resolver& resolver, net::DialTarget target, Request request, Result<WebAnswer>& out) {
  {
    http::Origin origin(loop, resolver, std::move(target));
    out = co_await converse(origin, request, {loop.after(request.call.timeout), nullptr});
  }
  loop.stop();
}

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

bool WebUrl::is_loopback() const {
  const auto address = net::parse_address(host, port);
  return host == "localhost" || (address && address->is_loopback());
}

std::string WebUrl::origin() const { return (tls ? "https://" : "http://") + host_field(*this); }

Result<WebUrl> parse_web_url(std::string_view url) {
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kHttp = "http://";
  WebUrl out;
  const bool printable = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>'; });
  if (!printable || url.size() > kUrlBytes) return wrong_url(url, "it has bytes that no URL has, or too many");
  std::string_view rest = url;
  if (rest.starts_with(kHttps)) {
    rest.remove_prefix(kHttps.size());
  } else if (rest.starts_with(kHttp)) {
    rest.remove_prefix(kHttp.size());
    out.tls = false;
    out.port = 80;
  } else {
    return wrong_url(url, "it does not begin with https://");
  }
  if (rest.contains('#')) return wrong_url(url, "it has a fragment");
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  if (end < rest.size()) out.target = (rest[end] == '?' ? "/" : "") + std::string(rest.substr(end));
  if (authority.contains('@')) return wrong_url(url, "it names a user");
  if (const size_t colon = authority.rfind(':'); colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || out.port == 0) return wrong_url(url, "its port is no port");
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[')) {
    const auto address = net::parse_address(authority, out.port);
    if (!address) return wrong_url(url, "its address is no address");
    out.host = net::address_text(*address);
  } else {
    const bool name = std::ranges::all_of(authority, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
    if (!name || authority.empty() || authority.size() > 253) return wrong_url(url, "its host is no name");
    out.host = authority;
  }
  if (!out.tls && !out.is_loopback()) return wrong_url(url, "plain http is for loopback only");
  return out;
}

Result<WebAnswer> web_call(const Clock& clock, const WebCall& call) {
  TRY(const WebUrl url, parse_web_url(call.url));
  std::unique_ptr<net::TlsClientContext> tls;
  if (url.tls) {
    Result<std::unique_ptr<net::TlsClientContext>> made = net::make_tls_client(call.ca_file, clock);
    if (!made) return Fail(public_error(ErrorCode::kUsage, made.error().detail));
    tls = std::move(*made);
  }
  TRY(const std::unique_ptr<net::Loop> loop, net::make_epoll_loop(clock));
  net::Offload offload(1, 4);
  net::SystemResolver resolver(*loop, offload);
  net::DialTarget target;
  target.host = url.host;
  target.port = url.port;
  target.tls = tls.get();
  target.loopback_only = !url.tls;
  Result<WebAnswer> answer = Fail(internal_error(ErrorCode::kIo, "the call did not run"));
  net::Scope scope;
  loop->post([&] { scope.spawn(drive(*loop, resolver, std::move(target), {url, call}, answer)); });
  loop->run();
  if (!answer) return Fail(plain(std::move(answer).error(), url));
  return answer;
}

FormText& FormText::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += '&';
  append_encoded(text_, name);
  text_ += '=';
  append_encoded(text_, value);
  return *this;
}

}  // namespace wye::app
