#include "identity/workload/fetch.hpp"

#include "foundation/crypto/digest.hpp"

namespace wye::workload {
namespace {

constexpr size_t kHeadBytesMax = 4 << 10;

Fault network_fault(const Error& error) { return retryable("token.network: " + error.detail); }

/// Head of the request; the secret fields in it make it one itself.
std::optional<Secret> write_head(const FetchCall& call) {
  std::string head(kHeadBytesMax + kValueBytesMax, '\0');
  http::HeadWriter writer(head);
  writer.text(call.post ? "POST " : "GET ");
  writer.text(call.url.target);
  writer.text(" HTTP/1.1\r\n");
  writer.field("host", call.url.authority());
  writer.field("user-agent", "wye/0.1");
  writer.field("accept", "application/json");
  for (const http::OutField& field : call.fields) writer.field(field.name, field.value);
  if (call.post) {
    writer.field("content-type", "application/x-www-form-urlencoded");
    writer.field("content-length", call.body.reveal().size());
  }
  writer.text("connection: close\r\n\r\n");
  if (writer.overflow()) {
    crypto::wipe(head);
    return std::nullopt;
  }
  head.resize(writer.done().size());
  return Secret(std::move(head));
}

std::optional<Nanos> seconds_of(std::string_view text) {
  uint32_t seconds = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

net::Task<Fetch<FetchAnswer>> fetch(FetchContext context, FetchCall call, net::Bound bound) {
  bound.deadline = earlier(bound.deadline, context.loop.after(kFetchTimeout));
  if (call.url.tls && call.tls == nullptr) co_return std::unexpected(permanent("token.tls: no roots to trust"));
  const std::optional<Secret> head = write_head(call);
  if (!head) co_return std::unexpected(permanent("token.request: too large"));
  // A connection of its own: a token is asked for once an hour.
  http::Origin origin(context.loop, context.resolver,
                      {.host = call.url.host, .port = call.url.port, .tls = call.url.tls ? call.tls : nullptr, .server_name = call.url.host});
  http::ClientCall exchange(origin);
  const std::array pieces = {net::piece(head->reveal()), net::piece(call.post ? call.body.reveal() : std::string_view())};
  if (Result<void> sent = co_await exchange.exchange({pieces, false}, bound, false); !sent) co_return std::unexpected(network_fault(sent.error()));
  FetchAnswer answer;
  answer.status = exchange.head().status;
  answer.www_authenticate = exchange.head().value("www-authenticate");
  answer.retry_after = seconds_of(exchange.head().value(http::Known::kRetryAfter));
  std::string body;
  body.reserve(kAnswerBytesMax);  // no copy is left behind by growing
  for (bool last = false; !last;) {
    Result<http::ClientCall::Piece> piece = co_await exchange.read(bound);
    if (piece && body.size() + piece->bytes.size() > kAnswerBytesMax)
      piece = Fail(internal_error(ErrorCode::kUpstreamFailed, "the answer is larger than any token"));
    if (!piece) {
      crypto::wipe(body);
      co_return std::unexpected(network_fault(piece.error()));
    }
    body.append(piece->bytes);
    last = piece->last;
  }
  answer.body = Secret(std::move(body));
  co_return answer;
}

net::Task<FetchResult> fetch_token(FetchContext context, FetchCall call, net::Bound bound) {
  Fetch<FetchAnswer> answer = co_await fetch(context, std::move(call), bound);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status != 200) co_return std::unexpected(parse_token_refusal(answer->status, answer->body.reveal(), answer->retry_after));
  co_return parse_token_answer(answer->body.reveal(), context.clock.wall());
}

}  // namespace wye::workload
