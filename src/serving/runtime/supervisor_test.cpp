// The Supervisor with children that are shell scripts and a server that is a table of answers.
#include "serving/runtime/supervisor.hpp"

#include <signal.h>

#include "foundation/os/file.hpp"
#include "serving/runtime/gguf_builder.hpp"
#include "serving/runtime/test_outside.hpp"

namespace wye::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    file_ = outside_.put("tiny.gguf", GgufBuilder::sound().file());
    digest_ = "sha256:" + *sha256sum(file_, {});
    program("exec sleep 1000");
    limits_.backoff_first = milliseconds(20);
    limits_.probe_max = seconds(2);
    limits_.terminate_max = milliseconds(300);
    outside_.http = [this](const HttpCallRequest& request) { return answer(request); };
  }
  /// What stands in for llama-server.
  void program(std::string_view script) { program_ = outside_.put("server", "#!/bin/sh\n" + std::string(script) + "\n", 0700); }
  RuntimeSpec spec(std::string model = "tiny", std::string version = "v1") {
    RuntimeSpec out;
    out.model = std::move(model);
    out.version = std::move(version);
    out.file = file_;
    out.digest = digest_;
    out.slots = 1;
    return out;
  }
  Supervisor& supervisor() {
    if (!supervisor_) {
      supervisor_.emplace(SupervisorOptions{.llama_server = program_,
                                            .logs = outside_.folder(),
                                            .run = outside_.folder(),
                                            .environment = {},
                                            .limits = limits_,
                                            .health_every = milliseconds(10)},
                          outside_.ports());
    }
    return *supervisor_;
  }
  Result<HttpCallAnswer> answer(const HttpCallRequest& request) {
    if (!healthy_) return Fail(internal_error(ErrorCode::kClosed, "refused"));
    if (request.path == "/props")
      return HttpCallAnswer{200, R"({"default_generation_settings":{"n_ctx":2048},"total_slots":1,"model_alias":"tiny"})"};
    if (request.path == "/slots")
      return HttpCallAnswer{200, busy_ ? R"([{"n_ctx":2048,"is_processing":true}])" : R"([{"n_ctx":2048,"is_processing":false}])"};
    if (request.path == "/health") return HttpCallAnswer{200, "{}"};
    if (!generates_) return HttpCallAnswer{500, "broken"};
    return HttpCallAnswer{200, R"({"choices":[{"finish_reason":"stop"}],"usage":{"completion_tokens":3}})"};
  }

  TestOutside outside_;
  std::filesystem::path file_;
  std::filesystem::path program_;
  std::string digest_;
  LifecycleLimits limits_;
  std::atomic<bool> healthy_ = true;
  std::atomic<bool> generates_ = true;
  std::atomic<bool> busy_ = false;
  std::optional<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, BringsAModelToReadyAndTellsItsAddress) {
  supervisor().apply({spec()});
  const auto ready = outside_.reports.wait("tiny", State::kReady);
  EXPECT_GT(ready.port, 0);
  EXPECT_GT(ready.pid, 0);
  EXPECT_EQ(ready.reason, "");
  EXPECT_EQ(ready.digest, digest_);
  EXPECT_EQ(ready.context_tokens, 2048U);
  EXPECT_EQ(ready.capabilities, (std::vector<std::string>{"completions", "chat", "tools"}));
  EXPECT_EQ(outside_.reports.states("tiny"),
            (std::vector<State>{State::kFetching, State::kVerifying, State::kStarting, State::kLoading, State::kProbing, State::kReady}));
  EXPECT_EQ(supervisor().status().size(), 1U);
  ASSERT_NE(ready.key, nullptr);
  EXPECT_EQ(supervisor().status()[0].key, ready.key);
  supervisor().stop(seconds(5));
  EXPECT_EQ(outside_.reports.states("tiny").back(), State::kStopped);
  EXPECT_TRUE(supervisor().status().empty());
  EXPECT_TRUE(gone_soon(ready.pid));
}

TEST_F(SupervisorTest, HealthAloneIsNotReady) {
  generates_ = false;
  supervisor().apply({spec()});
  const auto down = outside_.reports.wait("tiny", State::kBackoff);
  EXPECT_NE(down.reason.find("probe failed: /v1/chat/completions answered 500: broken"), std::string::npos) << down.reason;
  for (const State state : outside_.reports.states("tiny")) EXPECT_NE(state, State::kReady);
  generates_ = true;
  EXPECT_EQ(outside_.reports.wait("tiny", State::kReady).restarts, 1U);
}

TEST_F(SupervisorTest, AProgramThatDiesAtOnceEndsInACrashLoopWithItsLastWords) {
  program("echo cannot load that >&2; exit 3");
  supervisor().apply({spec()});
  const auto loop = outside_.reports.wait("tiny", State::kCrashLoop);
  EXPECT_EQ(loop.reason, "llama-server ended with exit code 3; its last words: cannot load that");
  EXPECT_EQ(loop.port, 0);
  EXPECT_TRUE(loop.retry_at);
  const std::string log = outside_.sink.text();
  EXPECT_NE(log.find("\"level\":\"error\""), std::string::npos) << log;
  supervisor().stop(seconds(5));
  EXPECT_EQ(*os::read_file(outside_.folder() / "runtime-tiny.log", 1_MiB),
            "cannot load that\ncannot load that\ncannot load that\ncannot load that\ncannot load that\n");
}

