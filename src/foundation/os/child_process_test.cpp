#include "foundation/os/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "foundation/os/file.hpp"
#include "foundation/os/machine_stats.hpp"

namespace wye::os {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Command shell(std::string script) { return {.arguments = {"/bin/sh", "-c", std::move(script)}, .environment = {}, .folder = {}}; }

/// Everything the child says until it ends.
std::string run(const Command& command, ExitStatus* status = nullptr) {
  auto child = ChildProcess::start(command);
  EXPECT_TRUE(child) << child.error().detail;
  if (!child) return {};
  std::string out;
  while (child->try_read_output(out)) child->wait_for(milliseconds(5));
  const auto ended = child->wait_for(seconds(10));
  EXPECT_TRUE(ended);
  if (status != nullptr && ended) *status = *ended;
  return out;
}

bool gone(int pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", 64_KiB);
  return !stat || stat->find(") Z ") != std::string::npos;
}
bool gone_within(int pid, milliseconds limit) {
  for (milliseconds waited{}; waited < limit; waited += milliseconds(10)) {
    if (gone(pid)) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return gone(pid);
}

TEST(ChildProcessTest, GivesOutputOfBothStreamsAndTheExitCode) {
  ExitStatus status;
  EXPECT_EQ(run(shell("echo out; echo err 1>&2; exit 3"), &status), "out\nerr\n");
  EXPECT_EQ(status, (ExitStatus{.code = 3, .signal = 0}));
  EXPECT_EQ(to_string(status), "exit code 3");
}

TEST(ChildProcessTest, ArgumentsAreNotParsedByAShell) {
  EXPECT_EQ(run({.arguments = {"/bin/echo", "$HOME; rm -rf *", "a b"}, .environment = {}, .folder = {}}), "$HOME; rm -rf * a b\n");
}

/// The value of `name` in /proc/PID/status without signals 32 and 33, which belong to the C library: nobody else may set them.
uint64_t signals_named(const std::string& status, std::string_view name) {
  const size_t at = status.find(name);
  if (at == std::string::npos) return UINT64_MAX;
  return std::stoull(status.substr(at + name.size()), nullptr, 16) & ~uint64_t{0x1'8000'0000};
}

TEST(ChildProcessTest, InheritsNoEnvironmentNoDescriptorNoSignalMask) {
  ::setenv("WYE_TEST_LEAK", "secret", 1);
  EXPECT_EQ(run({.arguments = {"/usr/bin/env"}, .environment = {"ONLY=this"}, .folder = {}}), "ONLY=this\n");
  ::unsetenv("WYE_TEST_LEAK");
  const Fd leaky(::open("/dev/null", O_RDONLY));  // without O_CLOEXEC
  const Fd high(::fcntl(leaky.get(), F_DUPFD, 200));
  ASSERT_TRUE(high);
  // ls itself opens one: 0, 1, 2 and the folder that it reads.
  EXPECT_EQ(run({.arguments = {"/bin/ls", "/proc/self/fd"}, .environment = {}, .folder = {}}), "0\n1\n2\n3\n");
  sigset_t set;
  ::sigfillset(&set);
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &set, &before);
  ::signal(SIGPIPE, SIG_IGN);
  const std::string status = run({.arguments = {"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}, .environment = {}, .folder = {}});
  ::signal(SIGPIPE, SIG_DFL);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(signals_named(status, "SigBlk:"), 0u) << status;
  EXPECT_EQ(signals_named(status, "SigIgn:"), 0u) << status;
}

TEST(ChildProcessTest, StdinIsEmptyAndTheFolderIsTheAskedOne) {
  EXPECT_EQ(run({.arguments = {"/bin/sh", "-c", "cat; pwd"}, .environment = {}, .folder = "/usr"}), "/usr\n");
}

TEST(ChildProcessTest, SaysWhyAProgramCannotStart) {
  const auto missing = ChildProcess::start({.arguments = {"/nowhere/program"}, .environment = {}, .folder = {}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().detail, "execute /nowhere/program: No such file or directory");
  const auto denied = ChildProcess::start({.arguments = {"/etc/passwd"}, .environment = {}, .folder = {}});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().detail, "execute /etc/passwd: Permission denied");
  const auto folder = ChildProcess::start({.arguments = {"/bin/true"}, .environment = {}, .folder = "/nowhere"});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().detail, "enter the folder of /nowhere: No such file or directory");
  EXPECT_FALSE(ChildProcess::start({}));
}

TEST(ChildProcessTest, TerminateAsksFirstAndKillsThen) {
  auto polite = ChildProcess::start(shell("trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(polite);
  std::string out;
  while (out.empty()) ASSERT_TRUE(polite->try_read_output(out));
  EXPECT_EQ(polite->terminate(seconds(5)), (ExitStatus{.code = 7, .signal = 0}));

  auto deaf = ChildProcess::start(shell("trap '' TERM; echo up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(deaf);
  out.clear();
  while (out.empty()) ASSERT_TRUE(deaf->try_read_output(out));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(deaf->terminate(milliseconds(200)).signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(2));
  EXPECT_EQ(to_string(*deaf->try_wait()), "signal 9 (Killed)");
}

TEST(ChildProcessTest, TerminateIsNotHeldUpByAFullPipe) {
  auto loud = ChildProcess::start(shell("trap 'yes | head -c 1000000; exit 4' TERM; echo up; while :; do sleep 0.01; done"));
  ASSERT_TRUE(loud);
  std::string out;
  while (out.empty()) ASSERT_TRUE(loud->try_read_output(out));
  EXPECT_EQ(loud->terminate(seconds(5)).code, 4);
}

TEST(ChildProcessTest, GrandchildrenDieWithTheGroup) {
  auto child = ChildProcess::start(shell("sleep 100 & echo $!; exit 0"));
  ASSERT_TRUE(child);
  std::string out;
  while (out.find('\n') == std::string::npos) child->try_read_output(out);
  ASSERT_TRUE(child->wait_for(seconds(5)));
  EXPECT_TRUE(gone_within(std::stoi(out), seconds(2)));
}

TEST(ChildProcessTest, TheDestructorKills) {
  int pid = 0;
  {
    auto child = ChildProcess::start(shell("sleep 100"));
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_FALSE(child->try_wait());
  }
  EXPECT_TRUE(gone(pid));
}

TEST(ChildProcessTest, NoOrphanSurvivesKillDashNine) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    auto child = ChildProcess::start(shell("trap '' TERM HUP INT; while :; do sleep 1; done"));
    const int pid = child ? child->pid() : -1;
    [[maybe_unused]] const ssize_t n = ::write(fds[1], &pid, sizeof pid);
    while (true) ::pause();
  }
  int pid = 0;
  ASSERT_EQ(::read(fds[0], &pid, sizeof pid), static_cast<ssize_t>(sizeof pid));
  ASSERT_GT(pid, 0);
  EXPECT_FALSE(gone(pid));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(gone_within(pid, seconds(2)));
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(ChildProcessTest, DiesWithTheThreadThatStartedIt) {
  std::optional<ChildProcess> child;
  std::thread([&] {
    auto started = ChildProcess::start(shell("sleep 100"));
    if (started) child.emplace(std::move(*started));
  }).join();
  ASSERT_TRUE(child);
  const auto ended = child->wait_for(seconds(2));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->signal, SIGKILL);
}

TEST(ChildProcessTest, LeavesNoDescriptorBehind) {
  run(shell("true"));
  const uint64_t before = process_stats()->open_fds;
  for (int i = 0; i < 20; ++i) {
    run(shell("true"));
    EXPECT_FALSE(ChildProcess::start({.arguments = {"/nowhere"}, .environment = {}, .folder = {}}));
  }
  EXPECT_EQ(process_stats()->open_fds, before);
}

TEST(OutputTailTest, KeepsTheLastWholeLinesWithinItsBound) {
  OutputTail tail(10);
  tail.append("one\ntwo\n");
  EXPECT_EQ(tail.text(), "one\ntwo\n");
  tail.append("three\n");
  EXPECT_EQ(tail.text(), "three\n");
  tail.append(std::string(50, 'x'));
  EXPECT_EQ(tail.text(), std::string(10, 'x'));
  for (int i = 0; i < 1000; ++i) tail.append("ab\n");
  EXPECT_LE(tail.text().size(), 10U);
  EXPECT_TRUE(tail.text().ends_with("ab\nab\nab\n"));
}

}  // namespace
}  // namespace wye::os
