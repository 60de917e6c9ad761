#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "foundation/base/test_folder.hpp"
#include "foundation/os/machine_stats.hpp"
#include "foundation/os/service_notice.hpp"
#include "foundation/os/stop_signals.hpp"

namespace wye::os {
namespace {

using std::chrono::milliseconds;

TEST(MachineStats, TellsOfOurselves) {
  const auto stats = process_stats();
  ASSERT_TRUE(stats);
  EXPECT_GT(stats->resident, 1_MiB);
  EXPECT_GT(stats->virtual_size, stats->resident);
  EXPECT_GE(stats->open_fds, 3U);
  EXPECT_GE(stats->fds_max, stats->open_fds);
  EXPECT_GE(stats->threads, 1U);
  const WallTime now = SystemClock().wall();
  EXPECT_LE(stats->started.ns, now.ns + Nanos(std::chrono::seconds(2)).count());
  EXPECT_GT(stats->started.ns, now.ns - Nanos(std::chrono::hours(1)).count());
  const Nanos before = stats->cpu;
  for (volatile uint64_t i = 0; i < 100'000'000; i = i + 1) {}
  EXPECT_GT(process_stats()->cpu, before);
  EXPECT_EQ(process_stats(::getppid())->resident.n > 0, true);
  EXPECT_EQ(process_stats(INT32_MAX).error().code, ErrorCode::kNotFound);
}

TEST(MachineStats, FreeMemoryIsPlausible) {
  const auto memory = free_memory();
  ASSERT_TRUE(memory);
  EXPECT_GT(*memory, 16_MiB);
  EXPECT_LT(*memory, Bytes{static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))});
}

TEST(MachineStats, AFreePortCanBeBound) {
  const auto port = free_loopback_port();
  ASSERT_TRUE(port);
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(*port);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

TEST(StopSignalsTest, ASignalBecomesSomethingToWaitFor) {
  auto signals = StopSignals::block();
  ASSERT_TRUE(signals);
  EXPECT_FALSE(signals->try_take());
  EXPECT_FALSE(signals->wait_for(milliseconds(10)));
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(signals->wait_for(milliseconds(1000)), SIGTERM);
  std::thread([] { ::kill(::getpid(), SIGINT); }).join();
  EXPECT_EQ(signals->wait_for(milliseconds(1000)), SIGINT);
  EXPECT_FALSE(signals->try_take());
}

class Listener {
 public:
  explicit Listener(std::string_view name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '/' ? 1 : 0));
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  }
  std::string take() {
    char text[256];
    const ssize_t n = ::recv(fd_.get(), text, sizeof text, 0);
    return n < 0 ? "(nothing)" : std::string(text, static_cast<size_t>(n));
  }

 private:
  Fd fd_;
};

TEST(ServiceNotice, ReachesPathsAndAbstractNames) {
  const TestFolder folder;
  const std::string path = (folder / "notify").string();
  Listener by_path(path);
  EXPECT_TRUE(notify_service(path, "READY=1"));
  EXPECT_EQ(by_path.take(), "READY=1");
  const std::string name = "@wye-test-" + std::to_string(::getpid());
  Listener by_name(name);
  EXPECT_TRUE(notify_service(name, "STOPPING=1\nSTATUS=draining"));
  EXPECT_EQ(by_name.take(), "STOPPING=1\nSTATUS=draining");
}

TEST(ServiceNotice, NobodyListeningIsFineANonsenseAddressIsNot) {
  EXPECT_TRUE(notify_service("", "READY=1"));
  EXPECT_FALSE(notify_service("/nowhere/notify", "READY=1"));
  EXPECT_FALSE(notify_service("relative", "READY=1"));
  EXPECT_FALSE(notify_service("/" + std::string(200, 'x'), "READY=1"));
  EXPECT_FALSE(notify_service("@", "READY=1"));
}

}  // namespace
}  // namespace wye::os
