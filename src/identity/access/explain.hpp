// Decisions in words: what one caller may do and why, who can do one thing at all, and who can do more after a change of configuration.
// For `wye access explain`, `wye access who-can`, `wye plan` and the admin API. Not for the request path: everything here allocates.
// Lifetime: results hold copies. Threads: pure.
#pragma once

#include "identity/access/policy.hpp"

namespace wye::access {

/// A caller as an administrator writes it:
///   `ISSUER:subject=TID/OID,group=G,appRole=R,client=C,serviceAccount=NS/NAME,claim.department=legal,clientAuth=certificate,binding=mtls`
///   `ISSUER:spiffe=spiffe://domain/path`, `ISSUER:appRole=R,groups=unknown` (too many groups for the token)
///   `key:ID,tenant=T,route=support-*`; a key without `route` is one for every Route
/// Fields may repeat. Errors: kUsage with a public message that names what is wrong.
Result<token::Principal> parse_caller(std::string_view text);

/// `route:support-chat`, `admin:config`: views into `text`. Absent: no such kind, or no name.
std::optional<Resource> parse_resource(std::string_view text);

/// `{issuer: corp, group: 3f0c5d0e-…}`, `{spiffe: "spiffe://…"}`, `{key: ID}`, `{members: true}`: as configurations spell it.
std::string subject_text(const config::Subject& subject);

struct ExplainRequest {
  const token::Principal* caller = nullptr;
  std::string_view tenant{};  // as in the header OpenAI-Project; empty: the only one
  Action action = Action::kChatCreate;
  Resource resource{};
  std::vector<Target> targets{};  // of a Route: each is judged on its own
  Facts facts{};
};

/// One rule that is about the action and the resource, and that the caller holds.
struct RuleStep {
  std::string rule{};     // `role/chat-user#0`
  std::string grant{};    // `grant/team-a`; empty: the built-in role
  std::string subject{};  // by which the caller holds it
  bool deny = false;
  bool counts = false;    // it allows, or it denies
  std::string why_not{};  // the condition that does not hold; else `groups unknown`, `not for keys`; empty where it counts
};

struct Judged {
  std::string on{};  // `route:support-chat`, `backend:aoai-sc`
  bool allowed = false;
  std::string detail{};  // Decision::detail()
  std::vector<RuleStep> steps{};
};

struct Explanation {
  bool allowed = false;  // on the resource and, where there are targets, on one of them at least
  std::string caller{};
  std::string tenant{};         // empty: none was found, and `tenant_detail` says why
  std::string tenant_detail{};  // `tenant.none` `tenant.ambiguous` …
  std::vector<std::string> lineage{};
  std::string action{};
  std::string on{};  // `route:support-chat`
  std::vector<Judged> judged{};  // the resource, then each target
};

Explanation explain(const Policy& policy, const ExplainRequest& request);

/// One way to hold an allow, with what may still take it away.
struct Holder {
  std::string subject{};
  std::string tenant{};  // and those below it
  std::string grant{};
  std::string rule{};
  std::vector<std::string> conditions{};  // names of those that must hold: `dataClassMax`
  std::vector<std::string> denied_by{};   // rules that deny the same subject, perhaps under conditions: `role/x#1 (regionNotIn)`
};
/// Everybody whom a rule allows the action on the resource, sorted by subject. Whether they do gets decided by the facts of a request.
std::vector<Holder> who_can(const Policy& policy, Action action, const Resource& resource);

/// What somebody can do after a change and could not before: more is named than less, where rules can not be compared.
struct Gain {
  std::string subject{};
  std::string tenant{};
  ActionSet actions{};
  std::string on{};       // the pattern of resources; of a new member empty
  std::string because{};  // `grant/x role/y#0`, `no longer denied by role/y#1`, `becomes a member`
  bool conditional = false;
};
std::vector<Gain> gains(const Policy& before, const Policy& after);

std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);
std::string to_text(std::span<const Holder> holders);
std::string to_json(std::span<const Holder> holders);
std::string to_text(std::span<const Gain> gains);
std::string to_json(std::span<const Gain> gains);

}  // namespace wye::access
