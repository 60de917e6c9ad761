// A socket whose descriptor somebody else holds a copy of when it is closed, as a child does between its start and its exec.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foundation/net/engine_rig.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

constexpr int kDescriptorsMax = 1024;

/// Copies of every socket of this process, closed at the end.
class Copies {
 public:
  Copies() {
    for (int fd = 3; fd < kDescriptorsMax; ++fd) {
      struct stat facts{};
      if (::fstat(fd, &facts) == 0 && S_ISSOCK(facts.st_mode)) copies_.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, kDescriptorsMax));
    }
  }
  ~Copies() {
    for (const int fd : copies_) ::close(fd);
  }
  size_t size() const { return copies_.size(); }

 private:
  std::vector<int> copies_;
};

Task<void> close_and_talk(Loop& loop) {
  StreamPair pair = co_await connect_pair(loop);
  const Copies copies;
  EXPECT_GE(copies.size(), 2u);
  pair.client.reset();
  co_await sleep(loop, 10ms);  // what watched it is gone by now
  // The connection still stands, by the copy: the kernel has something to tell.
  EXPECT_EQ(co_await send_all(*pair.server, "hello", {loop.after(1s), nullptr}), IoStatus::kOk);
  co_await sleep(loop, 20ms);
}

TEST(EpollCopies, AClosedSocketIsNotToldOfAnyMore) {
  EngineRig rig(Engine::kEpoll);
  EXPECT_TRUE(rig.run(close_and_talk(rig.loop())));
}

}  // namespace
}  // namespace wye::net
