#include "foundation/store/sqlite_file.hpp"

#include "foundation/store/sqlite_table.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace wye::store {
namespace {

constexpr int kApplicationId = 0x57796501;  // "Wye", 1: marks the file as ours
constexpr int kWalAttempts = 300;

Fail os_failure(std::string_view what, const std::filesystem::path& path, int number) {
  return Fail(internal_error(ErrorCode::kIo, std::string(what) + " " + path.string() + ": " + std::generic_category().message(number)));
}

Fail refused(const std::filesystem::path& path, std::string_view why) {
  return Fail(internal_error(ErrorCode::kUsage, path.string() + ' ' + std::string(why)));
}

/// Makes an empty file of mode 0600 under a name of its own beside `path`.
Result<std::filesystem::path> make_private_file(const std::filesystem::path& path) {
  std::string name = path.string() + ".XXXXXX";
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return os_failure("can not create a file beside", path, errno);
  ::close(fd);
  return std::filesystem::path(name);
}

void remove_quietly(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

Result<> sync_path(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return os_failure("can not open", path, errno);
  const int result = ::fsync(fd);
  const int number = errno;
  ::close(fd);
  if (result != 0) return os_failure("can not sync", path, number);
  return {};
}

/// The file is created under another name and linked into place: opening `path` itself and closing it again would drop the locks
/// that another connection of this process holds on it (a property of POSIX record locks).
Result<> ensure_private_file(const std::filesystem::path& path) {
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0) {
    if (errno != ENOENT) return os_failure("can not look at", path, errno);
    TRY(const auto fresh, make_private_file(path));
    const int result = ::link(fresh.c_str(), path.c_str());
    const int number = errno;
    remove_quietly(fresh);
    if (result != 0 && number != EEXIST) return os_failure("can not create", path, number);
    if (::lstat(path.c_str(), &facts) != 0) return os_failure("can not look at", path, errno);
  }
  if (S_ISLNK(facts.st_mode)) return refused(path, "is a symbolic link: give the real path");
  if (!S_ISREG(facts.st_mode)) return refused(path, "is not a regular file");
  if (facts.st_uid != ::geteuid()) return refused(path, "belongs to another user");
  if ((facts.st_mode & 0077) != 0 && ::chmod(path.c_str(), 0600) != 0) return os_failure("can not make private", path, errno);
  return {};
}

}  // namespace

Error sqlite_error(int code, std::string_view message, const std::filesystem::path& path) {
  const auto make = [&](ErrorCode kind, std::string_view what) {
    const std::string source = " (SQLite " + std::to_string(code) + ": " + std::string(message) + ')';
    return internal_error(kind, "state file " + path.string() + ": " + std::string(what) + source);
  };
  switch (code & 0xFF) {
    case SQLITE_FULL: return make(ErrorCode::kIo, "the disk is full: free space, nothing was lost");
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return make(ErrorCode::kTimeout, "another process keeps it locked");
    case SQLITE_CORRUPT: return make(ErrorCode::kCorrupt, "it is damaged: restore a copy");
    case SQLITE_NOTADB: return make(ErrorCode::kCorrupt, "it is not a database of Wye");
    case SQLITE_READONLY:
    case SQLITE_PERM: return make(ErrorCode::kIo, "it can not be written: check its permissions");
    case SQLITE_CANTOPEN: return make(ErrorCode::kIo, "it can not be opened: check that its folder exists and may be written");
    case SQLITE_IOERR: return make(ErrorCode::kIo, "the disk refuses to read or write");
    default: return make(ErrorCode::kIo, "it can not be used");
  }
}

Error SqliteFile::error(int code) const { return sqlite_error(code, db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code), path_); }

SqliteFile::~SqliteFile() { sqlite3_close_v2(db_); }

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::filesystem::path& path, const TableTuning& tuning,
                                                     std::span<const std::string_view> steps) {
  CHECK_OK(ensure_private_file(path));
  std::unique_ptr<SqliteFile> file(new SqliteFile(path));
  CHECK_OK(file->connect(tuning));
  CHECK_OK(file->check_owner(static_cast<int>(steps.size())));
  CHECK_OK(file->use_wal());
  // FULL: a commit is on the disk, not only in the kernel, before it is acknowledged.
  CHECK_OK(file->run("PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-1024"));
  CHECK_OK(file->migrate(steps));
  return file;
}

Result<> SqliteFile::connect(const TableTuning& tuning) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  const int code = sqlite3_open_v2(path_.c_str(), &db_, kFlags, nullptr);
  if (code != SQLITE_OK) return Fail(error(code));
  sqlite3_busy_timeout(db_, static_cast<int>(tuning.lock_wait.count()));
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return {};
}

