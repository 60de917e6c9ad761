// What only the SQLite adapter promises: the file, its layout, other processes, sudden death.
#include "foundation/base/test_folder.hpp"
#include "foundation/store/sqlite_file.hpp"
#include "foundation/store/sqlite_table.hpp"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <csignal>
#include <fstream>

namespace wye::store {
namespace {

constexpr TableTuning kShortWait{.erased_kept = 100, .lock_wait = std::chrono::milliseconds(50)};

class SqliteTest : public testing::Test {
 protected:
  Result<std::unique_ptr<SqliteTable>> open() { return SqliteTable::open(path_, kShortWait); }
  /// Runs SQL past the adapter, as another program would.
  void meddle(const char* sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  static unsigned mode_of(const std::filesystem::path& path) {
    struct stat facts{};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
  }
  size_t files_in_folder() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()));
  }
  TestFolder folder_;
  std::filesystem::path path_ = folder_.path() / "state.db";
};

TEST_F(SqliteTest, OnlyTheOwnerMayReadItsFiles) {
  const auto table = open();
  ASSERT_TRUE(table) << table.error().detail;
  ASSERT_TRUE((*table)->put("c", "k", "v"));
  EXPECT_EQ(mode_of(path_), 0600u);
  EXPECT_EQ(mode_of(path_.string() + "-wal"), 0600u);
  EXPECT_EQ(mode_of(path_.string() + "-shm"), 0600u);
  EXPECT_EQ(files_in_folder(), 3u) << "nothing is left of the creation";
}

TEST_F(SqliteTest, AWiderModeIsNarrowed) {
  ASSERT_TRUE(open());
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  ASSERT_TRUE(open());
  EXPECT_EQ(mode_of(path_), 0600u);
}

TEST_F(SqliteTest, RecordsStayAfterClosing) {
  ASSERT_TRUE((*open())->put("c", "k", "v"));
  EXPECT_EQ((*(*open())->get("c", "k"))->value, "v");
  EXPECT_EQ(*(*open())->sequence(), 1u);
  EXPECT_EQ((*open())->put("c", "k2", "v")->sequence, 2u) << "numbers go on";
}

