// A Table in one SQLite file that several processes may share: write-ahead log, one writer at a time, every acknowledged write
// synced to the disk before it is acknowledged. Source: sqlite.org "Write-Ahead Logging", "PRAGMA user_version".
#pragma once

#include "foundation/store/table.hpp"

namespace wye::store {

/// The layout of the file that this program writes; kept in the file as user_version.
inline constexpr int kStateSchema = 1;

/// Threads: any; one mutex around one connection. Do not carry an object across fork().
class SqliteTable final : public Table {
 public:
  /// Opens or creates the file (mode 0600; wider modes are narrowed). Its folder must exist. An older layout is migrated after a
  /// copy `<path>.v<old>` was made. Errors: kUsage (a newer layout, a symbolic link, somebody else's file), kCorrupt (no Wye
  /// state file, or damaged), kIo (disk), kTimeout (locked). The detail says which file and what to do.
  static Result<std::unique_ptr<SqliteTable>> open(const std::filesystem::path& path, TableTuning tuning = {});
  ~SqliteTable() override;
  SqliteTable(const SqliteTable&) = delete;
  SqliteTable& operator=(const SqliteTable&) = delete;

  Result<std::optional<Record>> get(std::string_view collection, std::string_view key) override;
  Result<Page> list(std::string_view collection, const ListFrom& from) override;
  Result<Written> write(std::span<const Write> batch) override;
  Result<uint64_t> sequence() override;
  Result<Changes> changes(std::string_view collection, uint64_t since, uint32_t limit) override;

 private:
  struct State;
  explicit SqliteTable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wye::store