/// Before anything is changed: is this a file of ours, in a layout that we know?
Result<> SqliteFile::check_owner(int layouts) {
  // One view of the file: between two of these reads another process may lay it out.
  TRY(auto view, Transaction::begin(*this, Transaction::Kind::kRead));
  TRY(const int64_t layout, number("PRAGMA user_version"));
  TRY(const int64_t application, number("PRAGMA application_id"));
  TRY(const int64_t objects, number("SELECT count(*) FROM sqlite_schema"));
  if (layout > layouts && application == kApplicationId) {
    return refused(path_, "was written by a newer Wye (layout " + std::to_string(layout) + ", this program knows " + std::to_string(layouts) +
                              "): use that version, or another data folder");
  }
  const bool empty = layout == 0 && application == 0 && objects == 0;
  if (!empty && application != kApplicationId) {
    return Fail(internal_error(ErrorCode::kCorrupt, path_.string() + " is a database, but not one of Wye: use another data folder"));
  }
  return {};
}

/// Changing the mode needs the file alone for a moment, and SQLite does not always wait for that by itself.
Result<> SqliteFile::use_wal() {
  for (int attempt = 1;; ++attempt) {
    const int code = sqlite3_exec(db_, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return {};
    if ((code & 0xFF) != SQLITE_BUSY || attempt == kWalAttempts) return Fail(error(code));
    sqlite3_sleep(10);
  }
}

Result<> SqliteFile::run(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Fail(error(code));
  return {};
}

Result<int64_t> SqliteFile::number(const char* sql) {
  TRY(auto statement, Statement::prepare(*this, sql));
  TRY(const bool row, statement.step());
  if (!row) return Fail(internal_error(ErrorCode::kCorrupt, "state file " + path_.string() + ": an expected row is missing"));
  return static_cast<int64_t>(statement.column_number(0));
}

/// A whole, synced copy under a name of its own; the caller renames or removes it.
Result<std::filesystem::path> SqliteFile::copy_aside() {
  TRY(const auto copy, make_private_file(path_));
  TRY(auto statement, Statement::prepare(*this, "VACUUM INTO ?1"));
  statement.text(1, copy.native());
  auto done = statement.finish();
  if (done) done = sync_path(copy);
  if (!done) {
    remove_quietly(copy);
    return Fail(std::move(done).error());
  }
  return copy;
}

Result<> SqliteFile::migrate(std::span<const std::string_view> steps) {
  TRY(const int64_t from, number("PRAGMA user_version"));
  if (from == static_cast<int64_t>(steps.size())) return {};
  std::filesystem::path copy;
  if (from > 0) { TRY(copy, copy_aside()); }
  auto done = migrate_locked(steps, from, copy);
  // Still under its first name: another process was quicker, or the migration failed before it was kept.
  if (!copy.empty()) remove_quietly(copy);
  return done;
}

Result<> SqliteFile::migrate_locked(std::span<const std::string_view> steps, int64_t from, const std::filesystem::path& copy) {
  TRY(auto transaction, Transaction::begin(*this, Transaction::Kind::kWrite));
  TRY(const int64_t now, number("PRAGMA user_version"));
  if (now != from) return {};
  if (!copy.empty()) {
    const std::filesystem::path kept = path_.string() + ".v" + std::to_string(from);
    std::error_code failed;
    std::filesystem::rename(copy, kept, failed);
    if (failed) return os_failure("can not keep the copy", kept, failed.value());
    CHECK_OK(sync_path(kept.has_parent_path() ? kept.parent_path() : std::filesystem::path(".")));
  }
  for (const std::string_view step : steps.subspan(static_cast<size_t>(from))) CHECK_OK(run(std::string(step).c_str()));
  const std::string marks = "PRAGMA application_id=" + std::to_string(kApplicationId) + "; PRAGMA user_version=" + std::to_string(steps.size());
  CHECK_OK(run(marks.c_str()));
  return transaction.commit();
}

Result<Statement> Statement::prepare(SqliteFile& file, const char* sql) {
  Statement made;
  made.file_ = &file;
  const int code = sqlite3_prepare_v3(file.raw(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made.statement_, nullptr);
  if (code != SQLITE_OK) return Fail(file.error(code));
  return made;
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::text(int at, std::string_view value) {
  sqlite3_bind_text64(statement_, at, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::blob(int at, std::string_view value) {
  // A null pointer would bind NULL, which means erased; an empty value is not that.
  sqlite3_bind_blob64(statement_, at, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::null(int at) {
  sqlite3_bind_null(statement_, at);
  return *this;
}

Statement& Statement::number(int at, uint64_t value) {
  sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(value));
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return Fail(file_->error(code));
}

Result<> Statement::finish() {
  const ResetLater reset_later(*this);
  while (true) {
    TRY(const bool row, step());
    if (!row) return {};
  }
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::string Statement::column_blob(int at) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, at));
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, at)));
}

bool Statement::column_is_null(int at) const { return sqlite3_column_type(statement_, at) == SQLITE_NULL; }

uint64_t Statement::column_number(int at) const { return static_cast<uint64_t>(sqlite3_column_int64(statement_, at)); }

Result<Transaction> Transaction::begin(SqliteFile& file, Kind kind) {
  CHECK_OK(file.run(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(file);
}

Transaction::~Transaction() {
  // Fails only where SQLite has rolled back by itself, as after a full disk.
  if (file_ != nullptr) (void)file_->run("ROLLBACK");
}

Result<> Transaction::commit() {
  CHECK_OK(file_->run("COMMIT"));
  file_ = nullptr;
  return {};
}

}  // namespace wye::store
