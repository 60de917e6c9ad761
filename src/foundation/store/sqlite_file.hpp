// One connection to the state file: opening it safely, its layout, its statements. Private to this room.
// Threads: one at a time; SqliteTable locks.
#pragma once

#include "foundation/store/table.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace wye::store {

/// Turns a result code of SQLite into an Error whose detail says what failed, on which file, and what to do about it.
Error sqlite_error(int code, std::string_view message, const std::filesystem::path& path);

class SqliteFile {
 public:
  /// Creates the file with mode 0600 if there is none, opens it in WAL mode and brings its layout up to the last of `steps`:
  /// step i is the SQL that leads from layout i to layout i + 1. Errors as SqliteTable::open.
  static Result<std::unique_ptr<SqliteFile>> open(const std::filesystem::path& path, const TableTuning& tuning,
                                                  std::span<const std::string_view> steps);
  ~SqliteFile();
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;

  /// Runs constant SQL that gives no rows.
  Result<> run(const char* sql);
  /// The one number that constant SQL gives.
  Result<int64_t> number(const char* sql);
  /// The Error of the call that just gave `code`.
  Error error(int code) const;
  sqlite3* raw() const { return db_; }

 private:
  explicit SqliteFile(std::filesystem::path path) : path_(std::move(path)) {}
  Result<> connect(const TableTuning& tuning);
  Result<> check_owner(int layouts);
  Result<> use_wal();
  Result<> migrate(std::span<const std::string_view> steps);
  Result<> migrate_locked(std::span<const std::string_view> steps, int64_t from, const std::filesystem::path& copy);
  Result<std::filesystem::path> copy_aside();

  std::filesystem::path path_;
  sqlite3* db_ = nullptr;
};

/// A prepared statement. Bound views must live until the next `reset`.
class Statement {
 public:
  static Result<Statement> prepare(SqliteFile& file, const char* sql);
  Statement() = default;
  Statement(Statement&& other) noexcept : file_(other.file_), statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(statement_, other.statement_);
    return *this;
  }
  ~Statement();

  Statement& text(int at, std::string_view value);
  Statement& blob(int at, std::string_view value);
  Statement& null(int at);
  Statement& number(int at, uint64_t value);
  /// True: a row is there; false: done.
  Result<bool> step();
  /// For statements without rows: runs to the end and resets.
  Result<> finish();
  void reset();

  std::string column_blob(int at) const;
  bool column_is_null(int at) const;
  uint64_t column_number(int at) const;

 private:
  SqliteFile* file_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

/// Resets a statement at the end of a scope, however it is left: an unfinished one would hold a read lock.
class ResetLater {
 public:
  explicit ResetLater(Statement& statement) : statement_(statement) {}
  ~ResetLater() { statement_.reset(); }
  ResetLater(const ResetLater&) = delete;
  ResetLater& operator=(const ResetLater&) = delete;

 private:
  Statement& statement_;
};

/// A transaction that is rolled back unless it was committed.
class Transaction {
 public:
  enum class Kind : uint8_t { kRead, kWrite };
  static Result<Transaction> begin(SqliteFile& file, Kind kind);
  Transaction(Transaction&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  ~Transaction();
  Result<> commit();

 private:
  explicit Transaction(SqliteFile& file) : file_(&file) {}
  SqliteFile* file_;
};

}  // namespace wye::store
