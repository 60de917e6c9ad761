// IMDS, App Service and Arc: the documented request, the documented retries, nothing else.
#include "identity/workload/managed_identity.hpp"

#include "identity/workload/workload_test_rig.hpp"

namespace wye::workload {
namespace {

using Source = ManagedIdentitySpec::Source;
const std::string kToken1 = "authorization: Bearer canary-token-1\r\n";

TEST(ManagedIdentity, ImdsIsAskedExactly) {
  struct Row {
    std::string client_id, object_id, resource_id;
    std::string_view query;
  };
  for (const Row& row : {Row{"", "", "", ""}, Row{"c-1", "", "", "&client_id=c-1"}, Row{"", "o-1", "", "&object_id=o-1"},
                         Row{"", "", "/subscriptions/s/id", "&msi_res_id=%2Fsubscriptions%2Fs%2Fid"}}) {
    WorkloadRig rig;
    config::Credential spec = managed_identity();
    spec.managed_identity->client_id = row.client_id;
    spec.managed_identity->object_id = row.object_id;
    spec.managed_identity->resource_id = row.resource_id;
    EXPECT_EQ(rig.line(rig.hold(rig.take(spec))), kToken1);
    ASSERT_EQ(rig.cloud.seen.size(), 1u);
    EXPECT_EQ(
        rig.cloud.seen[0].line,
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com" + std::string(row.query));
  }
}

TEST(ManagedIdentity, EveryFormOfNumbersIsTaken) {
  for (const auto numbers :
       {TestCloud::Numbers::kString, TestCloud::Numbers::kNumber, TestCloud::Numbers::kExpiresOnString, TestCloud::Numbers::kExpiresOnNumber}) {
    WorkloadRig rig;
    rig.cloud.numbers = numbers;
    EXPECT_EQ(rig.line(rig.hold(rig.take(managed_identity()))), kToken1);
    EXPECT_NEAR(static_cast<double>(rig.state().expires_at.seconds() - rig.loop.clock().wall().seconds()), 3600, 2);
  }
}

std::vector<int64_t> tries(int status, Nanos time, std::optional<int> then_good_after = std::nullopt) {
  WorkloadRig rig;
  for (int i = 0; i < then_good_after.value_or(40); ++i) rig.cloud.fails.push_back({status});
  const MonoTime begun = rig.loop.now();
  const auto slot = rig.hold(rig.take(managed_identity()));
  rig.run_for(time);
  std::vector<int64_t> at;
  for (const Seen& seen : rig.cloud.seen) at.push_back(std::chrono::duration_cast<std::chrono::seconds>(seen.at - begun + 10ms).count());
  if (then_good_after) EXPECT_EQ(rig.line(slot), kToken1);
  return at;
}

TEST(ManagedIdentity, ImdsIsTriedAgainAsDocumented) {
  using Times = std::vector<int64_t>;
  for (const int status : {404, 429, 500, 503}) EXPECT_EQ(tries(status, 30500ms), (Times{0, 2, 6, 14, 30})) << status;
  EXPECT_EQ(tries(410, 70500ms), (Times{0, 2, 6, 14, 30, 50, 70}));
  for (const int status : {400, 401, 403, 405, 302}) EXPECT_EQ(tries(status, 5min), (Times{0})) << status;
  EXPECT_EQ(tries(404, 3s, 1), (Times{0, 2}));
  EXPECT_EQ(tries(410, 55s, 5), (Times{0, 2, 6, 14, 30, 50}));
}

TEST(ManagedIdentity, WhoWaitsIsToldAtTheEndOfTheRound) {
  WorkloadRig rig;
  for (int i = 0; i < 3; ++i) rig.cloud.fails.push_back({503});
  const auto slot = rig.hold(rig.take(managed_identity()));
  EXPECT_EQ(rig.line(slot, kOrigin, 20s), kToken1);
  EXPECT_EQ(rig.cloud.seen.size(), 4u);
}

TEST(ManagedIdentity, AppServiceIsAskedWithItsHeaderReadEachTime) {
  WorkloadRig rig;
  rig.set("IDENTITY_ENDPOINT", "http://169.254.129.2:8081/msi/token");
  rig.set("IDENTITY_HEADER", "canary-identity-header");
  config::Credential spec = managed_identity(config::ManagedIdentitySource::kAuto);
  spec.managed_identity->client_id = "c-1";
  const auto slot = rig.hold(rig.take(spec));
  EXPECT_EQ(rig.line(slot), kToken1);
  ASSERT_EQ(rig.cloud.seen.size(), 1u);
  EXPECT_EQ(rig.cloud.seen[0].service, "app-service");
  EXPECT_EQ(rig.cloud.seen[0].line, "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=c-1");
  rig.set("IDENTITY_HEADER", "canary-identity-header-2");
  rig.cloud.identity_header = "canary-identity-header-2";
  rig.run_for(40min);
  ASSERT_EQ(rig.cloud.seen.size(), 2u);
  EXPECT_EQ(rig.cloud.seen[1].secret, "canary-identity-header-2");
}

TEST(ManagedIdentity, AutoChoosesByTheEnvironment) {
  std::map<std::string, std::string, std::less<>> set;
  const Environment environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = set.find(name);
    return found == set.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_EQ(choose_source(Source::kAuto, environment), Source::kImds);
  set = {{"IDENTITY_ENDPOINT", "http://x"}};
  EXPECT_EQ(choose_source(Source::kAuto, environment), Source::kImds);
  set["IMDS_ENDPOINT"] = "http://y";
  EXPECT_EQ(choose_source(Source::kAuto, environment), Source::kArc);
  set["IDENTITY_HEADER"] = "h";
  EXPECT_EQ(choose_source(Source::kAuto, environment), Source::kAppService);
  EXPECT_EQ(choose_source(Source::kImds, environment), Source::kImds);
}

TEST(ManagedIdentity, TheEndpointOfThePlatformIsLocal) {
  for (const std::string_view bad :
       {"https://169.254.129.2:8081/msi/token", "http://10.0.0.1/msi/token", "http://attacker.example/msi/token", "nonsense"}) {
    WorkloadRig rig;
    rig.set("IDENTITY_ENDPOINT", std::string(bad));
    rig.set("IDENTITY_HEADER", "canary-identity-header");
    EXPECT_TRUE(rig.line(rig.hold(rig.take(managed_identity(config::ManagedIdentitySource::kAuto)))).contains("token.endpoint")) << bad;
    EXPECT_EQ(rig.cloud.seen.size(), 0u);
  }
}

TEST(ManagedIdentity, ArcWantsProofFromAFile) {
  WorkloadRig rig;
  rig.set("IDENTITY_ENDPOINT", "http://127.0.0.1:40342/metadata/identity/oauth2/token");
  rig.set("IMDS_ENDPOINT", "http://127.0.0.1:40342");
  rig.folder.write("proof.key", "canary-arc-key");
  rig.cloud.arc_folder = rig.folder.path().string();
  ManagedIdentitySpec spec;
  spec.audience = kAudience;
  spec.arc_folder = rig.folder.path().string();
  const Environment environment = [&](std::string_view name) { return std::optional(rig.environment[std::string(name)]); };
  const auto source = make_managed_identity(spec, environment);
  std::optional<FetchResult> result;
  const FetchContext context{rig.loop, rig.resolver, rig.loop.clock(), environment};
  const auto run = [&](std::optional<FetchResult>& out) {
    struct Once {
      static net::Task<void> fetch(TokenSource& from, FetchContext in, std::optional<FetchResult>& to) {
        to = co_await from.fetch(in, {in.loop.after(5s)});
      }
    };
    rig.tasks.spawn(Once::fetch(*source, context, out));
    rig.run_for(1s);
  };
  run(result);
  ASSERT_TRUE(result && *result) << result->error().reason;
  EXPECT_EQ((*result)->value.reveal(), "canary-token-1");
  ASSERT_EQ(rig.cloud.seen.size(), 2u);
  EXPECT_EQ(rig.cloud.seen[0].secret, "");
  EXPECT_EQ(rig.cloud.seen[1].secret, "Basic canary-arc-key");
  // A challenge that leads elsewhere is an attack: the file is not read, nothing more is sent.
  rig.cloud.arc_folder = "/etc";
  result.reset();
  run(result);
  ASSERT_TRUE(result && !*result);
  EXPECT_EQ(result->error().kind, Fault::Kind::kPermanent);
  EXPECT_EQ(rig.cloud.seen.size(), 3u);
}

TEST(ManagedIdentity, ArcNamesAFileOfItsOwn) {
  const std::string folder = "/var/opt/azcmagent/tokens";
  EXPECT_EQ(*arc_key_path("Basic realm=" + folder + "/a-1.key", folder), folder + "/a-1.key");
  EXPECT_EQ(*arc_key_path("Basic realm=\"" + folder + "/a.key\"", folder), folder + "/a.key");
  for (const std::string& bad : {std::string(), std::string("Bearer realm=x"), "Basic realm=" + folder, "Basic realm=" + folder + "/",
                                 "Basic realm=" + folder + "/.key", "Basic realm=" + folder + "/a.txt", "Basic realm=" + folder + "/../a.key",
                                 "Basic realm=" + folder + "/x/a.key", "Basic realm=" + folder + "2/a.key", std::string("Basic realm=/etc/shadow"),
                                 std::string("Basic realm=/etc/a.key"), "Basic realm=" + folder + "/a b.key"})
    EXPECT_FALSE(arc_key_path(bad, folder)) << bad;
}

TEST(ManagedIdentity, ArcHasTheIdentityOfTheMachineOnly) {
  WorkloadRig rig;
  config::Credential spec = managed_identity(config::ManagedIdentitySource::kArc);
  spec.managed_identity->client_id = "c-1";
  EXPECT_NE(rig.refusal_of(spec).find("identity of the machine only"), std::string::npos);
}

}  // namespace
}  // namespace wye::workload