TEST_F(SupervisorTest, AProgramThatIsMissingIsNamed) {
  program_ = "/nowhere/llama-server";
  supervisor().apply({spec()});
  EXPECT_EQ(outside_.reports.wait("tiny", State::kBackoff).reason, "execute /nowhere/llama-server: No such file or directory");
}

TEST_F(SupervisorTest, ATakenPortIsTriedAgainAtOnce) {
  program("if [ -e " + (outside_.folder() / "second").string() + " ]; then exec sleep 1000; fi; touch " + (outside_.folder() / "second").string() +
          "; echo \"couldn't bind HTTP server socket\"; sleep 0.1; exit 1");
  healthy_ = false;
  supervisor().apply({spec()});
  outside_.reports.wait("tiny", State::kLoading);
  for (int i = 0; i < 300 && !std::filesystem::exists(outside_.folder() / "second"); ++i) std::this_thread::sleep_for(milliseconds(10));
  std::this_thread::sleep_for(milliseconds(300));
  healthy_ = true;
  EXPECT_EQ(outside_.reports.wait("tiny", State::kReady).restarts, 0U);
}

TEST_F(SupervisorTest, AnExitWhileReadyRestarts) {
  supervisor().apply({spec()});
  const auto first = outside_.reports.wait("tiny", State::kReady);
  outside_.reports.forget();
  ::kill(first.pid, SIGKILL);
  const auto down = outside_.reports.wait("tiny", State::kBackoff);
  EXPECT_EQ(down.reason, "llama-server ended with signal 9 (Killed)");
  EXPECT_EQ(down.port, 0);
  const auto second = outside_.reports.wait("tiny", State::kReady);
  EXPECT_NE(second.pid, first.pid);
  EXPECT_EQ(second.instance, first.instance);
}

TEST_F(SupervisorTest, AServerThatStopsAnsweringIsRestarted) {
  limits_.reprobe_every = milliseconds(50);
  supervisor().apply({spec()});
  const auto first = outside_.reports.wait("tiny", State::kReady);
  outside_.reports.forget();
  generates_ = false;
  EXPECT_NE(outside_.reports.wait("tiny", State::kBackoff).reason.find("answered 500"), std::string::npos);
  EXPECT_TRUE(gone_soon(first.pid));
}

