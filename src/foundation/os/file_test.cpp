#include "foundation/os/file.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "foundation/base/test_folder.hpp"
#include "foundation/os/folder_lock.hpp"

namespace wye::os {
namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat st{};
  EXPECT_EQ(::stat(path.c_str(), &st), 0);
  return st.st_mode & 0777;
}
size_t entries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

TEST(AtomicFile, WritesReplacesAndIsPrivate) {
  const TestFolder folder;
  const auto path = folder / "a";
  ASSERT_TRUE(write_file_atomic(path, "one"));
  EXPECT_EQ(mode_of(path), 0600U);
  ASSERT_TRUE(write_file_atomic(path, std::string(100'000, 'x'), 0644));
  EXPECT_EQ(mode_of(path), 0644U);
  EXPECT_EQ(read_file(path, 1_MiB)->size(), 100'000U);
  ASSERT_TRUE(write_file_atomic(path, ""));
  EXPECT_EQ(*read_file(path, 1_MiB), "");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(AtomicFile, AFailureLeavesTheOldContentAndNoRubbish) {
  const TestFolder folder;
  ASSERT_TRUE(make_private_folder(folder / "target"));
  ASSERT_TRUE(write_file_atomic(folder / "target" / "inside", "x"));
  EXPECT_FALSE(write_file_atomic(folder / "target", "y"));  // a folder stands there
  EXPECT_EQ(entries(folder.path()), 1U);
  EXPECT_FALSE(write_file_atomic(folder / "missing" / "file", "y"));
}

TEST(AtomicFile, AFullDiskIsAnError) {
  // A file size limit is the full disk that needs no mount; it belongs to a process, so a child takes it.
  const TestFolder folder;
  ASSERT_TRUE(write_file_atomic(folder / "a", "old"));
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);
    const auto written = write_file_atomic(folder / "a", std::string(5000, 'n'));
    ::_exit(!written && written.error().detail.find("File too large") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*read_file(folder / "a", 1_KiB), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(ReadFile, HoldsItsBoundAndRefusesWhatIsNoFile) {
  const TestFolder folder;
  ASSERT_TRUE(write_file_atomic(folder / "a", std::string(1024, 'x')));
  EXPECT_EQ(read_file(folder / "a", 1_KiB)->size(), 1024U);
  EXPECT_EQ(read_file(folder / "a", Bytes{1023}).error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(read_file(folder / "b", 1_KiB).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_file(folder / "a" / "b", 1_KiB).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_file(folder.path(), 1_KiB).error().code, ErrorCode::kIo);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(folder / "pipe", 1_KiB).error().code, ErrorCode::kIo);
  EXPECT_EQ(read_file("/dev/zero", 1_KiB).error().code, ErrorCode::kIo);
  EXPECT_FALSE(read_file("/proc/self/status", 1_MiB)->empty());
  EXPECT_EQ(read_file("/proc/self/status", Bytes{10}).error().code, ErrorCode::kTooLarge);
}

TEST(PrivateFolder, IsMadeWithParentsAndTightened) {
  const TestFolder folder;
  ASSERT_TRUE(make_private_folder(folder / "a" / "b"));
  EXPECT_EQ(mode_of(folder / "a" / "b"), 0700U);
  std::filesystem::permissions(folder / "a" / "b", std::filesystem::perms(0755));
  ASSERT_TRUE(make_private_folder(folder / "a" / "b"));
  EXPECT_EQ(mode_of(folder / "a" / "b"), 0700U);
  ASSERT_TRUE(write_file_atomic(folder / "file", ""));
  EXPECT_FALSE(make_private_folder(folder / "file"));
  EXPECT_FALSE(make_private_folder(folder / "file" / "below"));
}

TEST(FolderLockTest, OneHolderAtATimeAndItsNumberIsTold) {
  const TestFolder folder;
  const auto path = folder / "lock";
  EXPECT_FALSE(FolderLock::holder(path));
  {
    const auto lock = FolderLock::take(path);
    ASSERT_TRUE(lock);
    EXPECT_EQ(FolderLock::holder(path), ::getpid());
    const auto second = FolderLock::take(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kConflict);
    EXPECT_EQ(second.error().detail, folder.path().string() + " is in use by process " + std::to_string(::getpid()));
  }
  EXPECT_FALSE(FolderLock::holder(path));
  EXPECT_TRUE(FolderLock::take(path));
  EXPECT_EQ(FolderLock::take(folder / "none" / "lock").error().code, ErrorCode::kIo);
}

TEST(FolderLockTest, ADeadHolderHoldsNothing) {
  const TestFolder folder;
  const auto path = folder / "lock";
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FolderLock::take(path);
    if (lock) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(FolderLock::take(path));
}

TEST(FolderLockTest, ADeletedLockFileIsNoLock) {
  const TestFolder folder;
  const auto first = FolderLock::take(folder / "lock");
  ASSERT_TRUE(first);
  std::filesystem::remove(folder / "lock");
  // The name is free again: the new file is another lock. Who deletes a lock file takes the protection away; it must not hang.
  EXPECT_TRUE(FolderLock::take(folder / "lock"));
}

}  // namespace
}  // namespace wye::os
