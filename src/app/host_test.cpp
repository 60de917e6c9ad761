// A whole Host on free ports, seen from outside through its listeners; no model runs.
#include "app/host.hpp"

#include "app/first_start.hpp"
#include "app/local_admin.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/os/file.hpp"
#include "identity/token/issuer_rules.hpp"

namespace wye::app {
namespace {

using provider::Health;

class HostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(data_.make());
    ASSERT_TRUE(make_simulator_key(data_));
    const Artefacts artefacts{folder_ / "artefacts"};
    std::filesystem::create_directories(artefacts.models());
    for (const char* name : {"smollm2-135m-instruct-q4_1.gguf", "all-minilm-l6-v2-f16.gguf"})
      ASSERT_TRUE(os::write_file_atomic(artefacts.models() / name, "x"));
    ASSERT_TRUE(write_default_config(data_, artefacts));
    auto signals = os::StopSignals::block();
    ASSERT_TRUE(signals);
    signals_.emplace(std::move(*signals));
    HostOptions options;
    options.data = data_;
    options.source.paths = {data_.config()};
    options.source.compile = {.purpose = config::Purpose::kUp, .gateway = {}, .port = uint16_t{0}, .admin_port = uint16_t{0}};
    options.source.compile.laptop = std::make_shared<token::LaptopIssuer>(token::LaptopIssuer{"https://127.0.0.1:8082", data_.ca_file()});
    options.logs_in_folder = true;
    options.exclusive = true;
    options.refused = [](const config::Diagnostics& findings) { ADD_FAILURE() << config::to_text(findings); };
    auto made = Host::make(std::move(options), outside_);
    ASSERT_TRUE(made) << made.error().public_message << made.error().detail;
    host_ = std::move(*made);
    ASSERT_TRUE(host_->start());
    turn();
  }
  bool turn() { return host_->turn(*signals_, std::chrono::milliseconds(1)); }
  LoopbackAnswer get(const net::Endpoint& at, std::string_view path, std::string_view bearer = {}) {
    LoopbackCall call;
    call.target.host = net::address_text(at);
    call.target.port = at.port;
    call.path = path;
    call.bearer = bearer;
    const auto answer = loopback_call(clock_, call);
    EXPECT_TRUE(answer) << path;
    return answer.value_or(LoopbackAnswer{});
  }

  TestFolder folder_;
  DataFolder data_{folder_ / "data"};
  SystemClock clock_;
  Outside outside_{clock_, [](const char*) { return std::string(); }, [](const std::string&) { return std::nullopt; }};
  std::optional<os::StopSignals> signals_;
  std::unique_ptr<Host> host_;
};

TEST_F(HostTest, IsReadyOnceEveryLiveTargetIsKnown) {
  EXPECT_EQ(get(host_->admin_address(), "/livez").status, 200);
  EXPECT_EQ(get(host_->admin_address(), "/readyz").status, 503);
  for (const char* label : {"model/smollm2-135m", "model/minilm-l6-v2"})
    host_->set_live(label, {.health = Health::kLive, .host = "127.0.0.1", .port = 1});
  EXPECT_EQ(get(host_->admin_address(), "/readyz").body, "starting");
  host_->set_live("backend/azure", {.health = Health::kBroken, .reason = "it fell"});
  // The issuer that nobody runs here has to fail first: until then good tokens would be told to come back.
  for (int i = 0; i < 5'000 && get(host_->admin_address(), "/readyz").status != 200; ++i) turn();
  EXPECT_EQ(get(host_->admin_address(), "/readyz").status, 200);
  const std::string metrics = get(host_->admin_address(), "/metrics").body;
  for (const char* line :
       {R"(wye_target_state{target="model/smollm2-135m",state="ready"} 1)", R"(wye_target_state{target="backend/azure",state="broken"} 1)",
        R"(wye_target_state{target="backend/azure",state="starting"} 0)", "wye_config_info{digest=\"sha256:"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line << "\n" << metrics;
}

TEST_F(HostTest, TheLocalSocketTellsItsStatusAndTakesTheStop) {
  host_->set_live("backend/azure", {.health = Health::kBroken, .reason = "it fell"});
  const auto status = call_admin(data_, clock_, "GET", "status");
  ASSERT_TRUE(status);
  EXPECT_NE(status->find(R"({"name":"backend/azure","path":"managed","state":"broken","reason":"it fell"})"), std::string::npos) << *status;
  EXPECT_EQ(call_admin(data_, clock_, "GET", "nothing").error().code, ErrorCode::kUpstreamFailed);
  EXPECT_FALSE(turn());
  ASSERT_TRUE(call_admin(data_, clock_, "POST", "stop"));
  EXPECT_TRUE(turn());
  EXPECT_NE(get(host_->admin_address(), "/admin/v1/status").status, 200) << "on the local socket only";
  host_->drain();
  EXPECT_EQ(call_admin(data_, clock_, "GET", "status").error().code, ErrorCode::kNotFound);
}

TEST_F(HostTest, TheFirstKeyOpensItAndARefusedReloadGoesOnServing) {
  const auto key = load_or_make_laptop_key(*host_, data_, clock_.wall());
  ASSERT_TRUE(key && *key);
  turn();
  EXPECT_EQ(get(host_->address(), "/v1/models").status, 401);
  const auto opens = [&] { return get(host_->address(), "/v1/models", (*key)->text.reveal()).status == 200; };
  bool opened = false;
  for (int i = 0; i < 100 && !opened; ++i) {  // a key made beside a running instance is taken over within two seconds
    turn();
    opened = opens();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(opened);
  ASSERT_TRUE(os::write_file_atomic(data_.config() / "bad.yaml", "kind: Foo\n"));
  std::string status;
  for (int i = 0; i < 200 && status.find("\"refused\":") == std::string::npos; ++i) {
    turn();
    status = *call_admin(data_, clock_, "GET", "status");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_NE(status.find("bad.yaml:1"), std::string::npos) << status;
  EXPECT_TRUE(opens());
}

}  // namespace
}  // namespace wye::app
