// The Supervisor with a real llama-server and real models; the set-up brings both.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "foundation/os/file.hpp"
#include "serving/runtime/test_outside.hpp"

namespace wye::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::filesystem::path artefacts() {
  if (const char* own = std::getenv("WYE_ARTIFACTS")) return own;
  if (const char* cache = std::getenv("XDG_CACHE_HOME")) return std::filesystem::path(cache) / "wye";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : "/") / ".cache/wye";
}

class RealRuntime : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& path : {server_, chat_, embedding_}) ASSERT_TRUE(std::filesystem::exists(path)) << path << " is missing: run `make setup`";
    limits_.backoff_first = milliseconds(50);
  }
  static RuntimeSpec spec_of(std::string model, const std::filesystem::path& file, std::string_view digest) {
    RuntimeSpec out;
    out.model = std::move(model);
    out.version = "v1";
    out.file = file;
    out.digest = digest;
    out.slots = 2;
    out.slot_context_tokens = 512;
    return out;
  }
  RuntimeSpec chat() const { return spec_of("smollm2", chat_, "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"); }
  RuntimeSpec embedding() const { return spec_of("minilm", embedding_, "sha256:" + *sha256sum(embedding_, {})); }
  SupervisorOptions options() const {
    return {.llama_server = server_, .logs = outside_.folder(), .run = outside_.folder(), .environment = {}, .limits = limits_};
  }
  Supervisor& supervisor() {
    if (!supervisor_) supervisor_.emplace(options(), outside_.ports());
    return *supervisor_;
  }
  static int generate(const RuntimeStatus& at, int tokens) {
    const std::string body = R"({"messages":[{"role":"user","content":"Count to a hundred."}],"temperature":0,"ignore_eos":true,"max_tokens":)" +
                             std::to_string(tokens) + "}";
    const auto answer = loopback_call(
        {.port = at.port, .method = "POST", .path = "/v1/chat/completions", .body = body, .bearer = at.key->reveal(), .timeout = seconds(60)});
    return answer ? answer->status : 0;
  }

  const std::filesystem::path server_ = artefacts() / "bin/llama-server";
  const std::filesystem::path chat_ = artefacts() / "models/smollm2-135m-instruct-q4_1.gguf";
  const std::filesystem::path embedding_ = artefacts() / "models/all-minilm-l6-v2-f16.gguf";
  TestOutside outside_;
  LifecycleLimits limits_;
  std::optional<Supervisor> supervisor_;
};

TEST_F(RealRuntime, AChatModelBecomesReadyAnswersAndDrains) {
  supervisor().apply({chat()});
  const auto ready = outside_.reports.wait("smollm2", State::kReady);
  EXPECT_EQ(ready.capabilities, (std::vector<std::string>{"completions", "chat"}));  // its template knows no tools
  EXPECT_EQ(ready.context_tokens, 512U);
  EXPECT_GT(ready.resident, 64_MiB);
  std::thread request([&] { EXPECT_EQ(generate(ready, 60), 200); });  // must not be cut by the drain
  std::this_thread::sleep_for(milliseconds(300));
  supervisor().stop(seconds(60));
  request.join();
  EXPECT_TRUE(gone_soon(ready.pid));
  EXPECT_NE(os::read_file(outside_.folder() / "runtime-smollm2.log", 64_MiB)->find("model loaded"), std::string::npos);
}

TEST_F(RealRuntime, NobodyWithoutTheKeyOfThisProcessIsAnswered) {
  supervisor().apply({chat()});
  const auto ready = outside_.reports.wait("smollm2", State::kReady);
  ASSERT_GE(ready.key->reveal().size(), 32U);
  const std::string wrong(ready.key->reveal().size(), 'x');
  constexpr std::string_view kBody = R"({"messages":[{"role":"user","content":"Hello"}],"max_tokens":1})";
  const auto status = [&](std::string_view method, std::string_view path, std::string_view bearer) {
    const auto answer = loopback_call({.port = ready.port,
                                       .method = method,
                                       .path = path,
                                       .body = method == "POST" ? kBody : std::string_view(),
                                       .bearer = bearer,
                                       .timeout = seconds(30)});
    return answer ? answer->status : 0;
  };
  for (const std::string_view key : {std::string_view(), std::string_view(wrong), ready.key->reveal().substr(1)}) {
    EXPECT_EQ(status("POST", "/v1/chat/completions", key), 401);
    EXPECT_EQ(status("POST", "/completion", key), 401);
    EXPECT_EQ(status("GET", "/slots", key), 401);
    EXPECT_EQ(status("GET", "/props", key), 401);
    EXPECT_EQ(status("GET", "/metrics", key), 401);
  }
  EXPECT_EQ(status("POST", "/v1/chat/completions", ready.key->reveal()), 200);
  // Neither what everyone may read of a process nor what is left on disk has it.
  const std::string process = "/proc/" + std::to_string(ready.pid);
  for (const char* file : {"/cmdline", "/environ"}) {
    EXPECT_EQ(os::read_file(process + file, 1_MiB)->find(ready.key->reveal()), std::string::npos) << file;
  }
  for (const auto& entry : std::filesystem::directory_iterator(outside_.folder())) EXPECT_NE(entry.path().extension(), ".key") << entry.path();
  EXPECT_EQ(os::read_file(outside_.folder() / "runtime-smollm2.log", 64_MiB)->find(ready.key->reveal()), std::string::npos);
}

