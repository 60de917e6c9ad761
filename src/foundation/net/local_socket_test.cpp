#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "foundation/net/dialer.hpp"
#include "foundation/net/engine_rig.hpp"

namespace wye::net {
namespace {

using namespace std::chrono_literals;

std::string socket_path() { return testing::TempDir() + "wye-net-" + std::to_string(::getpid()) + ".sock"; }

Task<void> talk(Loop& loop, std::string path, std::string& heard) {
  const Bound bound{loop.after(2s), nullptr};
  auto listener = loop.listen_local(path);
  EXPECT_TRUE(listener) << listener.error().detail;
  if (!listener) co_return;
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  TableResolver nobody;
  auto client = co_await dial(loop, nobody, {.local_path = path}, bound);
  auto server = co_await accept(**listener, bound);
  EXPECT_TRUE(client && server);
  if (!client || !server) co_return;
  EXPECT_TRUE(server->peer().is_loopback());
  EXPECT_EQ(co_await send_all(**client, "hello", bound), IoStatus::kOk);
  (*client)->shutdown_send();
  EXPECT_EQ(co_await receive_all(*server, heard, bound), IoStatus::kEof);
  EXPECT_TRUE(server->peer_closed());
}
TEST(LocalSockets, TalkAndReplaceWhatAFormerListenerLeft) {
  for (int i = 0; i < 2; ++i) {
    EngineRig rig(Engine::kEpoll);
    std::string heard;
    EXPECT_TRUE(rig.run(talk(rig.loop(), socket_path(), heard)));
    EXPECT_EQ(heard, "hello");
  }
  ::unlink(socket_path().c_str());
}

TEST(LocalSockets, FilesOfAnotherKindAndLongPathsAreRefused) {
  EngineRig rig(Engine::kEpoll);
  const std::string path = socket_path() + ".txt";
  std::ofstream(path) << "keep me";
  const auto refused = rig.loop().listen_local(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_FALSE(rig.loop().open_local(path));
  std::filesystem::remove(path);
  EXPECT_FALSE(rig.loop().open_local(path));
  EXPECT_FALSE(rig.loop().listen_local("/" + std::string(200, 'x')));
  EXPECT_FALSE(EngineRig(Engine::kSim).loop().listen_local("x"));
}

}  // namespace
}  // namespace wye::net
