#include "config/load/document_rules.hpp"
#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

std::string at_index(std::string_view list, size_t i, std::string_view rest = {}) {
  return std::string(list) + "[" + std::to_string(i) + "]" + std::string(rest);
}

struct RefusedAudience {
  std::string_view audience;  // lower case, without trailing slash
  std::string_view owner;
};
/// Whoever holds a token for one of these holds it for Microsoft's service: accepting it would let that service, and everybody who
/// may call it, act here. Source: Microsoft identity platform, "Access tokens": a client must not be given another API's tokens.
constexpr std::array kRefusedAudiences = {
    RefusedAudience{"00000003-0000-0000-c000-000000000000", "Microsoft Graph"},
    RefusedAudience{"https://graph.microsoft.com", "Microsoft Graph"},
    RefusedAudience{"https://graph.microsoft.us", "Microsoft Graph"},
    RefusedAudience{"https://dod-graph.microsoft.us", "Microsoft Graph"},
    RefusedAudience{"https://microsoftgraph.chinacloudapi.cn", "Microsoft Graph"},
    RefusedAudience{"00000002-0000-0000-c000-000000000000", "Azure AD Graph"},
    RefusedAudience{"https://graph.windows.net", "Azure AD Graph"},
    RefusedAudience{"797f4846-ba00-4fd7-ba43-dac1f8f63013", "Azure Resource Manager"},
    RefusedAudience{"https://management.azure.com", "Azure Resource Manager"},
    RefusedAudience{"https://management.core.windows.net", "Azure Resource Manager"},
    RefusedAudience{"https://management.usgovcloudapi.net", "Azure Resource Manager"},
    RefusedAudience{"https://management.core.usgovcloudapi.net", "Azure Resource Manager"},
    RefusedAudience{"https://management.chinacloudapi.cn", "Azure Resource Manager"},
    RefusedAudience{"https://management.core.chinacloudapi.cn", "Azure Resource Manager"},
    RefusedAudience{"7d312290-28c8-473c-a0ed-8e53749b6d6d", "Cognitive Services"},
    RefusedAudience{"https://cognitiveservices.azure.com", "Cognitive Services"},
    RefusedAudience{"https://cognitiveservices.azure.us", "Cognitive Services"},
    RefusedAudience{"https://cognitiveservices.azure.cn", "Cognitive Services"},
    RefusedAudience{"https://ai.azure.com", "Azure AI Foundry"},
    RefusedAudience{"https://vault.azure.net", "Azure Key Vault"},
    RefusedAudience{"https://storage.azure.com", "Azure Storage"},
    RefusedAudience{"api://azureadtokenexchange", "the token exchange of Entra ID"},
};

/// Whose audience that is; empty: nobody's that we know.
std::string_view owner_of_audience(std::string_view audience) {
  std::string low(audience);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (low.ends_with("/.default")) low.resize(low.size() - 9);
  while (low.ends_with('/')) low.pop_back();
  const auto it = std::ranges::find(kRefusedAudiences, std::string_view(low), &RefusedAudience::audience);
  return it == kRefusedAudiences.end() ? std::string_view() : it->owner;
}

/// The host part of a URL that may have a path of its own spelling.
bool has_good_host(std::string_view url) {
  const size_t slash = url.find('/', std::string_view("https://").size());
  return parse_endpoint(url.substr(0, slash)).has_value();
}

struct Block {
  std::string_view name;
  bool written = false;
};
/// The block of the type and no other.
void check_blocks(std::string_view type, std::span<const Block> blocks, bool required, const DocumentFindings& out) {
  if (out.failed("spec.type")) return;
  for (const Block& block : blocks) {
    const std::string path = "spec." + std::string(block.name);
    if (block.name == type && !block.written && required && !out.wrote(path)) {
      out.error(path, "type " + std::string(type) + " needs the block `" + std::string(type) + "`", "add it");
    } else if (block.name != type && block.written) {
      out.error(path, "`" + std::string(block.name) + "` beside type " + std::string(type), "keep the block of the type only");
    }
  }
}

