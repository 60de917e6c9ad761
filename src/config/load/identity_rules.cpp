#include "config/load/identity_rules.hpp"

#include "config/kinds/grammar.hpp"
#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

void report(Diagnostics& findings, const Source& source, std::string path, std::string what, std::string help) {
  const Position at = source.at(path);
  findings.push_back({Severity::kError, source.file, at, std::move(path), std::move(what), std::move(help)});
}

const Issuer* find_issuer(const Resources& resources, std::string_view name) {
  const auto it = std::ranges::lower_bound(resources.issuers, name, {}, &Document<Issuer>::name);
  return it != resources.issuers.end() && it->name == name ? &it->spec : nullptr;
}

/// Whether callers of that type of Issuer can have such a claim.
bool can_have(IssuerType type, Subject::Form form) {
  switch (form) {
    case Subject::Form::kSubject: return true;
    case Subject::Form::kGroup:
    case Subject::Form::kAppRole:
    case Subject::Form::kClient: return type == IssuerType::kEntra || type == IssuerType::kOidc;
    case Subject::Form::kServiceAccount: return type == IssuerType::kKubernetes;
    default: return false;
  }
}

/// Of Entra the object id of a group, and `TID/OID` of a caller: anything else never matches.
std::string_view entra_slip(const Subject& subject) {
  const std::string_view text = subject.text();
  if (subject.form() == Subject::Form::kGroup && text != "*" && !matches(Grammar::kGuid, text)) return "the object id of the group, in lower case";
  if (subject.form() != Subject::Form::kSubject || text == "*") return {};
  const size_t slash = text.find('/');
  const std::string_view object = slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  const bool good =
      slash != std::string_view::npos && matches(Grammar::kGuid, text.substr(0, slash)) && (object == "*" || matches(Grammar::kGuid, object));
  return good ? std::string_view() : "TENANT-ID/OBJECT-ID, both in lower case";
}

void check_subjects(const Resources& resources, const Source& source, std::string_view list, std::span<const Subject> subjects,
                    Diagnostics& findings) {
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Subject& subject = subjects[i];
    const Issuer* issuer = subject.issuer.empty() ? nullptr : find_issuer(resources, subject.issuer);
    if (issuer == nullptr) continue;
    std::string path = std::string(list) + "[" + std::to_string(i) + "]";
    if (!can_have(issuer->type, subject.form())) {
      report(findings, source, std::move(path), "callers of an Issuer of type " + std::string(to_string(issuer->type)) + " have no such claim",
             issuer->type == IssuerType::kKubernetes ? "write `serviceAccount: NAMESPACE/NAME`" : "write another form, or another Issuer");
    } else if (issuer->type == IssuerType::kEntra) {
      if (const std::string_view expected = entra_slip(subject); !expected.empty())
        report(findings, source, std::move(path), "of an entra Issuer this never matches", "write " + std::string(expected));
    }
  }
}

/// What says that a token is of this Issuer, each as one text; two Issuers may not share one.
std::vector<std::string> names_it_answers_to(const Issuer& issuer) {
  std::vector<std::string> out;
  if (issuer.entra) {
    for (const EntraVersion version : issuer.entra->versions) {
      for (const std::string& tenant : issuer.entra->tenant_ids)
        out.push_back(issuer.entra->authority + "/" + tenant + (version == EntraVersion::kV2 ? "/v2.0" : ""));
    }
  }
  if (issuer.oidc) out.push_back(issuer.oidc->issuer);
  if (issuer.kubernetes) out.push_back(issuer.kubernetes->issuer);
  if (issuer.spiffe) {
    for (const std::string& domain : issuer.spiffe->trust_domains) out.push_back("spiffe://" + domain);
  }
  return out;
}

void check_issuers(const Resources& resources, Diagnostics& findings) {
  std::map<std::string, std::string_view, std::less<>> owners;
  for (const auto& document : resources.issuers) {
    for (std::string& name : names_it_answers_to(document.spec)) {
      const std::string text = name;
      const auto [owner, fresh] = owners.emplace(std::move(name), document.name);
      if (fresh || owner->second == document.name) continue;
      report(findings, document.source, "spec", "tokens of " + shown(text) + " belong to the Issuer " + shown(owner->second) + " already",
             "merge the two: one Issuer decides about a token");
    }
  }
}

void check_sign_in(const Resources& resources, Diagnostics& findings) {
  for (const auto& gateway : resources.gateways) {
    if (gateway.spec.auth.api_keys || !resources.issuers.empty()) continue;
    report(findings, gateway.source, "spec.auth.apiKeys", "no caller could sign in: there is no Issuer, and no key is accepted",
           "add an Issuer, or leave the key out");
  }
}

}  // namespace

void check_identity(const Resources& resources, Diagnostics& findings) {
  check_issuers(resources, findings);
  check_sign_in(resources, findings);
  for (const auto& grant : resources.grants) check_subjects(resources, grant.source, "spec.subjects", grant.spec.subjects, findings);
  for (const auto& tenant : resources.tenants) check_subjects(resources, tenant.source, "spec.members", tenant.spec.members, findings);
}

}  // namespace wye::config
