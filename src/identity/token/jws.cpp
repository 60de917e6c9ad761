#include "identity/token/jws.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/json/scan.hpp"

namespace wye::token {
namespace {

using crypto::SignatureAlgorithm;

constexpr json::Limits kHeaderLimits = {.bytes_max = {kJwsHeaderBytesMax}, .depth_max = kJwsHeaderDepthMax, .nodes_max = kJwsHeaderBytesMax};
constexpr std::array<std::string_view, 5> kHintNames = {"iss", "sub", "exp", "nbf", "aud"};

/// The parts of a header that are looked at, absent where it has them not.
struct Header {
  std::optional<json::Value> alg, kid, typ, cty, jwk;
  bool has_extension = false;     // crit, b64
  bool has_foreign_key = false;   // jku, x5u, x5c, zip, enc
  bool only_alg_kid_typ = true;
};

void sort_in(Header& header, json::Member member) {
  const auto is = [&](std::string_view name) { return member.name_is(name); };
  if (is("alg")) {
    header.alg = member.value();
  } else if (is("kid")) {
    header.kid = member.value();
  } else if (is("typ")) {
    header.typ = member.value();
  } else {
    header.only_alg_kid_typ = false;
    if (is("jwk")) header.jwk = member.value();
    if (is("cty")) header.cty = member.value();
    header.has_extension = header.has_extension || is("crit") || is("b64");
    header.has_foreign_key = header.has_foreign_key || is("jku") || is("x5u") || is("x5c") || is("zip") || is("enc");
  }
}

/// The algorithm, if the list has it. `none`, in whatever case, is in no list.
std::optional<SignatureAlgorithm> listed_algorithm(const Header& header, crypto::AlgorithmSet list) {
  if (!header.alg || !header.alg->is_string()) return std::nullopt;
  for (size_t i = 0; i < crypto::kSignatureAlgorithms; ++i) {
    const auto one = static_cast<SignatureAlgorithm>(i);
    if (list.contains(one) && header.alg->equals(to_string(one))) return one;
  }
  return std::nullopt;
}

/// A JWT inside a JWS: `cty` is `JWT` or `application/jwt`, compared as media types are.
bool is_nested(const Header& header) {
  if (!header.cty) return false;
  std::string cty = header.cty->text();
  std::ranges::transform(cty, cty.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return cty == "jwt" || cty == "application/jwt";
}

/// The reason against a header; empty: none.
std::string_view fault_of(const Header& header, const JwsRules& rules) {
  if (header.has_extension) return kJwsCrit;
  if (header.has_foreign_key || is_nested(header)) return kJwsEmbeddedKey;
  if (header.jwk.has_value() != (rules.embedded_key == EmbeddedKeyRule::kRequired)) return kJwsEmbeddedKey;
  if (header.jwk && !header.jwk->is_object()) return kJwsEmbeddedKey;
  if (!header.kid && rules.kid == KidRule::kRequired) return kJwsKid;
  if (header.kid && !header.kid->is_string()) return kJwsKid;
  if ((header.typ && !header.typ->is_string()) || (header.cty && !header.cty->is_string())) return kJwsHeader;
  if (rules.header == HeaderRule::kOnlyAlgKidTyp && !header.only_alg_kid_typ) return kJwsHeader;
  return {};
}

}  // namespace

Fail invalid_token(std::string_view reason) {
  Error error = public_error(ErrorCode::kUnauthenticated, std::string(kInvalidTokenMessage));
  error.detail = reason;
  return Fail(std::move(error));
}

/// Reaches into an UnverifiedJws for those who may: its parts, and the one who has verified it.
class JwsAccess {
 public:
  /// Where the three parts of the compact form are; false if it has not exactly two dots.
  static bool split(std::string_view compact, std::array<std::string_view, 3>& parts) {
    const size_t first = compact.find('.');
    const size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
    if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) return false;
    parts = {compact.substr(0, first), compact.substr(first + 1, second - first - 1), compact.substr(second + 1)};
    return true;
  }