void check_audiences(const Issuer& spec, const DocumentFindings& out) {
  if (spec.type == IssuerType::kX509) {
    if (!spec.audiences.empty()) out.error("spec.audiences", "certificates have no audience", "leave the key out");
    return;
  }
  if (spec.audiences.empty() && !out.wrote("spec.audiences"))
    out.error("spec.audiences", "`audiences` is missing", "write the value of `aud` that means this gateway");
  for (size_t i = 0; i < spec.audiences.size(); ++i) {
    const std::string path = at_index("spec.audiences", i);
    if (const std::string_view owner = owner_of_audience(spec.audiences[i]); !owner.empty()) {
      out.error(path, "this is the audience of " + std::string(owner) + ": whoever may call that could act here with the same token",
                "register an application of its own and write its client id");
    } else if (spec.kubernetes && spec.audiences[i] == spec.kubernetes->issuer) {
      out.error(path, "this is the audience of the cluster's own API server", "project a token with an audience of its own");
    }
  }
}

bool may_sign(IssuerType type, TokenAlgorithm algorithm) {
  switch (type) {
    case IssuerType::kEntra: return algorithm <= TokenAlgorithm::kPs512;
    case IssuerType::kKubernetes:
      return algorithm == TokenAlgorithm::kRs256 || (algorithm >= TokenAlgorithm::kEs256 && algorithm <= TokenAlgorithm::kEs512);
    case IssuerType::kSpiffe: return algorithm != TokenAlgorithm::kEdDsa;
    default: return true;
  }
}

void check_tokens(const Issuer& spec, const DocumentFindings& out) {
  if (spec.type == IssuerType::kX509) {
    for (const std::string_view name : {"algorithms", "maxLifetime", "claims"}) {
      const std::string path = "spec.tokens." + std::string(name);
      if (out.wrote(path)) out.error(path, "`" + std::string(name) + "` has no effect on certificates", "leave the key out");
    }
    return;
  }
  for (size_t i = 0; i < spec.tokens.algorithms.size(); ++i) {
    if (may_sign(spec.type, spec.tokens.algorithms[i])) continue;
    out.error(at_index("spec.tokens.algorithms", i),
              "an issuer of type " + std::string(to_string(spec.type)) + " does not sign with " + std::string(to_string(spec.tokens.algorithms[i])),
              "leave it out");
  }
  const auto most = std::chrono::hours(24);
  if (spec.type == IssuerType::kKubernetes && spec.tokens.max_lifetime && *spec.tokens.max_lifetime > most) {
    out.error("spec.tokens.maxLifetime", "longer than 24h: such tokens are meant for the API server", "lower it");
  }
}

void check_issuer_urls(const Issuer& spec, const DocumentFindings& out) {
  if (spec.entra && spec.entra->authority != kLaptopIssuer) {
    const auto authority = parse_endpoint(spec.entra->authority);
    if (!authority || !authority->base_path.empty() || spec.entra->authority.ends_with('/'))
      out.error("spec.entra.authority", "an authority is https://HOST[:PORT] without a path", "write " + std::string(kEntraAuthority));
  }
  for (const auto& [path, url] : {std::pair("spec.oidc.issuer", spec.oidc ? spec.oidc->issuer : ""),
                                  std::pair("spec.kubernetes.issuer", spec.kubernetes ? spec.kubernetes->issuer : "")}) {
    if (!url.empty() && !has_good_host(url)) out.error(path, "the URL has no proper host", "write the `iss` of its tokens");
  }
}

