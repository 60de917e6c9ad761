// Tokens over time: fetched ahead, once for all who wait, kept while the issuer fails, and never given to another origin.
#include "identity/workload/workload_test_rig.hpp"

namespace wye::workload {
namespace {

const std::string kToken1 = "authorization: Bearer canary-token-1\r\n";
const std::string kToken2 = "authorization: Bearer canary-token-2\r\n";

net::Task<void> wait_for(CredentialReader& reader, net::Loop& loop, CredentialReader::SlotPtr slot, size_t& good, size_t& bad) {
  const Result<void> ready = co_await reader.ready(slot, {loop.after(30s), nullptr});
  ++(ready ? good : bad);
}

TEST(Credentials, federated_file_reread) {
  WorkloadRig rig;
  rig.set_aks();
  const auto set = rig.take(workload_identity());
  const auto slot = rig.hold(set);
  EXPECT_EQ(rig.line(slot), kToken1);
  EXPECT_EQ(rig.cloud.seen.at(0).form.at("client_assertion"), "canary-assertion-1");
  EXPECT_EQ(rig.cloud.seen.at(0).form.at("scope"), "https://cognitiveservices.azure.com/.default");
  rig.folder.write("azure-identity-token", "canary-assertion-2\n");
  rig.run_for(40min);
  ASSERT_EQ(rig.cloud.seen.size(), 2u);
  EXPECT_EQ(rig.cloud.seen.at(1).form.at("client_assertion"), "canary-assertion-2");
  EXPECT_EQ(rig.line(slot), kToken2);
}

TEST(Credentials, AThousandWhoWaitCauseOneFetch) {
  WorkloadRig rig;
  rig.set_aks();
  rig.cloud.latency = 2s;
  const auto slot = rig.hold(rig.take(workload_identity()));
  size_t good = 0;
  size_t bad = 0;
  for (int i = 0; i < 1000; ++i) rig.tasks.spawn(wait_for(*rig.reader, rig.loop, slot, good, bad));
  rig.run_for(1s);
  EXPECT_EQ(good, 0u);
  rig.run_for(2s);
  EXPECT_EQ(good, 1000u);
  EXPECT_EQ(bad, 0u);
  EXPECT_EQ(rig.cloud.seen.size(), 1u);
}

TEST(Credentials, ADeadIssuerIsAskedOnceForAThousand) {
  WorkloadRig rig;
  rig.set_aks();
  rig.cloud.down = true;
  rig.cloud.latency = 500ms;
  const auto slot = rig.hold(rig.take(workload_identity()));
  size_t good = 0;
  size_t bad = 0;
  for (int i = 0; i < 1000; ++i) rig.tasks.spawn(wait_for(*rig.reader, rig.loop, slot, good, bad));
  rig.run_for(900ms);
  EXPECT_EQ(bad, 1000u);
  EXPECT_EQ(rig.cloud.seen.size(), 1u);
  // While it is known to fail, nobody waits and nobody asks.
  for (int i = 0; i < 1000; ++i) rig.tasks.spawn(wait_for(*rig.reader, rig.loop, slot, good, bad));
  EXPECT_EQ(bad, 2000u);
  rig.run_for(10min);
  EXPECT_LE(rig.cloud.seen.size(), 18u);
  EXPECT_GE(rig.cloud.seen.size(), 10u);
  EXPECT_EQ(rig.state().state, CredentialState::State::kFailing);
  EXPECT_EQ(rig.state().reason, "token.status 503");
  rig.cloud.down = false;
  rig.run_for(62s);
  EXPECT_EQ(rig.line(slot), kToken1);
  EXPECT_EQ(rig.told, (std::vector<std::string>{"token.status 503", "well"}));
}

TEST(Credentials, AnOutageOfTheIssuerKeepsTheOldToken) {
  WorkloadRig rig;
  rig.set_aks();
  const auto slot = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(slot), kToken1);
  rig.cloud.down = true;
  rig.run_for(59min);
  EXPECT_GT(rig.cloud.seen.size(), 5u);
  EXPECT_EQ(rig.line(slot), kToken1);
  EXPECT_EQ(rig.state().state, CredentialState::State::kStale);
  rig.run_for(2min);
  EXPECT_TRUE(rig.line(slot, kOrigin, 100ms).starts_with("credential.unavailable: token.status 503")) << rig.line(slot);
  rig.cloud.down = false;
  rig.run_for(62s);
  EXPECT_EQ(rig.line(slot), kToken2);
  EXPECT_EQ(rig.state().state, CredentialState::State::kLive);
}

TEST(Credentials, NoOtherOriginGetsIt) {
  WorkloadRig rig;
  rig.set_aks();
  const auto before = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(before), kToken1);
  for (const std::string_view other :
       {kOther, std::string_view("https://contoso.openai.azure.com:8443"), std::string_view("http://contoso.openai.azure.com"),
        std::string_view("https://contoso.openai.azure.com.attacker.example"), std::string_view("https://contoso.openai.azure.co"),
        std::string_view("https://CONTOSO.openai.azure.com"), std::string_view("")})
    EXPECT_EQ(rig.line(before, other), "credential.origin") << other;
  // A configuration that lists another origin gets a token of its own: the old one is not for it, the new one not for the old.
  const auto after = rig.hold(rig.take(workload_identity(), {std::string(kOther)}));
  EXPECT_EQ(rig.line(before, kOther), "credential.origin");
  EXPECT_EQ(rig.line(after, kOther), kToken2);
  EXPECT_EQ(rig.line(after, kOrigin), "credential.origin");
}