  static VerifiedPayload payload(const UnverifiedJws& jws, const Jwk& key) {
    VerifiedPayload verified;
    verified.bytes_ = jws.part(jws.payload_);
    verified.key_issuer_ = key.issuer;
    verified.key_thumbprint_ = &key.thumbprint;
    return verified;
  }
  static bool verifies(const UnverifiedJws& jws, const Jwk& key) {
    return key.verify(jws.algorithm_, jws.part(jws.input_), jws.part(jws.signature_));
  }
  static std::string_view fault_of(const UnverifiedJws& jws, const JwsRules& rules) {
    if (!rules.algorithms.contains(jws.algorithm_)) return kJwsAlg;
    if ((jws.jwk_.size != 0) != (rules.embedded_key == EmbeddedKeyRule::kRequired)) return kJwsEmbeddedKey;
    if (jws.kid_.size == 0 && rules.kid == KidRule::kRequired) return kJwsKid;
    if (rules.header == HeaderRule::kOnlyAlgKidTyp && !jws.only_alg_kid_typ_) return kJwsHeader;
    return {};
  }
};

JwsReader::JwsReader() : header_(std::make_unique<json::Document>()) {}
JwsReader::~JwsReader() = default;
JwsReader::JwsReader(JwsReader&&) noexcept = default;
JwsReader& JwsReader::operator=(JwsReader&&) noexcept = default;

Result<UnverifiedJws> JwsReader::read(std::string_view compact, const JwsRules& rules) {
  if (compact.size() > kJwsBytesMax) return invalid_token(kJwsSize);
  std::array<std::string_view, 3> parts;
  if (!JwsAccess::split(compact, parts)) return invalid_token(kJwsShape);
  const std::array<size_t, 3> sizes = {crypto::base64url_bytes(parts[0].size()), crypto::base64url_bytes(parts[1].size()),
                                       crypto::base64url_bytes(parts[2].size())};
  if (sizes[0] > kJwsHeaderBytesMax || sizes[1] > kJwsPayloadBytesMax) return invalid_token(kJwsSize);
  UnverifiedJws jws;
  const size_t input = parts[0].size() + 1 + parts[1].size();
  jws.bytes_.resize(input + sizes[0] + sizes[1] + sizes[2]);
  std::memcpy(jws.bytes_.data(), compact.data(), input);
  const auto place = [](size_t begin, size_t size) { return UnverifiedJws::Part{static_cast<uint32_t>(begin), static_cast<uint32_t>(size)}; };
  jws.input_ = place(0, input);
  jws.header_ = place(input, sizes[0]);
  jws.payload_ = place(input + sizes[0], sizes[1]);
  jws.signature_ = place(input + sizes[0] + sizes[1], sizes[2]);
  // The header before the rest: most junk ends here.
  if (!crypto::from_base64url_to(parts[0], jws.bytes_.data() + jws.header_.begin)) return invalid_token(kJwsBase64);
  if (const std::string_view fault = read_header(jws, rules); !fault.empty()) return invalid_token(fault);
  if (!crypto::from_base64url_to(parts[1], jws.bytes_.data() + jws.payload_.begin) ||
      !crypto::from_base64url_to(parts[2], jws.bytes_.data() + jws.signature_.begin)) {
    return invalid_token(kJwsBase64);
  }
  read_hints(jws);
  return jws;
}

std::string_view JwsReader::read_header(UnverifiedJws& jws, const JwsRules& rules) {
  const std::string_view text = jws.part(jws.header_);
  if (!header_->parse(text, kHeaderLimits)) return kJwsHeader;
  const json::Value root = header_->root();
  if (!root.is_object() || root.size() > kJwsHeaderMembersMax) return kJwsHeader;
  Header header;
  for (const json::Member member : root.members()) sort_in(header, member);
  const auto algorithm = listed_algorithm(header, rules.algorithms);
  if (!algorithm) return kJwsAlg;
  if (const std::string_view fault = fault_of(header, rules); !fault.empty()) return fault;
  jws.algorithm_ = *algorithm;
  jws.only_alg_kid_typ_ = header.only_alg_kid_typ;
  if (header.jwk) jws.jwk_ = {static_cast<uint32_t>(jws.header_.begin + header.jwk->offset()), static_cast<uint32_t>(header.jwk->raw().size())};
  // Texts with escapes go behind the other bytes; the Document reads a copy meanwhile moved by that, so they come last and together.
  std::string behind;
  const auto keep = [&](std::optional<json::Value> value, UnverifiedJws::Part& part) {
    if (!value) return;
    if (value->is_plain_string()) {
      part = {static_cast<uint32_t>(jws.header_.begin + value->offset() + 1), static_cast<uint32_t>(value->string_raw().size())};
      return;
    }
    const size_t begin = jws.bytes_.size() + behind.size();
    value->unescape_to(behind);
    part = {static_cast<uint32_t>(begin), static_cast<uint32_t>(jws.bytes_.size() + behind.size() - begin)};
  };
  keep(header.kid, jws.kid_);
  keep(header.typ, jws.typ_);
  if (header.kid && (jws.kid_.size == 0 || jws.kid_.size > kKeyIdBytesMax)) return kJwsKid;
  jws.bytes_ += behind;
  return {};
}

void JwsReader::read_hints(UnverifiedJws& jws) {
  const std::string_view payload = jws.part(jws.payload_);
  std::array<std::string_view, kHintNames.size()> values;
  if (!json::find_members(payload, kHintNames, values)) return;
  const std::array<UnverifiedJws::Part*, kHintNames.size()> places = {&jws.issuer_, &jws.subject_, &jws.exp_, &jws.nbf_, &jws.aud_};
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i].empty()) continue;
    *places[i] = {static_cast<uint32_t>(values[i].data() - jws.bytes_.data()), static_cast<uint32_t>(values[i].size())};
  }
  keep_meaning(jws, jws.issuer_);
  keep_meaning(jws, jws.subject_);
}

