#include "identity/token/spiffe.hpp"

#include "foundation/json/document.hpp"
#include "identity/token/key_set.hpp"

namespace wye::token {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kBelow = "/*";
constexpr uint32_t kBundleDepthMax = 10;

bool is_domain_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; }
bool is_segment_character(char c) { return is_domain_character(c) || (c >= 'A' && c <= 'Z'); }

/// `/SEGMENT…`, at least one.
bool is_path(std::string_view path) {
  while (!path.empty()) {
    if (path.front() != '/') return false;
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment.empty() || segment == "." || segment == ".." || !std::ranges::all_of(segment, is_segment_character)) return false;
    path.remove_prefix(segment.size());
  }
  return true;
}

Fail bad_bundle(std::string_view reason) { return Fail(internal_error(ErrorCode::kCorrupt, std::string(reason))); }

}  // namespace

bool is_trust_domain(std::string_view text) {
  return !text.empty() && text.size() <= kTrustDomainBytesMax && std::ranges::all_of(text, is_domain_character);
}

std::optional<SpiffeId> parse_spiffe_id(std::string_view text) {
  if (text.size() > kSpiffeIdBytesMax || !text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  SpiffeId id;
  id.trust_domain = text.substr(0, text.find('/'));
  id.path = text.substr(id.trust_domain.size());
  if (!is_trust_domain(id.trust_domain) || !is_path(id.path)) return std::nullopt;
  return id;
}

bool is_spiffe_pattern(std::string_view text) {
  if (text.ends_with(kBelow)) return parse_spiffe_id(text.substr(0, text.size() - kBelow.size())).has_value();
  const std::optional<SpiffeId> id = parse_spiffe_id(text);
  return id && !id->path.empty();
}

bool spiffe_matches(std::string_view pattern, std::string_view id) {
  if (!pattern.ends_with(kBelow)) return pattern == id;
  pattern.remove_suffix(1);  // the slash stays: it is the border
  return id.size() > pattern.size() && id.starts_with(pattern);
}

Result<std::string_view> spiffe_bundle_text(std::string_view text, std::string_view trust_domain, bool alone) {
  if (text.size() > kBundleFileBytesMax) return bad_bundle("bundle.size");
  json::Document document;
  json::Limits limits;
  limits.bytes_max = Bytes{kBundleFileBytesMax};
  limits.depth_max = kBundleDepthMax;
  if (!document.parse(text, limits)) return bad_bundle("bundle.json");
  const json::Value root = document.root();
  if (!root.is_object()) return bad_bundle("bundle.shape");
  const std::optional<json::Value> map = root.find("trust_domains");
  const bool single = root.find("keys").has_value();
  // Both at once: nobody can tell which was meant.
  if (map.has_value() == single) return bad_bundle("bundle.shape");
  if (single) {
    if (!alone) return bad_bundle("bundle.domain");
    return text;
  }
  if (!map->is_object()) return bad_bundle("bundle.shape");
  const std::optional<json::Value> found = map->find(trust_domain);
  if (!found) return bad_bundle("bundle.domain");
  if (!found->is_object()) return bad_bundle("bundle.shape");
  return found->raw();
}

Result<SpiffeBundle> parse_spiffe_bundle(std::string_view text) {
  TRY(const KeySetParse parsed, KeySet::parse(text, {.use = KeyUse::kJwtSvid}));
  SpiffeBundle bundle;
  for (const QuarantinedKey& key : parsed.quarantine)
    bundle.quarantine.push_back("keys[" + std::to_string(key.index) + "]: " + std::string(to_string(key.fault)));
  std::vector<crypto::Certificate> roots;
  for (const std::string& der : parsed.roots) {
    Result<crypto::Certificate> root = crypto::Certificate::from_der(der);
    if (root && root->facts().authority) roots.push_back(std::move(*root));
    else bundle.quarantine.push_back("x5c: " + (root ? std::string("not an authority") : root.error().detail));
  }
  TRY(bundle.roots, crypto::RootSet::make(roots));
  if (parsed.spiffe_sequence) bundle.sequence = static_cast<uint64_t>(*parsed.spiffe_sequence);
  if (parsed.spiffe_refresh_hint) {
    bundle.refresh_hint = std::chrono::seconds(std::clamp<int64_t>(*parsed.spiffe_refresh_hint, std::chrono::seconds(kRefreshHintMin).count(),
                                                                   std::chrono::seconds(kRefreshHintMax).count()));
  }
  return bundle;
}

}  // namespace wye::token