/// Exactly one form, an Issuer where the form is one of its claims.
void check_subject(const Subject& subject, const std::string& path, const DocumentFindings& out) {
  if (out.failed(path)) return;
  size_t forms = subject.members ? 1 : 0;
  for (const std::string* text :
       {&subject.subject, &subject.group, &subject.app_role, &subject.client, &subject.service_account, &subject.spiffe, &subject.key}) {
    forms += text->empty() ? 0 : 1;
  }
  constexpr std::string_view kForms =
      "one of {issuer, subject} {issuer, group} {issuer, appRole} {issuer, client} {issuer, serviceAccount} {spiffe} {key} {members: true}";
  if (forms != 1) return out.error(path, "a subject has exactly one form", std::string(kForms));
  if (subject.wants_issuer() && subject.issuer.empty()) return out.error(path, "the Issuer is missing that says so", "add `issuer`");
  if (!subject.wants_issuer() && !subject.issuer.empty()) out.error(path + ".issuer", "`issuer` has no meaning for this form", "leave the key out");
}

bool names_one_of(const RoleRule& rule, std::initializer_list<std::string_view> kinds) {
  return std::ranges::any_of(rule.resources, [&](const std::string& pattern) {
    return std::ranges::any_of(kinds, [&](std::string_view kind) { return pattern.starts_with(kind); });
  });
}

void check_rule(const RoleRule& rule, const std::string& path, const DocumentFindings& out) {
  if (out.failed(path)) return;
  const bool on_paths = names_one_of(rule, {"route:", "backend:", "model:"});
  const bool on_objects = names_one_of(rule, {"file:", "batch:", "index:"});
  if (!on_paths && !on_objects && (rule.actions & ActionSet::admin()).empty())
    out.error(path + ".resources", "none of the actions is one on `admin:`", "name the resources that these actions are on");
  const Conditions& c = rule.conditions;
  for (const auto& [name, written] :
       {std::pair(".conditions.regionIn", !c.region_in.empty()), std::pair(".conditions.regionNotIn", !c.region_not_in.empty()),
        std::pair(".conditions.privateOnly", c.private_only)}) {
    if (written && !on_paths)
      out.error(path + name, "a condition on the target in a rule that names no route, backend or model", "leave the key out");
  }
  for (const std::string& region : c.region_in) {
    if (std::ranges::find(c.region_not_in, region) != c.region_not_in.end())
      out.error(path + ".conditions.regionNotIn", shown(region) + " stands in `regionIn` too", "keep one of them");
  }
  if (!c.time_window) return;
  const TimeWindow& window = *c.time_window;
  if (window.from == "24:00") out.error(path + ".conditions.timeWindow.from", "a window can not begin at 24:00", "write 00:00");
  if (window.from == window.to) out.error(path + ".conditions.timeWindow.to", "the window is empty: it ends when it begins", "change one of them");
  const bool whole_week = window.days.empty() && window.from == "00:00" && window.to == "24:00";
  if (whole_week) out.error(path + ".conditions.timeWindow", "this window is always open", "leave the key out");
}

void check_secret(const SecretRef& key, const std::string& path, const DocumentFindings& out) {
  if (key.sources() == 1 || !out.wrote(path)) return;
  out.error(path, "a secret has exactly one source", "write `{file: PATH}`, `{env: NAME}`, `{kubernetes: {...}}` or `{keyVault: {...}}`");
}

void check_vault(const SecretRef& key, const std::string& path, const DocumentFindings& out) {
  if (!key.key_vault) return;
  const auto vault = parse_endpoint(key.key_vault->vault);
  if (!vault || !vault->base_path.empty())
    out.error(path + ".keyVault.vault", "a vault is https://HOST without a path", "write https://NAME.vault.azure.net");
}

void check_sources(const Credential& spec, const DocumentFindings& out) {
  const auto both = [&](const SecretRef& key, const std::string& path) { check_secret(key, path, out), check_vault(key, path, out); };
  if (spec.api_key) both(spec.api_key->key, "spec.apiKey.key");
  if (spec.client_certificate) both(spec.client_certificate->key, "spec.clientCertificate.key");
  if (spec.oauth2) {
    both(spec.oauth2->key, "spec.oauth2.key");
    if (!has_good_host(spec.oauth2->token_url)) out.error("spec.oauth2.tokenUrl", "the URL has no proper host", "write https://HOST/PATH");
  }
  if (spec.managed_identity) {
    const ManagedIdentityCredential& m = *spec.managed_identity;
    if ((m.client_id.empty() ? 0 : 1) + (m.object_id.empty() ? 0 : 1) + (m.resource_id.empty() ? 0 : 1) > 1)
      out.error("spec.managedIdentity", "at most one of `clientId`, `objectId` and `resourceId`", "keep one of them");
  }
  for (const auto& [path, authority] :
       {std::pair("spec.workloadIdentity.authority", spec.workload_identity ? spec.workload_identity->authority : ""),
        std::pair("spec.clientCertificate.authority", spec.client_certificate ? spec.client_certificate->authority : "")}) {
    if (!authority.empty() && authority != kLaptopIssuer && !has_good_host(authority))
      out.error(path, "an authority is https://HOST[:PORT]", "write " + std::string(kEntraAuthority));
  }
}

}  // namespace