TEST_F(SupervisorTest, EachProcessHasAKeyOfItsOwnThatOnlyItsFileHolds) {
  // The child says in its log what its key file held, and whether others could read it.
  program(R"sh(while [ $# -gt 1 ]; do if [ "$1" = --api-key-file ]; then echo "key=$(cat "$2") mode=$(stat -c %a "$2")"; fi; shift; done
exec sleep 1000)sh");
  healthy_ = false;
  supervisor().apply({spec()});
  const auto loading = outside_.reports.wait("tiny", State::kLoading);
  const auto said = [&] {
    const auto log = os::read_file(outside_.folder() / "runtime-tiny.log", 1_MiB);
    return log && log->find("key=" + std::string(loading.key->reveal()) + " mode=600") != std::string::npos;
  };
  for (int i = 0; i < 500 && !said(); ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_TRUE(said());
  healthy_ = true;
  const auto first = outside_.reports.wait("tiny", State::kReady);
  EXPECT_EQ(first.key, loading.key);
  for (const auto& entry : std::filesystem::directory_iterator(outside_.folder())) EXPECT_NE(entry.path().extension(), ".key") << entry.path();
  outside_.reports.forget();
  ::kill(first.pid, SIGKILL);
  EXPECT_EQ(outside_.reports.wait("tiny", State::kBackoff).key, nullptr);
  EXPECT_NE(outside_.reports.wait("tiny", State::kReady).key->reveal(), first.key->reveal());
}

TEST_F(SupervisorTest, OneBrokenModelAffectsNoOther) {
  RuntimeSpec broken = spec("broken");
  broken.digest = "sha256:" + std::string(64, '0');
  RuntimeSpec missing = spec("missing");
  missing.file = outside_.folder() / "none.gguf";
  supervisor().apply({broken, missing, spec()});
  const auto ready = outside_.reports.wait("tiny", State::kReady);
  EXPECT_NE(outside_.reports.wait("broken", State::kBackoff).reason.find("not the sha256:000"), std::string::npos);
  EXPECT_NE(outside_.reports.wait("missing", State::kCrashLoop).reason.find("does not exist"), std::string::npos);
  EXPECT_EQ(outside_.reports.states("tiny").back(), State::kReady);
  supervisor().apply({spec()});  // taking the broken ones away leaves the good one alone
  outside_.reports.wait("broken", State::kStopped);
  outside_.reports.wait("missing", State::kStopped);
  ASSERT_EQ(supervisor().status().size(), 1U);
  EXPECT_EQ(supervisor().status()[0].pid, ready.pid);
}

TEST_F(SupervisorTest, AModelWhoseChecksHangDelaysNoOther) {
  auto ports = outside_.ports();
  ports.sha256_file = [this](const std::filesystem::path& path, std::stop_token stop) -> Result<std::string> {
    if (path == file_) return sha256sum(path, stop);
    while (!stop.stop_requested()) std::this_thread::sleep_for(milliseconds(5));
    return Fail(internal_error(ErrorCode::kCancelled, "stopped"));
  };
  Supervisor own({.llama_server = program_, .logs = outside_.folder(), .run = outside_.folder(), .environment = {}, .limits = limits_}, ports);
  RuntimeSpec slow = spec("slow");
  slow.file = outside_.put("slow.gguf", GgufBuilder::sound().file());
  own.apply({slow, spec()});
  outside_.reports.wait("tiny", State::kReady);
  EXPECT_EQ(outside_.reports.states("slow").back(), State::kVerifying);
  own.stop(seconds(5));
}

TEST_F(SupervisorTest, ANewVersionTakesOverWhenItIsReady) {
  supervisor().apply({spec()});
  const auto first = outside_.reports.wait("tiny", State::kReady);
  outside_.reports.forget();
  supervisor().apply({spec("tiny", "v2")});
  const auto second = outside_.reports.wait("tiny", State::kReady);
  EXPECT_EQ(second.version, "v2");
  EXPECT_NE(second.instance, first.instance);
  const auto drained = outside_.reports.wait("tiny", State::kDraining);
  EXPECT_EQ(drained.instance, first.instance);
  EXPECT_EQ(outside_.reports.wait("tiny", State::kStopped).instance, first.instance);
  EXPECT_TRUE(gone_soon(first.pid));
}

TEST_F(SupervisorTest, AVersionThatNeverWorksLeavesTheOldOneServing) {
  supervisor().apply({spec()});
  const auto first = outside_.reports.wait("tiny", State::kReady);
  outside_.reports.forget();
  RuntimeSpec bad = spec("tiny", "v2");
  bad.digest = "";
  supervisor().apply({bad});
  const auto failed = outside_.reports.wait("tiny", State::kFailed);
  EXPECT_EQ(failed.version, "v2");
  EXPECT_NE(failed.reason.find("names no digest"), std::string::npos);
  const auto now = supervisor().status();
  ASSERT_EQ(now.size(), 2U);
  EXPECT_EQ(now[0].state, State::kReady);
  EXPECT_EQ(now[0].pid, first.pid);
  supervisor().apply({spec()});  // back: the old one was never touched
  outside_.reports.wait("tiny", State::kStopped);
  ASSERT_EQ(supervisor().status().size(), 1U);
  EXPECT_EQ(supervisor().status()[0].pid, first.pid);
}

TEST_F(SupervisorTest, DrainsUntilNothingIsUnderWay) {
  supervisor().apply({spec()});
  const auto ready = outside_.reports.wait("tiny", State::kReady);
  busy_ = true;
  supervisor().apply({});
  outside_.reports.wait("tiny", State::kDraining);
  std::this_thread::sleep_for(milliseconds(400));
  EXPECT_EQ(::kill(ready.pid, 0), 0);
  EXPECT_EQ(outside_.reports.states("tiny").back(), State::kDraining);
  busy_ = false;
  outside_.reports.wait("tiny", State::kStopped);
  EXPECT_TRUE(gone_soon(ready.pid));
}

TEST_F(SupervisorTest, StopWaitsNoLongerThanItWasTold) {
  program("trap '' TERM; while :; do sleep 0.05; done");
  supervisor().apply({spec()});
  const auto ready = outside_.reports.wait("tiny", State::kReady);
  busy_ = true;
  const auto before = std::chrono::steady_clock::now();
  supervisor().stop(milliseconds(300));
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(3));
  EXPECT_TRUE(gone_soon(ready.pid));
  EXPECT_EQ(outside_.reports.states("tiny").back(), State::kStopped);
  supervisor().stop(seconds(1));  // again is no fault
}

TEST_F(SupervisorTest, StopsInTheMiddleOfEverything) {
  for (int i = 0; i < 20; ++i) {
    Supervisor own({.llama_server = program_, .logs = outside_.folder(), .run = outside_.folder(), .environment = {}, .limits = limits_},
                   outside_.ports());
    own.apply({spec()});
    std::this_thread::sleep_for(milliseconds(i * 3));
    if (i % 2 == 0) own.stop(seconds(1));
  }
}

TEST_F(SupervisorTest, ALogFolderThatIsMissingIsNoReasonToFail) {
  Supervisor own({.llama_server = program_, .logs = "/nowhere", .run = outside_.folder(), .environment = {}, .limits = limits_}, outside_.ports());
  own.apply({spec()});
  outside_.reports.wait("tiny", State::kReady);
  EXPECT_NE(outside_.sink.text().find("runtime.log_failed"), std::string::npos);
}

}  // namespace
}  // namespace wye::runtime