TEST_F(RealRuntime, AnEmbeddingModelBecomesReadyByARealEmbedding) {
  supervisor().apply({embedding()});
  const auto ready = outside_.reports.wait("minilm", State::kReady);
  EXPECT_EQ(ready.capabilities, std::vector<std::string>{"embeddings"});
  EXPECT_EQ(ready.embedding_length, 384U);
}

TEST_F(RealRuntime, KilledWhileServingItComesBackAfterABackoff) {
  supervisor().apply({chat()});
  const auto first = outside_.reports.wait("smollm2", State::kReady);
  outside_.reports.forget();
  std::thread request([&] { EXPECT_EQ(generate(first, 400), 0); });
  std::this_thread::sleep_for(milliseconds(300));
  ::kill(first.pid, SIGKILL);
  request.join();
  EXPECT_NE(outside_.reports.wait("smollm2", State::kBackoff).reason.find("signal 9 (Killed)"), std::string::npos);
  const auto second = outside_.reports.wait("smollm2", State::kReady);
  EXPECT_EQ(second.restarts, 1U);
  EXPECT_EQ(generate(second, 4), 200);
}

TEST_F(RealRuntime, KilledWhileLoadingItComesBack) {
  supervisor().apply({chat()});
  ::kill(outside_.reports.wait("smollm2", State::kLoading).pid, SIGKILL);
  EXPECT_EQ(outside_.reports.wait("smollm2", State::kReady).restarts, 1U);
}

TEST_F(RealRuntime, FrozenWhileReadyItIsNoticedAndRestarted) {
  limits_.reprobe_every = milliseconds(100);
  limits_.probe_max = milliseconds(3000);
  limits_.misses_max = 1;
  supervisor().apply({chat()});
  const auto first = outside_.reports.wait("smollm2", State::kReady);
  outside_.reports.forget();
  ::kill(first.pid, SIGSTOP);
  outside_.reports.wait("smollm2", State::kBackoff);
  EXPECT_TRUE(gone_soon(first.pid));
  EXPECT_NE(outside_.reports.wait("smollm2", State::kReady).pid, first.pid);
}

TEST_F(RealRuntime, BrokenFilesAreNamedAndNothingIsStarted) {
  RuntimeSpec digest = chat();
  digest.model = "digest";
  digest.digest.back() = '4';
  RuntimeSpec truncated = chat();
  truncated.model = "truncated";
  truncated.file = outside_.put("cut.gguf", os::read_file(chat_, 1_GiB)->substr(0, 50'000'000));
  RuntimeSpec foreign = chat();
  foreign.model = "foreign";
  foreign.file = outside_.put("text.gguf", "this is no model");
  RuntimeSpec memory = chat();
  memory.model = "memory";
  memory.memory = 100_MiB;
  supervisor().apply({digest, truncated, foreign, memory});
  const auto reason = [this](std::string_view model) { return outside_.reports.wait(model, State::kBackoff).reason; };
  EXPECT_NE(reason("digest").find("has digest sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"), std::string::npos);
  EXPECT_NE(reason("truncated").find("the file is truncated: it has 50000000 bytes"), std::string::npos) << reason("truncated");
  EXPECT_NE(reason("foreign").find("no GGUF file"), std::string::npos);
  EXPECT_NE(reason("memory").find("placement.memory allows 100 MiB"), std::string::npos) << reason("memory");
  for (const char* model : {"digest", "truncated", "foreign", "memory"}) {
    for (const State state : outside_.reports.states(model)) EXPECT_NE(state, State::kStarting) << model;
  }
}

TEST_F(RealRuntime, NoOrphanSurvivesKillDashNineOfItsParent) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    Supervisor own(options(), outside_.ports());
    own.apply({chat()});
    const int pid = outside_.reports.wait("smollm2", State::kReady).pid;
    [[maybe_unused]] const ssize_t n = ::write(fds[1], &pid, sizeof pid);
    while (true) ::pause();
  }
  int pid = 0;
  ASSERT_EQ(::read(fds[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  EXPECT_EQ(::kill(pid, 0), 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(gone_soon(pid));
  ::close(fds[0]);
  ::close(fds[1]);
}

}  // namespace
}  // namespace wye::runtime
