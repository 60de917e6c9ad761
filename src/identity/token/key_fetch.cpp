#include "identity/token/key_fetch.hpp"

#include "foundation/base/secret.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/http/client.hpp"
#include "foundation/http/message.hpp"
#include "foundation/json/document.hpp"
#include "identity/token/issuer_url.hpp"
#include "identity/token/key_set.hpp"

#include <fstream>

namespace wye::token {
namespace {

constexpr std::string_view kClusterKeysPath = "/openid/v1/jwks";
constexpr size_t kHeadBytesMax = kIssuerUrlBytesMax + kBearerFileBytesMax + 1'024;
constexpr uint32_t kMetadataDepthMax = 16;
constexpr uint32_t kMetadataNodesMax = 10'000;

Fail failed(ErrorCode code, std::string detail) { return Fail(internal_error(code, std::move(detail))); }

struct Get {
  IssuerUrl url;
  const net::TlsClientContext* tls = nullptr;
  bool loopback_only = false;
  std::string_view bearer;
  size_t bytes_max = 0;
};

std::string request_head(const Get& get) {
  std::string head(kHeadBytesMax, '\0');
  http::HeadWriter writer(head);
  writer.text("GET ");
  writer.text(get.url.target);
  writer.text(" HTTP/1.1\r\n");
  writer.field("host", authority_of(get.url));
  writer.field("accept", "application/json, application/jwk-set+json");
  writer.field("user-agent", "wye");
  writer.field("connection", "close");
  if (!get.bearer.empty()) {
    Secret value("Bearer " + std::string(get.bearer));
    writer.field("authorization", value.reveal());
  }
  writer.text("\r\n");
  head.resize(writer.overflow() ? 0 : writer.done().size());
  return head;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return http::equals_ignore_case(type, "application/json") || http::equals_ignore_case(type, "application/jwk-set+json");
}

Result<void> check_answer(const http::Head& head, size_t bytes_max) {
  if (head.status != 200) return failed(ErrorCode::kUpstreamFailed, "status " + std::to_string(head.status));
  if (!is_json(head.value(http::Known::kContentType))) return failed(ErrorCode::kCorrupt, "the answer is no JSON by its content type");
  if (!head.value(http::Known::kContentEncoding).empty()) return failed(ErrorCode::kCorrupt, "an encoded answer that nobody asked for");
  if (head.content_length.value_or(0) > bytes_max) return failed(ErrorCode::kTooLarge, "the answer is too large");
  return {};
}

net::Task<Result<std::string>> get_body(http::ClientCall& call, size_t bytes_max, net::Bound bound) {
  std::string body;
  for (bool last = false; !last;) {
    CO_TRY(const http::ClientCall::Piece piece, co_await call.read(bound));
    if (body.size() + piece.bytes.size() > bytes_max) co_return failed(ErrorCode::kTooLarge, "the answer is too large");
    body += piece.bytes;
    last = piece.last;
  }
  co_return body;
}

/// Gives up a call that has not connected in time. Threads: the loop's; dies with the wait.
class ConnectLimit {
 public:
  ConnectLimit(net::Loop& loop, const http::ClientCall& call, net::Cancel& stop) : loop_(loop) {
    token_ = loop.call_at(loop.now() + kKeyConnectTimeout, [&call, &stop] {
      if (call.stage() == http::CallStage::kNotSent) stop.request();
    });
  }
  ~ConnectLimit() { loop_.cancel_call(token_); }
  ConnectLimit(const ConnectLimit&) = delete;
  ConnectLimit& operator=(const ConnectLimit&) = delete;