TEST(Credentials, WhatDidNotChangeKeepsItsToken) {
  WorkloadRig rig;
  rig.set_aks();
  const auto first = rig.take(workload_identity());
  EXPECT_EQ(rig.line(rig.hold(first)), kToken1);
  const auto second = rig.take(workload_identity());
  EXPECT_EQ(first->find(0, kAudience), second->find(0, kAudience));
  rig.run_for(1min);
  EXPECT_EQ(rig.cloud.seen.size(), 1u);
  config::Credential other = workload_identity();
  other.workload_identity.emplace().tenant_id = kTenant;
  const auto third = rig.take(other);
  EXPECT_NE(first->find(0, kAudience), third->find(0, kAudience));
}

TEST(Credentials, ARedirectIsAnErrorAndNobodyElseIsAsked) {
  for (const int status : {301, 302, 303, 307, 308}) {
    WorkloadRig rig;
    rig.set_aks();
    rig.cloud.fails.push_back({status, "", "https://contoso.vault.azure.net/steal"});
    const auto slot = rig.hold(rig.take(workload_identity()));
    EXPECT_EQ(rig.line(slot), "credential.unavailable: token.status " + std::to_string(status) + ": redirects are not followed");
    EXPECT_EQ(rig.cloud.seen.size(), 1u);
    EXPECT_EQ(rig.cloud.asked("vault"), 0u);
    EXPECT_EQ(rig.state().state, CredentialState::State::kRefused);
    rig.run_for(10min);
    EXPECT_EQ(rig.cloud.seen.size(), 1u);
  }
}

net::Task<void> reject(CredentialReader& reader, net::Loop& loop, CredentialReader::SlotPtr slot, uint64_t generation, std::optional<bool>& newer) {
  newer = co_await reader.rejected(slot, generation, {loop.after(5s), nullptr});
}

TEST(Credentials, AnUpstreamThatRefusesATokenGetsANewOneOnce) {
  WorkloadRig rig;
  rig.set_aks();
  const auto slot = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(slot), kToken1);
  std::array<std::optional<bool>, 50> newer;
  for (auto& one : newer) rig.tasks.spawn(reject(*rig.reader, rig.loop, slot, 1, one));
  rig.run_for(100ms);
  for (const auto& one : newer) EXPECT_EQ(one, true);
  EXPECT_EQ(rig.cloud.seen.size(), 2u);
  EXPECT_EQ(rig.line(slot), kToken2);
  // Those who come late with the old one have it at once; the new one refused too soon is the upstream's fault.
  std::optional<bool> late;
  rig.tasks.spawn(reject(*rig.reader, rig.loop, slot, 1, late));
  EXPECT_EQ(late, true);
  std::optional<bool> again;
  rig.tasks.spawn(reject(*rig.reader, rig.loop, slot, 2, again));
  rig.run_for(100ms);
  EXPECT_EQ(again, false);
  EXPECT_EQ(rig.cloud.seen.size(), 2u);
}

