// The reconciler with a real Supervisor: no model here ever starts, which is the point of each case.
#include "control/local_models.hpp"

#include <condition_variable>

namespace wye::control {
namespace {

using provider::Health;

class LocalModelsTest : public ::testing::Test {
 protected:
  LocalModelsPorts ports() {
    return {{.clock = clock_,
             .random = random_,
             .log = log_,
             .http = [](const runtime::HttpCallRequest&) -> Result<runtime::HttpCallAnswer> {
               return Fail(internal_error(ErrorCode::kClosed, "nobody"));
             },
             .sha256_file = [](const std::filesystem::path&, const std::stop_token&) -> Result<std::string> { return std::string(64, '0'); },
             .make_key = [] { return Secret(std::string("a key")); },
             .changed = {},
             .in_flight = {}},
            metrics_,
            [this](const std::string& label, const provider::LiveEndpoint& endpoint) {
              const std::lock_guard lock(mutex_);
              told_[label] = endpoint;
              came_.notify_all();
            }};
  }
  runtime::SupervisorOptions options() const {
    runtime::SupervisorOptions out;
    out.llama_server = "/nonexistent/llama-server";
    out.logs = std::filesystem::temp_directory_path();
    out.limits.backoff_first = std::chrono::milliseconds(1);
    out.limits.backoff_max = std::chrono::milliseconds(5);
    return out;
  }
  bool wait(const std::string& label, Health health, std::string_view reason) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(20),
                          [&] { return told_[label].health == health && told_[label].reason.find(reason) != std::string::npos; });
  }
  static config::SnapshotPtr snapshot_with(const std::string& models) {
    const std::vector<config::NamedText> texts = {{"/conf/all.yaml",
                                                   "apiVersion: wye.dev/v1alpha1\nkind: Gateway\nmetadata: {name: g}\n"
                                                   "spec: {listeners: [{name: public}]}\n" +
                                                       models}};
    config::Compiled compiled = config::compile(config::load_texts(texts), {.purpose = config::Purpose::kUp});
    EXPECT_NE(compiled.snapshot, nullptr) << config::to_text(compiled.findings);
    return compiled.snapshot;
  }
  static std::string model(const std::string& name) {
    return "---\napiVersion: wye.dev/v1alpha1\nkind: Model\nmetadata: {name: " + name +
           "}\nspec:\n  versions: [{name: v1, source: {file: gone.gguf}}]\n  runtime: {type: llamaServer}\n";
  }

  SystemClock clock_;
  SeededRandom random_{1};
  MemoryLogSink sink_;
  Log log_{sink_, clock_};
  Metrics metrics_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<std::string, provider::LiveEndpoint> told_;
};

TEST_F(LocalModelsTest, AMissingFileMakesTheModelBrokenThenHopelessAndIsCounted) {
  LocalModels models(options(), ports());
  models.apply(*snapshot_with(model("lost")));
  ASSERT_TRUE(wait("model/lost", Health::kBroken, "gone.gguf"));
  for (int i = 0; i < 2000 && models.hopeless().empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_EQ(models.hopeless().size(), 1U);
  EXPECT_TRUE(models.hopeless()[0].starts_with("lost: "));
  const std::string text = metrics_.expose();
  EXPECT_NE(text.find("wye_runtime_restarts_total{model=\"lost\"}"), std::string::npos) << text;
  EXPECT_EQ(text.find("wye_runtime_restarts_total{model=\"lost\"} 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("wye_runtime_state{model=\"lost\""), std::string::npos) << text;
}

TEST_F(LocalModelsTest, AModelThatIsNoLongerWantedIsToldGone) {
  LocalModels models(options(), ports());
  models.apply(*snapshot_with(model("lost") + model("other")));
  ASSERT_TRUE(wait("model/lost", Health::kBroken, ""));
  models.apply(*snapshot_with(model("other")));
  ASSERT_TRUE(wait("model/lost", Health::kDraining, "stopped"));
  for (const runtime::RuntimeStatus& status : models.status()) EXPECT_EQ(status.model, "other");
  models.stop(std::chrono::seconds(10));
  EXPECT_TRUE(models.status().empty());
}

}  // namespace
}  // namespace wye::control