void check_document(const Issuer& spec, const DocumentFindings& out) {
  const std::array blocks = {Block{"entra", spec.entra.has_value()}, Block{"oidc", spec.oidc.has_value()},
                             Block{"kubernetes", spec.kubernetes.has_value()}, Block{"spiffe", spec.spiffe.has_value()},
                             Block{"x509", spec.x509.has_value()}};
  check_blocks(to_string(spec.type), blocks, true, out);
  if (out.failed("spec.type")) return;
  check_audiences(spec, out);
  check_tokens(spec, out);
  check_issuer_urls(spec, out);
}

void check_document(const Role& spec, const DocumentFindings& out) {
  for (size_t i = 0; i < spec.rules.size(); ++i) check_rule(spec.rules[i], at_index("spec.rules", i), out);
}

void check_document(const Grant& spec, const DocumentFindings& out) {
  for (size_t i = 0; i < spec.subjects.size(); ++i) check_subject(spec.subjects[i], at_index("spec.subjects", i), out);
  if (spec.valid.not_before && spec.valid.not_after && *spec.valid.not_before >= *spec.valid.not_after)
    out.error("spec.valid.notAfter", "the grant ends before it begins", "change one of them");
}

void check_document(const Tenant& spec, const DocumentFindings& out) {
  for (size_t i = 0; i < spec.members.size(); ++i) {
    const std::string path = at_index("spec.members", i);
    check_subject(spec.members[i], path, out);
    if (spec.members[i].members) out.error(path + ".members", "a tenant's members can not be its members", "name them");
    if (!spec.members[i].key.empty()) out.error(path + ".key", "a key carries its tenant", "leave it out: `wye keys create --tenant` says it");
  }
}

void check_document(const Credential& spec, const DocumentFindings& out) {
  const std::array blocks = {Block{"managedIdentity", spec.managed_identity.has_value()},
                             Block{"workloadIdentity", spec.workload_identity.has_value()},
                             Block{"clientCertificate", spec.client_certificate.has_value()},
                             Block{"oauth2", spec.oauth2.has_value()},
                             Block{"spiffe", spec.spiffe.has_value()},
                             Block{"apiKey", spec.api_key.has_value()}};
  const bool may_be_bare = spec.type == CredentialType::kManagedIdentity || spec.type == CredentialType::kWorkloadIdentity;
  check_blocks(to_string(spec.type), blocks, !may_be_bare, out);
  check_sources(spec, out);
  std::set<std::string> seen;
  for (size_t i = 0; i < spec.origins.size(); ++i) {
    const std::string path = at_index("spec.origins", i);
    const auto origin = parse_endpoint(spec.origins[i]);
    if (!origin) {
      out.error(path, "not an origin: " + origin.error().public_message, "write scheme://host[:port]");
    } else if (!origin->base_path.empty() || spec.origins[i].ends_with('/')) {
      out.error(path, "an origin has no path", "write " + origin->origin());
    } else if (origin->scheme == Endpoint::Scheme::kHttp && !origin->loopback()) {
      out.error(path, "a credential never goes over http beyond loopback", "write https://");
    } else if (!seen.insert(origin->origin()).second) {
      out.error(path, "this origin stands in the list already", "keep one of the two");
    }
  }
}

}  // namespace wye::config