TEST(Credentials, AnUpstreamCannotTakeATokenFromOthers) {
  WorkloadRig rig;
  rig.set_aks();
  const auto slot = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(slot), kToken1);
  rig.cloud.down = true;
  std::optional<bool> newer;
  rig.tasks.spawn(reject(*rig.reader, rig.loop, slot, 1, newer));
  rig.run_for(100ms);
  EXPECT_EQ(newer, false);
  EXPECT_EQ(rig.line(slot), kToken1);
}

TEST(Credentials, TheSameTokenAgainIsNoNewOne) {
  WorkloadRig rig;
  rig.set_aks();
  rig.cloud.same_token = true;
  const auto slot = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(slot), kToken1);
  std::optional<bool> newer;
  rig.tasks.spawn(reject(*rig.reader, rig.loop, slot, 1, newer));
  rig.run_for(100ms);
  EXPECT_EQ(newer, false);
  EXPECT_EQ(rig.cloud.seen.size(), 2u);
}

TEST(Credentials, AWaitEndsWithTheRequest) {
  WorkloadRig rig;
  rig.set_aks();
  rig.cloud.fails.push_back({.hangs = true});
  const auto slot = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(slot, kOrigin, 2s), "credential.unavailable: no answer within the time of the request");
  rig.run_for(15s);
  EXPECT_EQ(rig.line(slot), kToken1);
}

TEST(Credentials, WhoDoesNotFindItsVariablesSaysWhich) {
  WorkloadRig rig;
  rig.set_aks();
  for (const std::string name : {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"}) {
    const std::string value = std::exchange(rig.environment[name], "");
    EXPECT_NE(rig.refusal_of(workload_identity()).find(name), std::string::npos) << name;
    rig.environment[name] = value;
  }
  rig.set("AZURE_AUTHORITY_HOST", "http://login.contoso.example");
  EXPECT_NE(rig.refusal_of(workload_identity()).find("asked by https"), std::string::npos);
}

TEST(Credentials, AFederationThatIsBrandNewIsAskedAgain) {
  WorkloadRig rig;
  rig.set_aks();
  rig.cloud.fails.push_back({400, R"({"error":"invalid_request","error_codes":[70021]})"});
  rig.cloud.fails.push_back({401, R"({"error":"invalid_client","error_codes":[700024]})"});
  const auto slot = rig.hold(rig.take(workload_identity()));
  EXPECT_EQ(rig.line(slot), "credential.unavailable: token.status 400 invalid_request AADSTS70021");
  rig.run_for(2s);
  EXPECT_EQ(rig.line(slot), kToken1);
  EXPECT_EQ(rig.cloud.seen.size(), 3u);
}

TEST(Credentials, AKeyFileThatChangesIsSeen) {
  WorkloadRig rig;
  config::Credential spec;
  spec.type = config::CredentialType::kApiKey;
  const std::string file = rig.folder.write("key", "canary-key-1\n");
  spec.api_key.emplace().key.file = {file, file};
  const auto set = rig.take(spec);
  const auto slot = rig.hold(set);
  // There from the start: nobody waits.
  EXPECT_TRUE(rig.reader->live(*slot));
  EXPECT_EQ(rig.line(slot), "api-key: canary-key-1\r\n");
  EXPECT_EQ(set->key(0)->reveal(), "canary-key-1");
  rig.folder.write("key", "canary-key-2\n");
  rig.run_for(6s);
  EXPECT_EQ(rig.line(slot), "api-key: canary-key-2\r\n");
  std::filesystem::remove(file);
  rig.run_for(5min);
  EXPECT_EQ(rig.line(slot), "api-key: canary-key-2\r\n");
  EXPECT_EQ(rig.state().state, CredentialState::State::kStale);
}

}  // namespace
}  // namespace wye::workload
