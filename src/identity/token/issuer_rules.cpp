#include "identity/token/issuer_rules.hpp"

#include "identity/token/audience.hpp"
#include "identity/token/issuer_url.hpp"
#include "identity/token/spiffe.hpp"

namespace wye::token {
namespace {

constexpr size_t kAudiencesMax = 16;

Fail wrong(std::string_view issuer, std::string_view what) {
  return Fail(internal_error(ErrorCode::kUsage, "Issuer " + std::string(issuer) + ": " + std::string(what)));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

/// Where the v1.0 tokens of an authority come from: a host of its own in Microsoft's clouds, else the authority itself.
std::string v1_issuer_base(std::string_view authority) {
  const auto url = parse_issuer_url(authority);
  const std::string host = url ? url->host : std::string();
  if (host == "login.microsoftonline.com" || host == "login.microsoftonline.us") return "https://sts.windows.net";
  if (host == "login.partner.microsoftonline.cn" || host == "login.chinacloudapi.cn") return "https://sts.chinacloudapi.cn";
  return std::string(authority);
}

std::string v1_issuer(std::string_view authority, std::string_view tenant) {
  return v1_issuer_base(authority).append("/").append(tenant).append("/");
}
std::string v2_issuer(std::string_view authority, std::string_view tenant) {
  return std::string(authority).append("/").append(tenant).append("/v2.0");
}

/// https, or http on loopback for the issuer that runs here.
bool may_fetch(std::string_view url, bool loopback_only) {
  const auto parsed = parse_issuer_url(url);
  if (!parsed) return false;
  return loopback_only ? is_loopback_host(parsed->host) : parsed->https;
}

Result<void> add_entra(IssuerRules& rules, const config::EntraIssuer& entra, const LaptopIssuer* laptop) {
  const bool at_home = entra.authority == config::kLaptopIssuer;
  if (at_home && laptop == nullptr) return wrong(rules.name, "laptop://issuer runs only under wye up");
  std::string authority = at_home ? laptop->authority : entra.authority;
  if (authority.ends_with('/')) authority.pop_back();
  if (!may_fetch(authority, at_home)) return wrong(rules.name, "the authority must be an https URL");
  if (entra.tenant_ids.empty()) return wrong(rules.name, "no tenantIds");
  std::vector<std::string> tenants;
  for (const std::string& tenant : entra.tenant_ids) {
    if (!is_guid(tenant)) return wrong(rules.name, "a tenantId that is no GUID");
    if (std::string id = lower(tenant); std::ranges::find(tenants, id) == tenants.end()) tenants.push_back(std::move(id));
  }
  // One tenant: its own metadata. Several: the metadata of all, whose issuer is the template.
  const bool one = tenants.size() == 1;
  const std::string in_path = one ? tenants.front() : "common";
  const std::string in_issuer = one ? tenants.front() : "{tenantid}";
  rules.key_issuer_templates = {v1_issuer(authority, "{tenantid}"), v2_issuer(authority, "{tenantid}")};
  for (const config::EntraVersion version : entra.versions) {
    const bool v1 = version == config::EntraVersion::kV1;
    if (std::ranges::any_of(rules.accepted, [&](const AcceptedIssuer& a) { return a.version == (v1 ? TokenVersion::kV1 : TokenVersion::kV2); }))
      continue;
    const size_t source = rules.sources.size();
    rules.sources.push_back({.id = rules.name + (v1 ? "#v1" : "#v2"),
                             .issuer_name = rules.name,
                             .issuer = v1 ? v1_issuer(authority, in_issuer) : v2_issuer(authority, in_issuer),
                             .discovery = discovery_url(authority + "/" + in_path + (v1 ? "" : "/v2.0")),
                             .ca_file = at_home ? laptop->ca_file : std::filesystem::path(entra.ca_file.resolved),
                             .loopback_only = at_home});
    for (const std::string& tenant : tenants) {
      rules.accepted.push_back({.iss = v1 ? v1_issuer(authority, tenant) : v2_issuer(authority, tenant),
                                .tenant = tenant,
                                .version = v1 ? TokenVersion::kV1 : TokenVersion::kV2,
                                .source = source});
    }
  }
  return {};
}

Result<void> add_discovered(IssuerRules& rules, const std::string& issuer, const config::FilePath& ca, const config::FilePath& bearer) {
  if (issuer == kLegacyKubernetesIssuer || !may_fetch(issuer, false)) return wrong(rules.name, "the issuer must be an https URL");
  rules.accepted.push_back({.iss = issuer});
  rules.sources.push_back({.id = rules.name,
                           .issuer_name = rules.name,
                           .issuer = issuer,
                           .discovery = discovery_url(issuer),
                           .ca_file = ca.resolved,
                           .bearer_file = bearer.resolved});
  return {};
}

Result<void> add_spiffe(IssuerRules& rules, const config::SpiffeIssuer& spiffe) {
  if (spiffe.bundle_file.empty() || spiffe.trust_domains.empty()) return wrong(rules.name, "no bundleFile or no trustDomains");
  for (const std::string& domain : spiffe.trust_domains) {
    if (!is_trust_domain(domain)) return wrong(rules.name, "a trust domain that is none");
    rules.accepted.push_back({.trust_domain = domain, .source = rules.sources.size()});
    rules.sources.push_back({.id = rules.name + "#" + domain,
                             .issuer_name = rules.name,
                             .bundle_file = spiffe.bundle_file.resolved,
                             .trust_domain = domain,
                             .only_domain = spiffe.trust_domains.size() == 1});
  }
  return {};
}

Result<void> add_kind(IssuerRules& rules, const config::Issuer& issuer, const LaptopIssuer* laptop) {
  switch (issuer.type) {
    case IssuerKind::kEntra:
      if (issuer.entra) return add_entra(rules, *issuer.entra, laptop);
      break;
    case IssuerKind::kOidc:
      if (issuer.oidc) {
        rules.rfc9068 = issuer.oidc->rfc9068;
        return add_discovered(rules, issuer.oidc->issuer, issuer.oidc->ca_file, {});
      }
      break;
    case IssuerKind::kKubernetes:
      if (issuer.kubernetes) {
        rules.allow_unbound_pod = issuer.kubernetes->allow_unbound_pod;
        return add_discovered(rules, issuer.kubernetes->issuer, issuer.kubernetes->ca_file, issuer.kubernetes->token_file);
      }
      break;
    case IssuerKind::kSpiffe:
      if (issuer.spiffe) return add_spiffe(rules, *issuer.spiffe);
      break;
    case IssuerKind::kX509: return {};
  }
  return wrong(rules.name, "the block of its type is missing");
}

}  // namespace

Result<IssuerRulesPtr> make_issuer_rules(std::string name, const config::Issuer& issuer, const LaptopIssuer* laptop) {
  auto rules = std::make_shared<IssuerRules>();
  rules->name = std::move(name);
  rules->kind = issuer.type;
  rules->audiences = issuer.audiences;
  rules->skew = std::clamp(issuer.tokens.skew, Nanos(0), kSkewMax);
  rules->max_lifetime = issuer.effective_max_lifetime();
  rules->claims = issuer.tokens.claims;
  if (issuer.type != IssuerKind::kX509 && (rules->audiences.empty() || rules->audiences.size() > kAudiencesMax)) {
    return wrong(rules->name, "1 to 16 audiences are needed");
  }
  for (const std::string& audience : rules->audiences) {
    const std::string_view owner = owner_of_refused_audience(audience);
    if (audience.empty() || !owner.empty()) return wrong(rules->name, "an audience of " + std::string(owner.empty() ? "nobody" : owner));
  }
  for (const config::TokenAlgorithm algorithm : issuer.effective_algorithms()) {
    const auto parsed = crypto::parse_signature_algorithm(config::to_string(algorithm));
    // SPIFFE knows RS, ES and PS only (JWT-SVID §2.1).
    if (!parsed || (issuer.type == IssuerKind::kSpiffe && *parsed == crypto::SignatureAlgorithm::kEdDsa)) {
      return wrong(rules->name, "an algorithm that this type has not");
    }
    rules->algorithms.insert(*parsed);
  }
  CHECK_OK(add_kind(*rules, issuer, laptop));
  return IssuerRulesPtr(std::move(rules));
}

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace wye::token