void JwsReader::keep_meaning(UnverifiedJws& jws, UnverifiedJws::Part& text) {
  const std::string_view written = jws.part(text);
  if (written.starts_with('"') && !written.contains('\\')) {
    text = {text.begin + 1, text.size - 2};
    return;
  }
  const bool readable = written.starts_with('"') && header_->parse(written).has_value();
  const std::string meaning = readable ? header_->root().text() : std::string();
  text = {static_cast<uint32_t>(jws.bytes_.size()), static_cast<uint32_t>(meaning.size())};
  jws.bytes_ += meaning;
}

Result<UnverifiedJws> parse_jws(std::string_view compact, const JwsRules& rules) { return JwsReader().read(compact, rules); }

Result<void> check_jws(const UnverifiedJws& jws, const JwsRules& rules) {
  if (const std::string_view fault = JwsAccess::fault_of(jws, rules); !fault.empty()) return invalid_token(fault);
  return {};
}

Result<VerifiedPayload> verify_jws(const UnverifiedJws& jws, const KeySet& keys, const JwsRules& rules) {
  CHECK_OK(check_jws(jws, rules));
  const std::span<const Jwk> candidates = jws.kid().empty() ? keys.keys() : keys.find(jws.kid());
  if (candidates.empty()) return invalid_token(kJwsKey);
  size_t tried = 0;
  for (const Jwk& key : candidates) {
    if (!key.is_for(jws.algorithm())) continue;
    if (++tried > kKeysTriedMax) break;
    if (JwsAccess::verifies(jws, key)) return JwsAccess::payload(jws, key);
  }
  return invalid_token(tried == 0 ? kJwsKeyAlg : kJwsSignature);
}

Result<VerifiedPayload> verify_jws(const UnverifiedJws& jws, const Jwk& key, const JwsRules& rules) {
  CHECK_OK(check_jws(jws, rules));
  if (!key.is_for(jws.algorithm())) return invalid_token(kJwsKeyAlg);
  if (!JwsAccess::verifies(jws, key)) return invalid_token(kJwsSignature);
  return JwsAccess::payload(jws, key);
}

}  // namespace wye::token
