// Who is meant: the subjects of a Grant and the members of a Tenant. Threads: values.
#pragma once

#include "config/kinds/field.hpp"

namespace wye::config {

/// Exactly one form is written: `{issuer, subject}` `{issuer, group}` `{issuer, appRole}` `{issuer, client}`
/// `{issuer, serviceAccount}` `{spiffe}` `{key}` `{members: true}`. Values are exact, or end with one `*` that stands for any rest;
/// of a SPIFFE ID only `/*` does, and only on the border of a segment. config/load refuses every other mixture.
struct Subject {
  std::string issuer;
  std::string subject;
  std::string group;
  std::string app_role;
  std::string client;
  std::string service_account;
  std::string spiffe;
  std::string key;
  bool members = false;

  enum class Form : uint8_t { kSubject, kGroup, kAppRole, kClient, kServiceAccount, kSpiffe, kKey, kMembers };
  /// The form that is written; of several the first.
  Form form() const {
    if (!subject.empty()) return Form::kSubject;
    if (!group.empty()) return Form::kGroup;
    if (!app_role.empty()) return Form::kAppRole;
    if (!client.empty()) return Form::kClient;
    if (!service_account.empty()) return Form::kServiceAccount;
    if (!spiffe.empty()) return Form::kSpiffe;
    if (!key.empty()) return Form::kKey;
    return Form::kMembers;
  }
  /// The text of that form; empty for kMembers.
  const std::string& text() const {
    switch (form()) {
      case Form::kSubject: return subject;
      case Form::kGroup: return group;
      case Form::kAppRole: return app_role;
      case Form::kClient: return client;
      case Form::kServiceAccount: return service_account;
      case Form::kSpiffe: return spiffe;
      default: return key;
    }
  }
  /// Whether an Issuer goes with it.
  bool wants_issuer() const { return form() < Form::kSpiffe; }

  static void describe(auto& self, auto& v) {
    v.field("issuer", self.issuer,
            Rule{.text = "The Issuer whose token says it; with subject, group, appRole, client and serviceAccount.",
                 .grammar = Grammar::kName,
                 .refers = "Issuer",
                 .absent = "none"});
    v.field("subject", self.subject,
            Rule{.text = "One caller: of Entra `TID/OID` in lower case, else the token's `sub`, or the name in a certificate.",
                 .max = 512,
                 .grammar = Grammar::kSubjectPattern,
                 .absent = "none"});
    v.field("group", self.group, Rule{.text = "Of Entra the object id.", .max = 512, .grammar = Grammar::kSubjectPattern, .absent = "none"});
    v.field("appRole", self.app_role, Rule{.text = "A value of `roles`.", .max = 512, .grammar = Grammar::kSubjectPattern, .absent = "none"});
    v.field("client", self.client,
            Rule{.text = "The application that asked (azp, appid, client_id).", .max = 512, .grammar = Grammar::kSubjectPattern, .absent = "none"});
    v.field("serviceAccount", self.service_account,
            Rule{.text = "`NAMESPACE/NAME` of Kubernetes.", .grammar = Grammar::kServiceAccount, .absent = "none"});
    v.field("spiffe", self.spiffe, Rule{.text = "A SPIFFE ID, or one that ends with `/*`.", .grammar = Grammar::kSpiffePattern, .absent = "none"});
    v.field("key", self.key, Rule{.text = "Id of an API key.", .grammar = Grammar::kKeyId, .absent = "none"});
    v.field("members", self.members, Rule{.text = "Everyone who acts in the Grant's tenant or one below it.", .absent = "false"});
  }
};

}  // namespace wye::config
