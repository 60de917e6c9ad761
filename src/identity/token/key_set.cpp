#include "identity/token/key_set.hpp"

#include "foundation/crypto/encode.hpp"

namespace wye::token {
namespace {

constexpr size_t kKeySetMembersMax = 64;
constexpr uint32_t kKeySetNodesMax = 200'000;

Fail unusable(std::string_view reason) { return Fail(internal_error(ErrorCode::kCorrupt, std::string(reason))); }

/// A key with its place in the text.
struct Placed {
  size_t index;
  Jwk key;
};

std::string readable_kid(json::Value value) {
  const auto kid = value.find("kid");
  if (!kid || !kid->is_string() || kid->string_raw().size() > 256) return {};
  return kid->text();
}

bool same_material(const Jwk& a, const Jwk& b) {
  if (a.key.index() != b.key.index()) return false;
  if (const auto* own = std::get_if<crypto::PublicKey>(&a.key)) return *own == std::get<crypto::PublicKey>(b.key);
  return crypto::equal_constant_time(std::get<SharedKey>(a.key).secret, std::get<SharedKey>(b.key).secret);
}

bool is_shared(const Jwk& key) { return std::holds_alternative<SharedKey>(key.key); }

/// DER of the first certificate of an `x509-svid` key.
std::expected<std::string, JwkRefusal> root_of(json::Value value) {
  if (value.find("kid")) return std::unexpected(JwkRefusal{JwkFault::kMalformed, "a key of x509-svid with a kid"});
  const auto chain = value.find("x5c");
  if (chain && chain->is_array() && chain->size() > 0) {
    const json::Value first = *chain->elements().begin();
    const auto der = first.is_string() ? crypto::from_base64(first.text()) : std::nullopt;
    if (der && !der->empty() && der->size() <= crypto::kPublicKeyDerBytesMax) return *der;
  }
  return std::unexpected(JwkRefusal{JwkFault::kMalformed, "x5c"});
}

bool is_root(json::Value value, const KeySetRules& rules) {
  const auto use = value.find("use");
  return rules.use == KeyUse::kJwtSvid && use && use->equals("x509-svid");
}

std::optional<int64_t> natural(json::Value root, std::string_view name) {
  const auto found = root.find(name);
  const auto value = found ? found->integer() : std::nullopt;
  return value && *value >= 0 ? value : std::nullopt;
}

/// Puts every key of a group of one kid aside if they are not one key material. `contested` are kids of keys that were refused as
/// dangerous or unreadable: whether such a key is another one can not be known.
void judge_group(std::span<Placed> group, const std::set<std::string>& contested, std::vector<Jwk>& good, std::vector<QuarantinedKey>& quarantine) {
  const Jwk& first = group.front().key;
  const bool conflict = !first.kid.empty() && (contested.contains(first.kid) ||
                                               std::ranges::any_of(group, [&](const Placed& one) { return !same_material(one.key, first); }));
  for (Placed& one : group) {
    if (conflict) {
      quarantine.push_back({one.index, one.key.kid, JwkFault::kKidConflict, "another key has the same kid"});
    } else {
      good.push_back(std::move(one.key));
    }
  }
}

std::set<std::string> contested_kids(std::span<const QuarantinedKey> quarantine) {
  std::set<std::string> kids;
  for (const QuarantinedKey& one : quarantine) {
    if (is_alarm(one.fault)) kids.insert(one.kid);
  }
  return kids;
}

/// Published vectors ask for sets of shared secrets; beside public keys even those are refused.
void drop_shared_beside_public(std::vector<Placed>& placed, std::vector<QuarantinedKey>& quarantine) {
  if (std::ranges::all_of(placed, [](const Placed& one) { return is_shared(one.key); })) return;
  for (const Placed& one : placed) {
    if (is_shared(one.key)) quarantine.push_back({one.index, one.key.kid, JwkFault::kSymmetric, "a symmetric key beside public ones"});
  }
  std::erase_if(placed, [](const Placed& one) { return is_shared(one.key); });
}

Result<json::Value> array_of_keys(const json::Document& document) {
  const json::Value root = document.root();
  if (!root.is_object() || root.size() > kKeySetMembersMax) return unusable("jwks.shape");
  std::set<std::string> names;
  for (const json::Member member : root.members()) {
    if (!names.insert(member.name()).second) return unusable("jwks.shape");
  }
  const auto keys = root.find("keys");
  if (!keys || !keys->is_array()) return unusable("jwks.shape");
  if (keys->size() > kKeySetKeysMax) return unusable("jwks.count");
  return *keys;
}

}  // namespace

Result<KeySetParse> KeySet::parse(std::string_view json, const KeySetRules& rules) {
  if (json.size() > kKeySetBytesMax.n) return unusable("jwks.size");
  json::Document document;
  // Names that repeat are looked for key by key, so that such a key harms no other.
  if (!document.parse(json, {.bytes_max = kKeySetBytesMax,
                             .depth_max = kKeySetDepthMax,
                             .nodes_max = kKeySetNodesMax,
                             .duplicate_names = json::DuplicateNames::kKeep})) {
    return unusable("jwks.json");
  }
  TRY(const json::Value array, array_of_keys(document));
  KeySetParse found;
  found.array_was_empty = array.size() == 0;
  found.spiffe_sequence = natural(document.root(), "spiffe_sequence");
  found.spiffe_refresh_hint = natural(document.root(), "spiffe_refresh_hint");
  std::vector<Placed> placed;
  size_t index = 0;
  for (const json::Value value : array.elements()) {
    std::optional<JwkRefusal> refused;
    if (is_root(value, rules)) {
      auto root = root_of(value);
      if (root) found.roots.push_back(std::move(*root));
      if (!root) refused = std::move(root.error());
    } else {
      auto key = parse_jwk(value, {.use = rules.use, .vector_keys = rules.vector_keys});
      if (key) placed.push_back({index, std::move(*key)});
      if (!key) refused = std::move(key.error());
    }
    if (refused) found.quarantine.push_back({index, readable_kid(value), refused->fault, std::move(refused->why)});
    ++index;
  }
  drop_shared_beside_public(placed, found.quarantine);
  std::ranges::sort(placed, {}, [](const Placed& one) { return std::tuple(std::string_view(one.key.kid), one.index); });
  const std::set<std::string> contested = contested_kids(found.quarantine);
  auto set = std::make_shared<KeySet>();
  for (auto begin = placed.begin(); begin != placed.end();) {
    const auto end = std::find_if(begin, placed.end(), [&](const Placed& one) { return one.key.kid != begin->key.kid; });
    judge_group({begin, end}, contested, set->keys_, found.quarantine);
    begin = end;
  }
  for (const Jwk& key : set->keys_) set->thumbprints_.push_back(key.thumbprint);
  std::ranges::sort(set->thumbprints_);
  std::ranges::sort(found.quarantine, {}, &QuarantinedKey::index);
  found.keys = std::move(set);
  return found;
}

std::span<const Jwk> KeySet::find(std::string_view kid) const {
  if (kid.empty()) return {};
  const auto range = std::ranges::equal_range(keys_, kid, {}, [](const Jwk& key) -> std::string_view { return key.kid; });
  return {range.begin(), range.end()};
}

bool KeySet::has_key(const crypto::Digest& thumbprint) const { return std::ranges::binary_search(thumbprints_, thumbprint); }

}  // namespace wye::token
