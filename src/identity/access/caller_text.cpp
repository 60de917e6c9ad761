#include "identity/access/explain.hpp"
#include "identity/token/principal_issuer.hpp"

namespace wye::access {
namespace {

constexpr size_t kCallerBytesMax = 8192;

Fail wrong(std::string message) { return Fail(public_error(ErrorCode::kUsage, std::move(message))); }

template <class E>
bool read_choice(std::string_view text, std::initializer_list<E> values, E& out) {
  for (const E value : values) {
    if (token::to_string(value) != text) continue;
    out = value;
    return true;
  }
  return false;
}

Result<void> read_field(std::string_view name, std::string_view value, token::PrincipalFields& out) {
  if (value.empty()) return wrong("`" + std::string(name) + "` has no value");
  const std::string text(value);
  if (name == "subject") out.subject = text;
  else if (name == "client") out.client = text;
  else if (name == "serviceAccount") out.service_account = text;
  else if (name == "spiffe") out.spiffe_id = text;
  else if (name == "appRole") out.roles.push_back(text);
  else if (name == "group") out.groups.push_back(text), out.groups_state = token::GroupsState::kKnown;
  else if (name == "groups" && value == "unknown") out.groups_state = token::GroupsState::kOverage;
  else if (name == "tenant" && out.kind == token::PrincipalKind::kKey) out.tenant = text;
  else if (name == "route" && out.kind == token::PrincipalKind::kKey) out.routes.push_back(text);
  else if (name.starts_with("claim.") && name.size() > 6) {
    const std::string_view claim = name.substr(6);
    auto it = std::ranges::find(out.claims, claim, &token::Claim::name);
    if (it == out.claims.end()) it = out.claims.insert(it, token::Claim{std::string(claim), {}});
    it->values.push_back(text);
  } else if (name == "clientAuth") {
    using token::ClientAuth;
    if (!read_choice(value, {ClientAuth::kPublic, ClientAuth::kSecret, ClientAuth::kCertificate}, out.client_auth))
      return wrong("clientAuth is one of public, secret, certificate");
  } else if (name == "binding") {
    using token::Binding;
    if (!read_choice(value, {Binding::kNone, Binding::kMtls, Binding::kDpop}, out.binding)) return wrong("binding is one of none, mtls, dpop");
  } else {
    return wrong("a caller has no field `" + std::string(name) + "`");
  }
  return {};
}

}  // namespace

Result<token::Principal> parse_caller(std::string_view text) {
  if (text.size() > kCallerBytesMax) return wrong("the caller is longer than 8192 characters");
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return wrong("write ISSUER:FIELD=VALUE,... or key:ID,tenant=T");
  token::PrincipalFields out;
  const std::string_view head = text.substr(0, colon);
  std::string_view rest = text.substr(colon + 1);
  if (head == "key") {
    out.kind = token::PrincipalKind::kKey;
    const size_t comma = std::min(rest.find(','), rest.size());
    out.key_id = rest.substr(0, comma);
    out.subject = "key:" + out.key_id;
    rest.remove_prefix(std::min(rest.size(), comma + 1));
  } else {
    out.kind = token::PrincipalKind::kApp;
    out.issuer = head;
    out.groups_state = token::GroupsState::kKnown;
  }
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view field = rest.substr(0, comma);
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) return wrong("`" + std::string(field) + "` is not FIELD=VALUE");
    CHECK_OK(read_field(field.substr(0, equals), field.substr(equals + 1), out));
    rest.remove_prefix(std::min(rest.size(), comma + 1));
  }
  if (out.kind == token::PrincipalKind::kKey && out.routes.empty()) out.routes = {"*"};
  if (out.kind == token::PrincipalKind::kKey && out.tenant.empty()) return wrong("a key carries its tenant: add tenant=NAME");
  return token::PrincipalIssuer::issue(std::move(out));
}

std::optional<Resource> parse_resource(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  for (uint8_t i = 0; i <= static_cast<uint8_t>(ResourceKind::kAdmin); ++i) {
    const auto kind = static_cast<ResourceKind>(i);
    if (to_string(kind) == text.substr(0, colon)) return Resource{kind, text.substr(colon + 1), {}};
  }
  return std::nullopt;
}

std::string subject_text(const config::Subject& subject) {
  using Form = config::Subject::Form;
  constexpr std::array<std::string_view, 8> kNames = {"subject", "group", "appRole", "client", "serviceAccount", "spiffe", "key", "members"};
  const Form form = subject.form();
  if (form == Form::kMembers) return "{members: true}";
  std::string out = "{";
  if (subject.wants_issuer()) out += "issuer: " + subject.issuer + ", ";
  out += kNames[static_cast<size_t>(form)];
  out += ": " + subject.text() + "}";
  return out;
}

}  // namespace wye::access
