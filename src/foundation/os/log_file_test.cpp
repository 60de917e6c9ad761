#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>

#include "foundation/base/test_folder.hpp"
#include "foundation/os/file.hpp"
#include "foundation/os/file_log_sink.hpp"
#include "foundation/os/rotating_file.hpp"

namespace wye::os {
namespace {

using std::chrono::seconds;

std::string content(const std::filesystem::path& path) { return read_file(path, 64_MiB).value_or("(missing)"); }

TEST(RotatingFileTest, RotatesWholeLinesAndKeepsSoMany) {
  const TestFolder folder;
  const auto path = folder / "log";
  auto file = RotatingFile::open(path, {.size = Bytes{10}, .kept = 2});
  ASSERT_TRUE(file);
  for (const char* line : {"aaaa\n", "bbbb\n", "cccc\n", "dddd\n", "eeee\n", "ffff\n", "gggg\n"}) ASSERT_TRUE(file->append(line));
  EXPECT_EQ(content(path), "gggg\n");
  EXPECT_EQ(content(folder / "log.1"), "eeee\nffff\n");
  EXPECT_EQ(content(folder / "log.2"), "cccc\ndddd\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "log.3"));
}

TEST(RotatingFileTest, SplitsABlockBetweenLinesOnly) {
  const TestFolder folder;
  auto file = RotatingFile::open(folder / "log", {.size = Bytes{10}, .kept = 9});
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("aa\nbb\ncc\ndd\nthis line is longer than a file\nee\n"));
  EXPECT_EQ(content(folder / "log.3"), "aa\nbb\ncc\n");
  EXPECT_EQ(content(folder / "log.2"), "dd\n");
  EXPECT_EQ(content(folder / "log.1"), "this line is longer than a file\n");
  EXPECT_EQ(content(folder / "log"), "ee\n");
  ASSERT_TRUE(file->append("ff\n"));
}

TEST(RotatingFileTest, GoesOnWhereItWasAndRefusesWhatIsNoFile) {
  const TestFolder folder;
  ASSERT_TRUE(write_file_atomic(folder / "log", "before\n"));
  auto file = RotatingFile::open(folder / "log", {.size = Bytes{12}, .kept = 1});
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("after\n"));
  EXPECT_EQ(content(folder / "log.1"), "before\n");
  EXPECT_FALSE(RotatingFile::open(folder.path()));
  EXPECT_FALSE(RotatingFile::open(folder / "none" / "log"));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(RotatingFile::open(folder / "pipe"));
}

TEST(RotatingFileTest, AFullDiskLeavesNoTornLine) {
  const TestFolder folder;
  const auto path = folder / "log";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{.rlim_cur = 10, .rlim_max = 10};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);
    auto file = RotatingFile::open(path);
    ::_exit(file && file->append("12345\n") && !file->append("67890\n") && file->append("89\n") ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content(path), "12345\n89\n");
}

/// An output that waits until it is let go, or refuses.
class SlowOutput final : public LineOutput {
 public:
  struct Gate {
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    bool refuse = false;
    std::string text;
  };
  explicit SlowOutput(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  Result<> append(std::string_view lines) override {
    std::unique_lock lock(gate_->mutex);
    gate_->opened.wait(lock, [this] { return gate_->open; });
    if (gate_->refuse) return Fail(internal_error(ErrorCode::kIo, "disk full"));
    gate_->text += lines;
    return {};
  }

 private:
  std::shared_ptr<Gate> gate_;
};

void let_go(SlowOutput::Gate& gate) {
  const std::lock_guard lock(gate.mutex);
  gate.open = true;
  gate.opened.notify_all();
}

TEST(FileLogSinkTest, WritesEverythingInOrderFromManyThreads) {
  const TestFolder folder;
  {
    FileLogSink sink(std::make_unique<RotatingFile>(*RotatingFile::open(folder / "log")));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&sink, t] {
        for (int i = 0; i < 1000; ++i) sink.write(std::to_string(t) + " " + std::to_string(i) + "\n");
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(sink.flush(seconds(5)));
    EXPECT_EQ(sink.dropped(), 0U);
    sink.write("last\n");
  }
  const std::string text = content(folder / "log");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4001);
  EXPECT_TRUE(text.ends_with("last\n"));
  for (int t = 0; t < 4; ++t) {
    size_t at = 0;
    for (int i = 0; i < 1000; ++i) {
      at = text.find(std::to_string(t) + " " + std::to_string(i) + "\n", at);
      ASSERT_NE(at, std::string::npos) << t << " " << i;
    }
  }
}

TEST(FileLogSinkTest, AHangingDiskNeverBlocksAndTheDropsAreCounted) {
  auto gate = std::make_shared<SlowOutput::Gate>();
  FileLogSink sink(std::make_unique<SlowOutput>(gate), 1000);
  const std::string line = std::string(99, 'x') + "\n";
  sink.write(line);
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) sink.write(line + line);
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(1));
  EXPECT_GE(sink.dropped(), 1980U);
  EXPECT_FALSE(sink.flush(std::chrono::milliseconds(10)));
  let_go(*gate);
  EXPECT_TRUE(sink.flush(seconds(5)));
  EXPECT_EQ(gate->text.size() / 100 + sink.dropped(), 2001U);
}

TEST(FileLogSinkTest, WhatTheDiskRefusesIsCountedAndLaterLinesGoOn) {
  auto gate = std::make_shared<SlowOutput::Gate>();
  gate->refuse = true;
  let_go(*gate);
  FileLogSink sink(std::make_unique<SlowOutput>(gate));
  sink.write("a\nb\n");
  EXPECT_TRUE(sink.flush(seconds(5)));
  EXPECT_EQ(sink.dropped(), 2U);
  {
    const std::lock_guard lock(gate->mutex);
    gate->refuse = false;
  }
  sink.write("c\n");
  EXPECT_TRUE(sink.flush(seconds(5)));
  EXPECT_EQ(gate->text, "c\n");
}

TEST(FileLogSinkTest, TheDestructorGivesUpOnADiskThatHangs) {
  auto gate = std::make_shared<SlowOutput::Gate>();
  const auto before = std::chrono::steady_clock::now();
  {
    FileLogSink sink(std::make_unique<SlowOutput>(gate));
    sink.write("a\n");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, FileLogSink::kFlushMax + seconds(2));
  let_go(*gate);  // the thread that was left behind ends by itself
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace
}  // namespace wye::os