 private:
  net::Loop& loop_;
  net::Loop::TimerToken token_ = 0;
};

net::Task<Result<std::string>> get_document(FetchOutside outside, Get get, Deadline end) {
  http::Origin origin(outside.loop, outside.resolver,
                      {.host = get.url.host, .port = get.url.port, .tls = get.url.https ? get.tls : nullptr, .loopback_only = get.loopback_only});
  std::string head = request_head(get);
  if (head.empty()) co_return failed(ErrorCode::kUsage, "the request does not fit");
  net::Cancel stop;
  http::ClientCall call(origin);
  const std::array pieces = {net::piece(head)};
  Result<void> sent;
  {
    const ConnectLimit limit(outside.loop, call, stop);
    sent = co_await call.exchange({pieces, false}, {end, &stop}, true);
  }
  crypto::wipe(head);
  if (!sent && sent.error().code == ErrorCode::kCancelled) co_return failed(ErrorCode::kUpstreamTimeout, get.url.host + ": no connection within 2 s");
  CO_CHECK_OK(std::move(sent));
  CO_CHECK_OK(check_answer(call.head(), get.bytes_max));
  co_return co_await get_body(call, get.bytes_max, {end, nullptr});
}

Result<Secret> read_bearer(const std::filesystem::path& file) {
  if (file.empty()) return Secret();
  std::ifstream in(file, std::ios::binary);
  std::string text(kBearerFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  const bool readable = in.eof() && in.gcount() > 0;
  text.resize(static_cast<size_t>(in.gcount()));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (!readable || text.empty()) return failed(ErrorCode::kUsage, "the bearer token for the fetch can not be read: " + file.string());
  return Secret(std::move(text));
}

bool allowed(const IssuerUrl& url, const KeySource& source) { return source.loopback_only ? is_loopback_host(url.host) : url.https; }

/// An API server publishes its own address, at which it wants a bearer token; the path is the same where it was asked.
IssuerUrl keys_place(const IssuerUrl& metadata, IssuerUrl keys, const KeySource& source) {
  if (source.bearer_file.empty() || keys.same_origin(metadata) || keys.target != kClusterKeysPath) return keys;
  keys = metadata;
  keys.target = kClusterKeysPath;
  return keys;
}

}  // namespace

Result<std::string> read_metadata(std::string_view json, const KeySource& source) {
  json::Document document;
  json::Limits limits;
  limits.bytes_max = {kDiscoveryBytesMax};
  limits.depth_max = kMetadataDepthMax;
  limits.nodes_max = kMetadataNodesMax;
  if (!document.parse(json, limits) || !document.root().is_object()) return failed(ErrorCode::kCorrupt, "the metadata is no strict JSON object");
  const auto issuer = document.root().find("issuer");
  if (!issuer || !issuer->equals(source.issuer)) return failed(ErrorCode::kCorrupt, "the metadata is of another issuer than " + source.issuer);
  const auto uri = document.root().find("jwks_uri");
  if (!uri || !uri->is_string()) return failed(ErrorCode::kCorrupt, "the metadata has no jwks_uri");
  std::string text = uri->text();
  const auto url = parse_issuer_url(text);
  if (!url || !allowed(*url, source)) return failed(ErrorCode::kCorrupt, "the jwks_uri is no https URL");
  return text;
}

net::Task<Result<FetchedKeys>> fetch_keys(FetchOutside outside, const KeySource& source, std::string known_uri) {
  const Deadline end = outside.loop.after(kKeyFetchTimeout);
  const auto metadata = parse_issuer_url(source.discovery);
  if (!metadata || !allowed(*metadata, source)) co_return failed(ErrorCode::kUsage, "the address of the metadata is no https URL");
  CO_TRY(const Secret bearer, read_bearer(source.bearer_file));
  // Made anew each time, so that roots that were replaced count.
  std::unique_ptr<net::TlsClientContext> tls;
  if (metadata->https) { CO_TRY(tls, net::make_tls_client(source.ca_file, outside.clock)); }
  Get get{.url = *metadata, .tls = tls.get(), .loopback_only = source.loopback_only, .bearer = bearer.reveal(), .bytes_max = kDiscoveryBytesMax};
  if (known_uri.empty()) {
    CO_TRY(const std::string document, co_await get_document(outside, get, end));
    CO_TRY(known_uri, read_metadata(document, source));
  }
  const auto keys = parse_issuer_url(known_uri);
  if (!keys || !allowed(*keys, source)) co_return failed(ErrorCode::kCorrupt, "the jwks_uri is no https URL");
  get.url = keys_place(*metadata, *keys, source);
  get.bytes_max = kKeySetBytesMax.n;
  if (get.url.https && tls == nullptr) { CO_TRY(tls, net::make_tls_client(source.ca_file, outside.clock)); }
  get.tls = tls.get();
  if (!get.url.same_origin(*metadata)) get.bearer = {};
  CO_TRY(std::string json, co_await get_document(outside, get, end));
  co_return FetchedKeys{std::move(json), std::move(known_uri)};
}

}  // namespace wye::token
