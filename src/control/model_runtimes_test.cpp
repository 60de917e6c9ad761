#include "control/model_runtimes.hpp"

namespace wye::control {
namespace {

using config::Capability;
using provider::Health;
using runtime::RuntimeStatus;
using runtime::State;

constexpr std::string_view kBase = R"(apiVersion: wye.dev/v1alpha1
kind: Gateway
metadata: {name: local}
spec:
  listeners: [{name: public}]
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: local}
spec: {dataClassMax: restricted}
---
apiVersion: wye.dev/v1alpha1
kind: Credential
metadata: {name: azure}
spec:
  type: apiKey
  origins: ["simulator://azure"]
  apiKey: {key: {file: ../secrets/simulator.key}}
---
apiVersion: wye.dev/v1alpha1
kind: Backend
metadata: {name: azure}
spec:
  provider: azureOpenAI
  endpoint: "simulator://azure"
  deployment: gpt-4o-mini
  auth: {credential: azure}
  location: {sku: Standard, region: swedencentral}
  serves: {capabilities: [chat, completions, responses]}
---
apiVersion: wye.dev/v1alpha1
kind: Model
metadata: {name: small}
spec:
  current: v2
  versions:
    - {name: v1, source: {file: one.gguf}, digest: "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
    - {name: v2, source: {file: two.gguf}, digest: "sha256:2222222222222222222222222222222222222222222222222222222222222222"}
  runtime: {type: llamaServer, slots: 3, slotContextTokens: 777, threads: 2}
  serves: {capabilities: [chat, completions]}
  placement: {memory: 2GiB}
  probe: {prompt: Say red., maxTokens: 8, minTokensPerSecond: 3}
---
apiVersion: wye.dev/v1alpha1
kind: Model
metadata: {name: embedder}
spec:
  versions: [{name: only, source: {file: e.gguf}}]
  runtime: {type: llamaServer}
  serves: {capabilities: [embeddings]}
---
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {name: both}
spec:
  dataClass: public
  operations: [chat]
  candidates: [{model: small}, {backend: azure}]
---
apiVersion: wye.dev/v1alpha1
kind: Route
metadata: {name: embed}
spec:
  dataClass: public
  candidates: [{model: embedder}]
)";

config::SnapshotPtr snapshot_of(std::string text) {
  const std::vector<config::NamedText> texts = {{"/conf/all.yaml", std::move(text)}};
  config::Compiled compiled = config::compile(config::load_texts(texts), {.purpose = config::Purpose::kUp});
  EXPECT_NE(compiled.snapshot, nullptr) << config::to_text(compiled.findings);
  return compiled.snapshot;
}

RuntimeStatus status_of(uint64_t instance, State state, std::string reason = {}, uint64_t restarts = 0) {
  RuntimeStatus out;
  out.model = "small";
  out.instance = instance;
  out.state = state;
  out.reason = std::move(reason);
  out.restarts = restarts;
  out.port = state == State::kReady ? static_cast<uint16_t>(4000 + instance) : 0;
  return out;
}

TEST(RuntimeSpecs, HoldTheCurrentVersionWithAllThatARuntimeNeeds) {
  const config::SnapshotPtr snapshot = snapshot_of(std::string(kBase));
  const auto specs = runtime_specs(*snapshot);
  ASSERT_EQ(specs.size(), 2U);
  const runtime::RuntimeSpec& small = specs[1];
  EXPECT_EQ(small.model, "small");
  EXPECT_EQ(small.version, "v2");
  EXPECT_EQ(small.file, "/conf/two.gguf");
  EXPECT_EQ(small.digest, "sha256:" + std::string(64, '2'));
  EXPECT_EQ(small.slots, 3U);
  EXPECT_EQ(small.slot_context_tokens, 777U);
  EXPECT_EQ(small.threads, 2U);
  EXPECT_EQ(small.capabilities, (std::vector<std::string>{"chat", "completions"}));
  EXPECT_EQ(small.memory, std::optional(2_GiB));
  EXPECT_EQ(small.probe.prompt, "Say red.");
  EXPECT_EQ(small.probe.max_tokens, 8U);
  EXPECT_EQ(small.probe.min_tokens_per_second, 3.0);
  EXPECT_EQ(specs[0].version, "only");  // without `current`
  EXPECT_EQ(specs[0].digest, "");       // the runtime refuses it and names the digest
  EXPECT_EQ(specs[0].memory, std::nullopt);
}

TEST(LiveEndpoint, OfAReadyProcessHasItsAddressAndAbilities) {
  RuntimeStatus ready = status_of(2, State::kReady);
  ready.capabilities = {"chat", "tools", "unheard-of"};
  ready.context_tokens = 512;
  ready.slots = 4;
  ready.key = std::make_shared<Secret>("key");
  const std::vector<RuntimeStatus> all = {ready};
  const provider::LiveEndpoint live = live_endpoint(all);
  EXPECT_EQ(live.health, Health::kLive);
  EXPECT_EQ(live.host, "127.0.0.1");
  EXPECT_EQ(live.port, 4002);
  EXPECT_FALSE(live.tls);
  EXPECT_EQ(live.context_tokens, 512U);
  EXPECT_EQ(live.slots, 4U);
  EXPECT_EQ(live.key, ready.key);
  EXPECT_EQ(live.capabilities, (config::EnumSet<Capability>{Capability::kChat, Capability::kTools}));
}

TEST(LiveEndpoint, OfARestartedProcessIsAnotherInstance) {
  const std::vector<RuntimeStatus> first = {status_of(1, State::kReady)};
  const std::vector<RuntimeStatus> again = {status_of(1, State::kReady, {}, 1)};
  const std::vector<RuntimeStatus> other = {status_of(2, State::kReady)};
  EXPECT_NE(live_endpoint(first).instance, live_endpoint(again).instance);
  EXPECT_NE(live_endpoint(again).instance, live_endpoint(other).instance);
  EXPECT_EQ(live_endpoint(first).instance, live_endpoint(first).instance);
}

TEST(LiveEndpoint, TheOldVersionServesUntilTheNewOneIsReady) {
  std::vector<RuntimeStatus> all = {status_of(1, State::kReady), status_of(2, State::kLoading)};
  EXPECT_EQ(live_endpoint(all).port, 4001);
  all[1] = status_of(2, State::kFailed, "bad file");
  EXPECT_EQ(live_endpoint(all).port, 4001);
  all[1] = status_of(2, State::kReady);
  EXPECT_EQ(live_endpoint(all).port, 4002);
  all[0] = status_of(1, State::kDraining);
  EXPECT_EQ(live_endpoint(all).port, 4002);
}

TEST(LiveEndpoint, HealthOfEveryState) {
  struct Row {
    State state;
    uint64_t restarts;
    std::string reason;
    Health health;
  };
  const std::vector<Row> rows = {
      {State::kAbsent, 0, "", Health::kStarting},
      {State::kFetching, 0, "", Health::kStarting},
      {State::kVerifying, 0, "", Health::kStarting},
      {State::kStarting, 0, "", Health::kStarting},
      {State::kLoading, 0, "", Health::kStarting},
      {State::kProbing, 0, "", Health::kStarting},
      {State::kReady, 0, "", Health::kLive},
      {State::kDraining, 0, "", Health::kDraining},
      {State::kStopped, 0, "", Health::kDraining},
      {State::kBackoff, 0, "no file", Health::kBroken},
      {State::kCrashLoop, 3, "", Health::kBroken},
      {State::kFailed, 3, "no file", Health::kBroken},
      // Between retries it stays broken: readiness must not flap.
      {State::kVerifying, 1, "no file", Health::kBroken},
      {State::kLoading, 1, "no file", Health::kBroken},
      {State::kDraining, 1, "told to stop", Health::kDraining},
  };
  for (const Row& row : rows) {
    const std::vector<RuntimeStatus> all = {status_of(1, row.state, row.reason, row.restarts)};
    const provider::LiveEndpoint live = live_endpoint(all);
    EXPECT_EQ(live.health, row.health) << runtime::to_string(row.state) << " " << row.restarts;
    if (row.health == Health::kLive) EXPECT_EQ(live.reason, "");
    else if (row.health == Health::kBroken && !row.reason.empty()) EXPECT_EQ(live.reason, row.reason);
    else EXPECT_EQ(live.reason, runtime::to_string(row.state));
    if (row.health != Health::kLive) EXPECT_EQ(live.host, "") << "nothing may be sent to it";
  }
  EXPECT_EQ(live_endpoint({}).health, Health::kStarting);
}

TEST(Hopeless, IsWhatFailedTooOftenAndServesNoOtherVersion) {
  std::vector<RuntimeStatus> all = {status_of(1, State::kBackoff, "x", 1)};
  EXPECT_FALSE(is_hopeless(all));
  all[0].state = State::kCrashLoop;
  EXPECT_TRUE(is_hopeless(all));
  all.push_back(status_of(2, State::kFailed, "x"));
  EXPECT_TRUE(is_hopeless(all));
  all.push_back(status_of(3, State::kReady));
  EXPECT_FALSE(is_hopeless(all));
  EXPECT_FALSE(is_hopeless({}));
}

TEST(SimulatedBackends, GetAModelThatCanDoWhatTheyServe) {
  const config::SnapshotPtr snapshot = snapshot_of(std::string(kBase));
  const auto found = simulated_backends(*snapshot, "embedder");  // preferred, but it can not chat
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].backend, "azure");
  EXPECT_EQ(found[0].deployment, "gpt-4o-mini");
  EXPECT_EQ(found[0].model, "small");
  EXPECT_EQ(found[0].credential, 0);
}