TEST_F(SqliteTest, RefusesWhatIsNoStateFile) {
  std::ofstream(path_) << std::string(5'000, 'x');
  EXPECT_EQ(open().error().code, ErrorCode::kCorrupt);
  std::filesystem::remove(path_);
  meddle("CREATE TABLE theirs(x)");
  const auto foreign = open();
  EXPECT_EQ(foreign.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(foreign.error().detail.find("not one of Wye"), std::string::npos);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(open().error().code, ErrorCode::kUsage);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(folder_.path() / "elsewhere", path_);
  EXPECT_EQ(open().error().code, ErrorCode::kUsage);
  EXPECT_EQ(SqliteTable::open(folder_.path() / "none" / "state.db").error().code, ErrorCode::kIo);
}

TEST_F(SqliteTest, ANewerLayoutIsRefusedAndLeftAlone) {
  ASSERT_TRUE((*open())->put("c", "k", "v"));
  meddle("PRAGMA user_version = 7");
  const auto newer = open();
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kUsage);
  EXPECT_NE(newer.error().detail.find("newer Wye (layout 7, this program knows 1)"), std::string::npos) << newer.error().detail;
  meddle("PRAGMA user_version = 1");
  EXPECT_TRUE(*(*open())->get("c", "k"));
}

constexpr std::string_view kOldSteps[] = {"CREATE TABLE a(x); INSERT INTO a VALUES('kept');"};
constexpr std::string_view kNewSteps[] = {kOldSteps[0], "CREATE TABLE b(y);", "INSERT INTO b SELECT x FROM a; DROP TABLE a;"};
constexpr std::string_view kBrokenSteps[] = {kOldSteps[0], "CREATE TABLE b(y); INSERT INTO nowhere VALUES(1);"};

TEST_F(SqliteTest, AnOlderLayoutIsMigratedAfterACopy) {
  ASSERT_TRUE(SqliteFile::open(path_, kShortWait, kOldSteps));
  EXPECT_EQ(files_in_folder(), 1u) << "a first creation copies nothing";
  {
    const auto file = SqliteFile::open(path_, kShortWait, kNewSteps);
    ASSERT_TRUE(file) << file.error().detail;
    EXPECT_EQ(*(*file)->number("SELECT count(*) FROM b WHERE y = 'kept'"), 1);
    EXPECT_EQ(*(*file)->number("PRAGMA user_version"), 3);
  }
  const std::filesystem::path copy = path_.string() + ".v1";
  EXPECT_EQ(mode_of(copy), 0600u);
  EXPECT_EQ(files_in_folder(), 2u);
  const auto old = SqliteFile::open(copy, kShortWait, kOldSteps);
  ASSERT_TRUE(old) << old.error().detail;
  EXPECT_EQ(*(*old)->number("SELECT count(*) FROM a WHERE x = 'kept'"), 1);
}

TEST_F(SqliteTest, AFailedMigrationChangesNothing) {
  ASSERT_TRUE(SqliteFile::open(path_, kShortWait, kOldSteps));
  EXPECT_FALSE(SqliteFile::open(path_, kShortWait, kBrokenSteps));
  const auto file = SqliteFile::open(path_, kShortWait, kOldSteps);
  ASSERT_TRUE(file) << file.error().detail;
  EXPECT_EQ(*(*file)->number("SELECT count(*) FROM sqlite_schema WHERE name = 'b'"), 0);
}

TEST_F(SqliteTest, ADamagedFileSaysSo) {
  {
    auto table = *open();
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(table->put("c", "k" + std::to_string(i), std::string(1'000, 'v')));
  }
  const auto size = std::filesystem::file_size(path_);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4'096);
    file << std::string(size - 8'192, '\xEE');
  }
  auto table = open();
  Error error = table ? Error{} : table.error();
  for (int i = 0; table && i < 200 && error.code != ErrorCode::kCorrupt; ++i) {
    if (const auto got = (*table)->get("c", "k" + std::to_string(i)); !got) error = got.error();
  }
  EXPECT_EQ(error.code, ErrorCode::kCorrupt) << error.detail;
  EXPECT_NE(error.detail.find(path_.string()), std::string::npos);
}

TEST_F(SqliteTest, AnotherWriterIsWaitedForButNotForever) {
  auto table = *open();
  auto other = *SqliteFile::open(path_, kShortWait, std::array<std::string_view, 1>{"" /* already there: not run */});
  ASSERT_TRUE(other->run("BEGIN IMMEDIATE"));
  EXPECT_EQ(table->put("c", "k", "v").error().code, ErrorCode::kTimeout);
  EXPECT_EQ(*table->sequence(), 0u) << "readers are not disturbed";
  ASSERT_TRUE(other->run("ROLLBACK"));
  EXPECT_TRUE(table->put("c", "k", "v")->applied);
}

TEST_F(SqliteTest, ErrorsOfTheLibraryAreToldApart) {
  EXPECT_EQ(sqlite_error(SQLITE_FULL, "m", "p").code, ErrorCode::kIo);
  EXPECT_NE(sqlite_error(SQLITE_FULL, "m", "p").detail.find("disk is full"), std::string::npos);
  EXPECT_EQ(sqlite_error(SQLITE_BUSY_SNAPSHOT, "m", "p").code, ErrorCode::kTimeout);
  EXPECT_EQ(sqlite_error(SQLITE_CORRUPT_INDEX, "m", "p").code, ErrorCode::kCorrupt);
  EXPECT_EQ(sqlite_error(SQLITE_IOERR_WRITE, "m", "p").code, ErrorCode::kIo);
  EXPECT_EQ(sqlite_error(SQLITE_MISUSE, "m", "p").code, ErrorCode::kIo);
}

TEST_F(SqliteTest, AFullDatabaseFailsCleanlyAndGoesOn) {
  auto file = *SqliteFile::open(path_, kShortWait, kOldSteps);
  ASSERT_TRUE(file->run("PRAGMA max_page_count = 4"));
  ASSERT_TRUE(file->run("BEGIN IMMEDIATE"));
  Result<> filled;
  for (int i = 0; i < 100 && filled; ++i) filled = file->run("INSERT INTO a VALUES(zeroblob(4000))");
  ASSERT_FALSE(filled);
  EXPECT_NE(filled.error().detail.find("disk is full"), std::string::npos) << filled.error().detail;
  (void)file->run("ROLLBACK");
  EXPECT_EQ(*file->number("SELECT count(*) FROM a"), 1);
}

// A file-size limit stands in for a disk that refuses: the write fails with an error, and works again once the limit is gone.
TEST_F(SqliteTest, ADiskThatRefusesLosesNothing) {
  auto table = *open();
  ASSERT_TRUE(table->put("c", "before", "v"));
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{std::filesystem::file_size(path_.string() + "-wal"), old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto failed = table->put("c", "during", std::string(100'000, 'v'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  (void)std::signal(SIGXFSZ, previous);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  EXPECT_TRUE(table->put("c", "after", "v")->applied);
  EXPECT_TRUE(*table->get("c", "before"));
  EXPECT_FALSE(*table->get("c", "during"));
}

TEST_F(SqliteTest, ManyMayOpenANewFileAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const auto table = SqliteTable::open(path_);
      if (table && (*table)->put("c", std::to_string(t), "v")) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ((*open())->list("c", {})->records.size(), 8u);
}

/// Writes numbers until it is killed, and says each one after it was acknowledged.
[[noreturn]] void write_until_killed(const std::filesystem::path& path, int out) {
  auto table = SqliteTable::open(path);
  for (uint32_t i = 0; table; ++i) {
    // Two records a batch: a torn batch would show as one of them.
    const std::vector<Write> batch{{.collection = "a", .key = std::to_string(i), .value = std::string(i % 3'000, 'v'), .expect = {}},
                                   {.collection = "b", .key = std::to_string(i), .value = "v", .expect = {}}};
    if (!(*table)->write(batch) || ::write(out, &i, sizeof i) != sizeof i) break;
  }
  ::_exit(1);
}

size_t count(Table& table, std::string_view collection) {
  size_t n = 0;
  ListFrom from{.prefix = {}, .after = {}, .limit = kPageMax};
  for (bool more = true; more;) {
    const auto page = table.list(collection, from);
    n += page->records.size();
    more = page->more;
    if (more) from.after = page->records.back().key;
  }
  return n;
}

TEST_F(SqliteTest, EveryAcknowledgedWriteSurvivesKillNine) {
  for (int round = 0; round < 5; ++round) {
    TestFolder folder;
    const auto path = folder.path() / "state.db";
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(path, ends[1]);
    ::close(ends[1]);
    uint32_t acknowledged = 0;
    uint32_t last = 0;
    const uint32_t enough = 40u + 30u * static_cast<uint32_t>(round);
    for (; acknowledged < enough; ++acknowledged) ASSERT_EQ(::read(ends[0], &last, sizeof last), ssize_t{sizeof last});
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    while (::read(ends[0], &last, sizeof last) == ssize_t{sizeof last}) ++acknowledged;
    ::close(ends[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const auto table = SqliteTable::open(path);
    ASSERT_TRUE(table) << table.error().detail;
    for (uint32_t i = 0; i < acknowledged; ++i) ASSERT_TRUE(*(*table)->get("a", std::to_string(i))) << i << " of " << acknowledged;
    EXPECT_EQ(count(**table, "a"), count(**table, "b")) << "no half of a batch";
    EXPECT_LE(count(**table, "a"), acknowledged + 1);
  }
}

TEST_F(SqliteTest, AnotherProcessSeesChangesByPolling) {
  auto table = *open();
  ASSERT_TRUE(table->put("c", "k", "v"));
  const uint64_t seen = *table->sequence();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto mine = SqliteTable::open(path_);
    ::_exit(mine && (*mine)->erase("c", "k") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_GT(*table->sequence(), seen);
  const Changes changes = *table->changes("c", seen, 10);
  ASSERT_EQ(changes.changes.size(), 1u);
  EXPECT_FALSE(changes.changes[0].value);
}

}  // namespace
}  // namespace wye::store
