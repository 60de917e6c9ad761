#include "config/snapshot/snapshot.hpp"
#include "identity/access/explain.hpp"

namespace wye::config {
namespace {

std::string doc(std::string_view kind, std::string_view name, std::string_view spec) {
  return "apiVersion: wye.dev/v1alpha1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) + "}\nspec: " + std::string(spec) +
         "\n---\n";
}
Compiled compile_text(const std::string& text, const CompileOptions& options = {}) {
  const std::array files = {NamedText{"conf/a.yaml", text}};
  return compile(load_texts(files), options);
}
bool warns(const Compiled& compiled, std::string_view path, std::string_view text) {
  return std::ranges::any_of(compiled.findings, [&](const Diagnostic& d) {
    return d.severity == Severity::kWarning && d.path == path && (d.what + "\n" + d.help).find(text) != std::string::npos;
  });
}

const std::string kBase =
    doc("Gateway", "g", "{listeners: [{name: a}]}") + doc("Tenant", "t", "{dataClassMax: restricted}") +
    doc("Backend", "b", "{provider: openAICompatible, endpoint: \"https://b.example.com/v1\", deployment: m, dataClassMax: restricted}") +
    doc("Route", "chat", "{candidates: [{backend: b}], aliases: [gpt-4o], request: {unknownFields: refuse}}");
const std::string kIssuer =
    doc("Issuer", "corp",
        "{type: entra, entra: {tenantIds: [11111111-1111-4111-8111-111111111111]}, audiences: [\"api://wye\"], tokens: {claims: [team]}}");

std::string role(std::string_view rules) { return doc("Role", "r", "{rules: [" + std::string(rules) + "]}"); }
std::string grant(std::string_view subjects) { return doc("Grant", "x", "{role: r, tenant: t, subjects: [" + std::string(subjects) + "]}"); }
constexpr std::string_view kChat = "{effect: allow, actions: [chat.create], resources: [\"route:chat\"]}";

TEST(SnapshotIdentity, ThePolicyDecidesForItsTenants) {
  const Compiled c = compile_text(kBase + kIssuer + role(kChat) + grant("{issuer: corp, appRole: Caller}") +
                                  doc("Tenant", "u", "{members: [{issuer: corp, appRole: Caller}]}"));
  ASSERT_NE(c.snapshot, nullptr) << to_text(c.findings);
  EXPECT_TRUE(c.findings.empty()) << to_text(c.findings);
  const access::Policy& policy = c.snapshot->policy();
  for (const TenantEntry& tenant : c.snapshot->tenants()) EXPECT_EQ(policy.tenant_name(tenant.id), tenant.name);
  const auto caller = access::parse_caller("corp:appRole=Caller");
  EXPECT_EQ(policy.tenant_name(*policy.tenant_of(*caller, "")), "u");
  EXPECT_EQ(c.snapshot->issuers().size(), 1u);
  // The same question in both tenants: the grant is one of t.
  for (const auto& [tenant, good] : {std::pair("t", true), std::pair("u", false)}) {
    const access::Standing standing = policy.standing(*caller, *policy.find_tenant(tenant), {});
    EXPECT_EQ(
        policy.decide(standing, Action::kChatCreate, {access::ResourceKind::kRoute, "chat", {}}, nullptr, {}, access::Stage::kRequest).allowed(),
        good);
  }
}

TEST(SnapshotIdentity, WhatNeverMattersIsWarnedOf) {
  struct Case {
    std::string text;
    std::string_view path, says;
  };
  const std::string spiffe = "{spiffe: \"spiffe://other.org/a\"}";
  const std::string budget = "{effect: deny, actions: [\"*\"], resources: [\"route:*\"], conditions: {budgetLeft: false}}";
  const std::string claim = "{effect: allow, actions: [chat.create], resources: [\"route:*\"], conditions: {claims: {dept: [a]}}}";
  const std::array cases = {
      Case{role(kChat), "metadata.name", "nobody has this Role"},
      Case{role("{effect: allow, actions: [chat.create], resources: [\"route:chta\"]}") + grant("{members: true}"), "spec.rules[0].resources[0]",
           "never matches"},
      Case{role("{effect: allow, actions: [chat.create], resources: [\"route:chta\"]}") + grant("{members: true}"), "spec.role", "can never match"},
      Case{role("{effect: allow, actions: [chat.create], resources: [\"route:gpt-4o\"]}") + grant("{members: true}"), "spec.rules[0].resources[0]",
           "write route:chat"},
      Case{role("{effect: deny, actions: [chat.create], resources: [\"backend:c*\"]}") + grant("{members: true}"), "spec.rules[0].resources[0]",
           "no backend"},
      Case{role("{effect: allow, actions: [chat.create], resources: [\"backend:*\"]}") + grant("{members: true}"), "spec.rules[0].resources",
           "allowed on their Route"},
      Case{role(budget) + grant("{members: true}"), "spec.rules[0].conditions.budgetLeft", "a deny always does"},
      Case{role(claim) + grant("{members: true}"), "spec.rules[0].conditions.claims.dept", "this allow never holds"},
      Case{role(kChat) + grant(spiffe), "spec.subjects[0].spiffe", "trust domain"},
  };
  for (const Case& one : cases) {
    const Compiled c = compile_text(kBase + kIssuer + one.text);
    EXPECT_NE(c.snapshot, nullptr) << to_text(c.findings);
    EXPECT_TRUE(warns(c, one.path, one.says)) << one.path << " " << one.says << "\n" << to_text(c.findings);
  }
  const std::string only_other = doc("Gateway", "g", "{listeners: [{name: a}], auth: {issuers: [other], apiKeys: false}}") +
                                 kBase.substr(kBase.find("---\n") + 4) + kIssuer +
                                 doc("Issuer", "other", "{type: oidc, oidc: {issuer: \"https://id.example.com\"}, audiences: [a]}");
  const Compiled c = compile_text(only_other + role(kChat) + grant("{issuer: corp, appRole: A}, {key: 0123456789ab}"));
  EXPECT_TRUE(warns(c, "spec.subjects[0].issuer", "does not accept this Issuer")) << to_text(c.findings);
  EXPECT_TRUE(warns(c, "spec.subjects[1].key", "accepts no API keys")) << to_text(c.findings);
}

TEST(SnapshotIdentity, TheLaptopIssuerExistsUnderUpOnly) {
  const std::string laptop = doc("Issuer", "laptop",
                                 "{type: entra, entra: {authority: \"laptop://issuer\", tenantIds: [11111111-1111-4111-8111-111111111111]}, "
                                 "audiences: [\"api://wye\"]}");
  const Compiled gateway = compile_text(kBase + laptop, {.purpose = Purpose::kGateway});
  EXPECT_EQ(gateway.snapshot, nullptr);
  EXPECT_EQ(gateway.findings.at(0).path, "spec.entra.authority");
  EXPECT_NE(compile_text(kBase + laptop, {.purpose = Purpose::kCheck}).snapshot, nullptr);
}

TEST(SnapshotIdentity, ZonesOfTimeWindowsExist) {
  const auto window = [](std::string_view zone) {
    return role("{effect: allow, actions: [chat.create], resources: [\"route:chat\"], conditions: {timeWindow: {days: [mon], timeZone: " +
                std::string(zone) + "}}}") +
           grant("{members: true}");
  };
  EXPECT_NE(compile_text(kBase + window("UTC")).snapshot, nullptr);
  const Compiled bad = compile_text(kBase + window("Europe/Atlantis"));
  EXPECT_EQ(bad.snapshot, nullptr);
  EXPECT_EQ(bad.findings.at(0).path, "spec.rules[0].conditions.timeWindow.timeZone");
}

}  // namespace
}  // namespace wye::config
