#include "foundation/os/file_watch.hpp"

#include <unistd.h>

#include <condition_variable>
#include <fstream>

#include "foundation/base/test_folder.hpp"
#include "foundation/os/file.hpp"

namespace wye::os {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

class FileWatchTest : public ::testing::Test {
 protected:
  void watch(std::vector<fs::path> roots, milliseconds poll = seconds(30)) {
    watch_.emplace(
        std::move(roots),
        [this] {
          const std::lock_guard lock(mutex_);
          ++calls_;
          called_.notify_all();
        },
        FileWatchLimits{.settle = milliseconds(30), .settle_max = milliseconds(300), .poll = poll});
  }
  /// True when a call came since the last question; waits for one.
  bool changed(milliseconds limit = seconds(3)) {
    std::unique_lock lock(mutex_);
    const bool came = called_.wait_for(lock, limit, [this] { return calls_ > asked_; });
    asked_ = calls_;
    return came;
  }
  bool quiet() { return !changed(milliseconds(200)); }
  static void put(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

  TestFolder folder_;
  std::mutex mutex_;
  std::condition_variable called_;
  int calls_ = 0;
  int asked_ = 0;
  std::optional<FileWatch> watch_;
};

TEST_F(FileWatchTest, SeesNewChangedAndDeletedFilesAtAnyDepth) {
  fs::create_directories(folder_ / "a" / "b");
  put(folder_ / "a" / "x.yaml", "1");
  watch({folder_.path()});
  EXPECT_TRUE(quiet());
  put(folder_ / "a" / "x.yaml", "2");
  EXPECT_TRUE(changed());
  EXPECT_TRUE(quiet());
  put(folder_ / "a" / "b" / "y.yaml", "1");
  EXPECT_TRUE(changed());
  fs::create_directories(folder_ / "c" / "d" / "e");
  EXPECT_TRUE(changed());
  put(folder_ / "c" / "d" / "e" / "z.yaml", "1");
  EXPECT_TRUE(changed());
  fs::remove(folder_ / "a" / "x.yaml");
  EXPECT_TRUE(changed());
  EXPECT_TRUE(quiet());
}

TEST_F(FileWatchTest, ReadingIsNoChange) {
  put(folder_ / "x", "1");
  watch({folder_.path()});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(read_file(folder_ / "x", 1_KiB));
  EXPECT_TRUE(quiet());
}

TEST_F(FileWatchTest, ManyWritesGiveFewCalls) {
  watch({folder_.path()});
  for (int i = 0; i < 200; ++i) put(folder_ / ("f" + std::to_string(i)), "x");
  EXPECT_TRUE(changed());
  while (!quiet()) {}
  EXPECT_LE(calls_, 20);  // one where the writer is never held up; a busy machine may cut it into some
}

TEST_F(FileWatchTest, ATreeThatNeverRestsIsStillReported) {
  watch({folder_.path()});
  std::atomic<bool> end = false;
  std::thread writer([&] {
    for (int i = 0; !end; ++i) {
      put(folder_ / "x", std::to_string(i));
      std::this_thread::sleep_for(milliseconds(3));
    }
  });
  EXPECT_TRUE(changed(seconds(2)));
  EXPECT_TRUE(changed(seconds(2)));
  end = true;
  writer.join();
}

TEST_F(FileWatchTest, SeesEditorsReplaceAFileAgainAndAgain) {
  const auto file = folder_ / "wye.yaml";
  put(file, "1");
  watch({file});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(write_file_atomic(file, "same length"));
    EXPECT_TRUE(changed()) << i;
  }
  fs::rename(file, folder_ / "wye.yaml~");  // as vim does
  put(file, "4");
  EXPECT_TRUE(changed());
  EXPECT_TRUE(quiet());
  put(folder_ / "neighbour", "not ours");
  EXPECT_TRUE(quiet());
}

TEST_F(FileWatchTest, SeesTheSymlinkSwapOfAConfigMap) {
  const auto mount = folder_ / "config";
  fs::create_directories(mount / "..2026_1");
  put(mount / "..2026_1" / "wye.yaml", "1");
  fs::create_directory_symlink("..2026_1", mount / "..data");
  fs::create_symlink("..data/wye.yaml", mount / "wye.yaml");
  watch({mount});
  for (int i = 2; i < 5; ++i) {
    const std::string version = "..2026_" + std::to_string(i);
    fs::create_directories(mount / version);
    put(mount / version / "wye.yaml", std::to_string(i));
    fs::create_directory_symlink(version, mount / "..data_tmp");
    fs::rename(mount / "..data_tmp", mount / "..data");
    fs::remove_all(mount / ("..2026_" + std::to_string(i - 1)));
    EXPECT_TRUE(changed()) << i;
    while (!quiet()) {}
  }
}

TEST_F(FileWatchTest, SeesTheTargetOfASymlinkedFileOutsideChange) {
  fs::create_directories(folder_ / "in");
  fs::create_directories(folder_ / "out");
  put(folder_ / "out" / "real", "1");
  fs::create_symlink(folder_ / "out" / "real", folder_ / "in" / "link");
  watch({folder_ / "in"}, milliseconds(100));  // no event reaches us: the poll must see it
  EXPECT_TRUE(quiet());
  put(folder_ / "out" / "real", "22");
  EXPECT_TRUE(changed());
}

TEST_F(FileWatchTest, SeesAFolderDeletedAndMadeAnew) {
  const auto root = folder_ / "config";
  fs::create_directories(root / "sub");
  put(root / "sub" / "a", "1");
  watch({root});
  fs::remove_all(root);
  EXPECT_TRUE(changed());
  fs::create_directories(root / "sub");
  EXPECT_TRUE(changed());
  put(root / "sub" / "a", "2");
  EXPECT_TRUE(changed());
  fs::rename(root, folder_ / "old");
  EXPECT_TRUE(changed());
  fs::rename(folder_ / "old", root);
  EXPECT_TRUE(changed());
  put(root / "sub" / "b", "2");
  EXPECT_TRUE(changed());
}

TEST_F(FileWatchTest, ARootThatIsNotThereYetIsSeenWhenItComes) {
  const auto root = folder_ / "deep" / "config";
  watch({root}, milliseconds(100));
  EXPECT_TRUE(quiet());
  fs::create_directories(root);
  put(root / "a", "1");
  EXPECT_TRUE(changed());
}

TEST_F(FileWatchTest, SymlinkLoopsEnd) {
  fs::create_directory_symlink(".", folder_ / "loop");
  fs::create_directory_symlink("..", folder_ / "up");
  watch_.emplace(std::vector<fs::path>{folder_.path()}, [] {}, FileWatchLimits{.files_max = 500});
  watch_.reset();
}

TEST_F(FileWatchTest, EndsWhileThingsHappen) {
  for (int i = 0; i < 20; ++i) {
    watch({folder_.path()});
    put(folder_ / "x", std::to_string(i));
    watch_.reset();
  }
}

}  // namespace
}  // namespace wye::os
