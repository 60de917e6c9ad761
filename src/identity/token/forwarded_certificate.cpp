#include "identity/token/forwarded_certificate.hpp"

#include "foundation/crypto/encode.hpp"

namespace wye::token {
namespace {

/// The names that Envoy writes; of some it writes several (`URI`, `DNS`).
enum class Key : uint8_t { kHash, kUri, kBy, kSubject, kCert, kChain, kDns };
constexpr std::array<std::string_view, 7> kKeys = {"Hash", "URI", "By", "Subject", "Cert", "Chain", "DNS"};
constexpr std::string_view kHeader = "x-forwarded-client-cert";
constexpr size_t kPairsMax = 64;
constexpr size_t kUriBytesMax = 2048;

Fail refuse() {
  Error error = public_error(ErrorCode::kInvalidRequest, "The client certificate header is not valid.");
  error.detail = "auth.forwarded_certificate";
  return Fail(std::move(error));
}

bool is_plain(char c) { return c > ' ' && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\'; }

/// Takes one value off the front of `text`; absent where it is none.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    const auto* end = std::ranges::find_if_not(text, is_plain);
    value.assign(text.begin(), end);
    text.remove_prefix(value.size());
    return value;
  }
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\') text.remove_prefix(1);
    if (text.empty() || static_cast<unsigned char>(text.front()) < ' ' || text.front() == 0x7f) return std::nullopt;
    value += text.front();
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

std::optional<crypto::Digest> parse_hash(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c | 0x20);
  }
  const std::optional<std::string> bytes = crypto::from_hex(text);
  crypto::Digest digest;
  if (!bytes || bytes->size() != digest.size()) return std::nullopt;
  std::memcpy(digest.data(), bytes->data(), digest.size());
  return digest;
}

}  // namespace

Result<ForwardedCertificate> parse_forwarded_certificate(std::string_view text) {
  if (text.empty() || text.size() > kForwardedCertificateBytesMax) return refuse();
  ForwardedCertificate found;
  std::array<size_t, kKeys.size()> seen{};
  for (size_t pairs = 0;; ++pairs) {
    const size_t equals = text.find('=');
    if (pairs == kPairsMax || equals == std::string_view::npos) return refuse();
    const auto* name = std::ranges::find(kKeys, text.substr(0, equals));
    if (name == kKeys.end()) return refuse();
    const auto key = static_cast<Key>(name - kKeys.begin());
    // A certificate has any number of DNS names, and nobody reads them.
    if (++seen[static_cast<size_t>(key)] > 1 && key != Key::kDns) return refuse();
    text.remove_prefix(equals + 1);
    std::optional<std::string> value = take_value(text);
    if (!value) return refuse();
    if (key == Key::kHash) {
      const std::optional<crypto::Digest> hash = parse_hash(std::move(*value));
      if (!hash) return refuse();
      found.fingerprint = *hash;
    } else if (key == Key::kUri) {
      if (value->size() > kUriBytesMax || !std::ranges::all_of(*value, is_plain)) return refuse();
      found.uri = std::move(*value);
    }
    if (text.empty()) break;
    // A comma begins another element: another proxy in front, whose word nobody vouches for.
    if (text.front() != ';') return refuse();
    text.remove_prefix(1);
  }
  if (seen[static_cast<size_t>(Key::kHash)] != 1) return refuse();
  return found;
}

Result<ClientCertificate> client_certificate_of(const http::Head& head, std::span<const std::string> chain, bool from_trusted_proxy) {
  if (!from_trusted_proxy) return ClientCertificate{chain, {}};
  if (chain.empty()) return ClientCertificate{};
  const http::Field* found = nullptr;
  for (const http::Field& field : head.all()) {
    if (field.known != http::Known::kOther || !http::equals_ignore_case(field.name, kHeader)) continue;
    if (found != nullptr) return refuse();
    found = &field;
  }
  if (found == nullptr) return ClientCertificate{};
  TRY(ForwardedCertificate forwarded, parse_forwarded_certificate(found->value));
  return ClientCertificate{chain, std::move(forwarded)};
}

}  // namespace wye::token