TEST(SimulatedBackends, PreferTheNamedModelAndLiveWithoutAny) {
  std::string text(kBase);
  std::string wanted = "[chat, completions, responses]";
  text.replace(text.find(wanted), wanted.size(), "[embeddings]");
  wanted = "[{model: small}, {backend: azure}]";
  text.replace(text.find(wanted), wanted.size(), "[{model: small}]");
  EXPECT_EQ(simulated_backends(*snapshot_of(text), "embedder")[0].model, "embedder");
  wanted = "serves: {capabilities: [embeddings]}";
  text.replace(text.find(wanted), wanted.size(), "serves: {capabilities: [moderations]}");
  EXPECT_EQ(simulated_backends(*snapshot_of(text), "embedder")[0].model, "");
}

TEST(BehindSimulator, LivesWhereTheSimulatorIsAsLongAsTheModelLives) {
  const provider::LiveEndpoint up{.health = Health::kLive, .host = "127.0.0.1", .port = 5000};
  const provider::LiveEndpoint model{.health = Health::kLive, .host = "127.0.0.1", .port = 6000};
  const provider::LiveEndpoint both = behind_simulator(up, "small", model);
  EXPECT_EQ(both.health, Health::kLive);
  EXPECT_EQ(both.port, 5000);
  EXPECT_EQ(behind_simulator(up, "small", {}).health, Health::kStarting);
  const auto broken = behind_simulator(up, "small", {.health = Health::kBroken, .reason = "no file"});
  EXPECT_EQ(broken.health, Health::kBroken);
  EXPECT_EQ(broken.reason, "waits for model/small: no file");
  EXPECT_EQ(behind_simulator(up, "", {}).health, Health::kBroken);
  EXPECT_EQ(behind_simulator({.health = Health::kBroken, .reason = "ended"}, "small", model).reason, "ended");
}

TEST(RouteReadiness, OneLiveCandidateIsEnoughAndOnlyAllBrokenIsBroken) {
  const config::SnapshotPtr snapshot = snapshot_of(std::string(kBase));
  std::map<std::string, provider::LiveEndpoint> live;
  const auto both = [&] { return route_readiness(*snapshot, live)[0]; };
  EXPECT_EQ(both().name, "both");
  EXPECT_EQ(both().health, Health::kStarting);
  live["model/small"] = {.health = Health::kBroken, .reason = "no file"};
  EXPECT_EQ(both().health, Health::kStarting);  // the other candidate may come
  live["backend/azure"] = {.health = Health::kBroken, .reason = "ended"};
  EXPECT_EQ(both().health, Health::kBroken);
  EXPECT_EQ(both().reason, "model/small: no file");
  live["backend/azure"] = {.health = Health::kLive};
  EXPECT_EQ(both().health, Health::kLive);
  EXPECT_EQ(both().reason, "");
  EXPECT_EQ(route_readiness(*snapshot, live)[1].health, Health::kStarting);
}

}  // namespace
}  // namespace wye::control
