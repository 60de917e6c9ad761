// The simulators' keeper with shell scripts in the program's place.
#include "app/simulators.hpp"

#include <sys/stat.h>

#include <condition_variable>

#include "foundation/base/test_folder.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

using provider::Health;

class SimulatorsTest : public ::testing::Test {
 protected:
  void script(std::string_view body) { ASSERT_TRUE(os::write_file_atomic(folder_ / "program", "#!/bin/sh\n" + std::string(body) + "\n", 0700)); }
  std::unique_ptr<Simulators> make(Nanos start_max = std::chrono::seconds(10)) {
    return std::make_unique<Simulators>(SimulatorsOptions{.program = folder_ / "program",
                                                          .upstream_file = folder_ / "upstreams",
                                                          .start_max = start_max,
                                                          .backoff_first = std::chrono::milliseconds(10),
                                                          .backoff_max = std::chrono::milliseconds(50)},
                                        clock_, log_, [this](const std::string& backend, const provider::LiveEndpoint& endpoint) {
                                          const std::lock_guard lock(mutex_);
                                          told_[backend] = endpoint;
                                          came_.notify_all();
                                        });
  }
  bool wait(const std::string& backend, const std::function<bool(const provider::LiveEndpoint&)>& fits) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(20), [&] { return told_.contains(backend) && fits(told_[backend]); });
  }
  bool wait(const std::string& backend, Health health, std::string_view reason = {}) {
    return wait(backend, [&](const provider::LiveEndpoint& e) { return e.health == health && e.reason.find(reason) != std::string::npos; });
  }
  static SimulatorSpec spec(std::string model = "small") { return {"azure", "gpt", std::move(model), "/key"}; }
  static provider::LiveEndpoint live_model() { return {.health = Health::kLive, .host = "127.0.0.1", .port = 7001}; }

  TestFolder folder_;
  SystemClock clock_;
  MemoryLogSink sink_;
  Log log_{sink_, clock_};
  std::mutex mutex_;
  std::condition_variable came_;
  std::map<std::string, provider::LiveEndpoint> told_;
};

TEST_F(SimulatorsTest, LivesOnceItSaidWhereItListensAndItsModelLives) {
  script("echo \"$@\" > " + (folder_ / "arguments").string() + "\necho listening on 127.0.0.1:5123\nexec sleep 60");
  const auto simulators = make();
  simulators->apply({spec()});
  ASSERT_TRUE(wait("azure", Health::kStarting, "waits for model/small"));
  EXPECT_EQ(simulators->port(), std::optional<uint16_t>(5123));
  simulators->set_model("small", live_model());
  ASSERT_TRUE(wait("azure", Health::kLive));
  EXPECT_EQ(told_["azure"].port, 5123);
  EXPECT_EQ(*os::read_file(folder_ / "upstreams", 4_KiB), "small http://127.0.0.1:7001\n");
  const std::string arguments = *os::read_file(folder_ / "arguments", 4_KiB);
  EXPECT_NE(arguments.find("--deployment gpt=small --key-file /key"), std::string::npos) << arguments;
  simulators->set_model("small", {.health = Health::kBroken, .reason = "no file"});
  ASSERT_TRUE(wait("azure", Health::kBroken, "no file"));
  EXPECT_EQ(*os::read_file(folder_ / "upstreams", 4_KiB), "");
}

TEST_F(SimulatorsTest, IsStartedAgainAfterItsEndAsAnotherInstance) {
  script("echo listening on 127.0.0.1:5123\nif [ -e " + (folder_ / "second").string() + " ]; then exec sleep 60; fi\ntouch " +
         (folder_ / "second").string() + "\nsleep 0.2\nexit 3");
  const auto simulators = make();
  simulators->set_model("small", live_model());
  simulators->apply({spec()});
  ASSERT_TRUE(wait("azure", Health::kLive));
  ASSERT_TRUE(wait("azure", [](const provider::LiveEndpoint& e) { return e.health == Health::kLive && e.instance == 2; }));
}

TEST_F(SimulatorsTest, OneThatEndsOrSaysNothingIsBrokenWithItsWords) {
  script("echo no such luck >&2\nexit 4");
  const auto simulators = make();
  simulators->apply({spec()});
  EXPECT_TRUE(wait("azure", Health::kBroken, "exit code 4: no such luck"));
  script("exec sleep 60");
  const auto silent = make(std::chrono::milliseconds(200));
  silent->apply({spec()});
  EXPECT_TRUE(wait("azure", Health::kBroken, "did not say where it listens"));
}

TEST_F(SimulatorsTest, WithoutAModelTheBackendIsBrokenAndAMissingProgramIsNamed) {
  script("echo listening on 127.0.0.1:5123\nexec sleep 60");
  {
    const auto simulators = make();
    simulators->apply({spec("")});
    EXPECT_TRUE(wait("azure", Health::kBroken, "no local Model"));
  }
  std::filesystem::remove(folder_ / "program");
  const auto simulators = make();
  simulators->apply({spec()});
  EXPECT_TRUE(wait("azure", Health::kBroken, (folder_ / "program").string()));
}

TEST_F(SimulatorsTest, StopEndsTheChild) {
  script("echo $$ > " + (folder_ / "pid").string() + "\necho listening on 127.0.0.1:5123\nexec sleep 60");
  const auto simulators = make();
  simulators->set_model("small", live_model());
  simulators->apply({spec()});
  ASSERT_TRUE(wait("azure", Health::kLive));
  const std::string pid = *os::read_file(folder_ / "pid", 4_KiB);
  simulators->stop(std::chrono::seconds(2));
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid.substr(0, pid.size() - 1)));
}

TEST(AnnouncedPort, NeedsAWholeLine) {
  EXPECT_EQ(announced_port("listening on 127.0.0.1:80\n"), std::optional<uint16_t>(80));
  EXPECT_EQ(announced_port("hello\nlistening on 127.0.0.1:8080\nmore"), std::optional<uint16_t>(8080));
  for (const char* text : {"", "listening on 127.0.0.1:80", "listening on 127.0.0.1:\n", "listening on 127.0.0.1:80x\n", "listening on 127.0.0.1:0\n",
                           "listening on 127.0.0.1:70000\n", " listening on 127.0.0.1:80\n"})
    EXPECT_EQ(announced_port(text), std::nullopt) << text;
}

}  // namespace
}  // namespace wye::app
