#include "foundation/store/sqlite_table.hpp"

#include "foundation/store/sqlite_file.hpp"
#include "foundation/store/table_limits.hpp"

namespace wye::store {
namespace {

// A record is the row of its newest change: an erased one keeps its row with a NULL value, so that whoever polls sees it go. The
// version is the row id: changes are read in the order in which they lie.
constexpr std::string_view kSteps[] = {
    R"sql(
CREATE TABLE records(version INTEGER PRIMARY KEY, collection TEXT NOT NULL, key BLOB NOT NULL, value BLOB) STRICT;
CREATE UNIQUE INDEX records_by_name ON records(collection, key);
CREATE INDEX records_by_change ON records(collection, version);
CREATE INDEX records_erased ON records(version) WHERE value IS NULL;
CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), sequence INTEGER NOT NULL, forgotten INTEGER NOT NULL) STRICT;
INSERT INTO state VALUES(1, 0, 0);
)sql",
};
static_assert(std::size(kSteps) == kStateSchema);

// Old erasures are counted once in so many changes.
constexpr uint64_t kForgetEvery = 256;

/// The key range of a listing, as [first, end).
struct Range {
  std::string first;
  std::string end;
};
Range range_of(const ListFrom& from) {
  Range range;
  range.first = !from.after.empty() && from.after >= from.prefix ? from.after + '\0' : from.prefix;
  // Above every key that can be stored.
  range.end = prefix_end(from.prefix).value_or(std::string(kKeyBytesMax + 1, '\xFF'));
  return range;
}

}  // namespace

struct SqliteTable::State {
  std::mutex mutex;
  std::unique_ptr<SqliteFile> file;  // before the statements: they go first
  TableTuning tuning;
  Statement get, list, changes, state, set_state, remove, insert, newest_to_forget, forget;

  Result<> prepare();
  struct Counters {
    uint64_t sequence = 0;
    uint64_t forgotten = 0;
  };
  Result<Counters> counters();
  Result<std::optional<Record>> read(std::string_view collection, std::string_view key);
  Result<bool> holds(const Write& write);
  Result<> store(const Write& write, uint64_t version);
  Result<uint64_t> forget_old(uint64_t forgotten);
};

Result<> SqliteTable::State::prepare() {
  const std::pair<Statement*, const char*> all[] = {
      {&get, "SELECT value, version FROM records WHERE collection = ?1 AND key = ?2 AND value IS NOT NULL"},
      {&list, "SELECT key, value, version FROM records WHERE collection = ?1 AND key >= ?2 AND key < ?3 AND value IS NOT NULL ORDER BY key LIMIT ?4"},
      {&changes, "SELECT key, value, version FROM records WHERE collection = ?1 AND version > ?2 ORDER BY version LIMIT ?3"},
      {&state, "SELECT sequence, forgotten FROM state"},
      {&set_state, "UPDATE state SET sequence = ?1, forgotten = ?2"},
      {&remove, "DELETE FROM records WHERE collection = ?1 AND key = ?2"},
      {&insert, "INSERT INTO records(version, collection, key, value) VALUES(?1, ?2, ?3, ?4)"},
      {&newest_to_forget, "SELECT version FROM records WHERE value IS NULL ORDER BY version DESC LIMIT 1 OFFSET ?1"},
      {&forget, "DELETE FROM records WHERE value IS NULL AND version <= ?1"},
  };
  for (const auto& [statement, sql] : all) { TRY(*statement, Statement::prepare(*file, sql)); }
  return {};
}

Result<SqliteTable::State::Counters> SqliteTable::State::counters() {
  const ResetLater reset_later(state);
  TRY(const bool row, state.step());
  if (!row) return Fail(internal_error(ErrorCode::kCorrupt, "state file: the row of its counters is missing"));
  return Counters{state.column_number(0), state.column_number(1)};
}

Result<std::optional<Record>> SqliteTable::State::read(std::string_view collection, std::string_view key) {
  const ResetLater reset_later(get);
  get.text(1, collection).blob(2, key);
  TRY(const bool row, get.step());
  if (!row) return std::optional<Record>();
  return std::optional(Record{std::string(key), get.column_blob(0), get.column_number(1)});
}

Result<bool> SqliteTable::State::holds(const Write& write) {
  if (write.expect.kind == Expect::Kind::kAnything) return true;
  const ResetLater reset_later(get);
  get.text(1, write.collection).blob(2, write.key);
  TRY(const bool present, get.step());
  if (write.expect.kind == Expect::Kind::kAbsent) return !present;
  return present && get.column_number(1) == write.expect.version;
}

Result<> SqliteTable::State::store(const Write& write, uint64_t version) {
  remove.text(1, write.collection).blob(2, write.key);
  CHECK_OK(remove.finish());
  insert.number(1, version).text(2, write.collection).blob(3, write.key);
  if (write.value) {
    insert.blob(4, *write.value);
  } else {
    insert.null(4);
  }
  return insert.finish();
}

Result<uint64_t> SqliteTable::State::forget_old(uint64_t forgotten) {
  {
    const ResetLater reset_later(newest_to_forget);
    newest_to_forget.number(1, tuning.erased_kept);
    TRY(const bool row, newest_to_forget.step());
    if (!row) return forgotten;
    forgotten = newest_to_forget.column_number(0);
  }
  forget.number(1, forgotten);
  CHECK_OK(forget.finish());
  return forgotten;
}

SqliteTable::SqliteTable(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteTable::~SqliteTable() = default;

Result<std::unique_ptr<SqliteTable>> SqliteTable::open(const std::filesystem::path& path, TableTuning tuning) {
  auto state = std::make_unique<State>();
  state->tuning = tuning;
  TRY(state->file, SqliteFile::open(path, tuning, kSteps));
  CHECK_OK(state->prepare());
  return std::unique_ptr<SqliteTable>(new SqliteTable(std::move(state)));
}

Result<std::optional<Record>> SqliteTable::get(std::string_view collection, std::string_view key) {
  CHECK_OK(check_name(collection, key));
  const std::lock_guard lock(state_->mutex);
  return state_->read(collection, key);
}

Result<Page> SqliteTable::list(std::string_view collection, const ListFrom& from) {
  CHECK_OK(check_list(collection, from));
  const Range range = range_of(from);
  const std::lock_guard lock(state_->mutex);
  Statement& list = state_->list;
  const ResetLater reset_later(list);
  list.text(1, collection).blob(2, range.first).blob(3, range.end).number(4, from.limit + 1);
  Page page;
  while (true) {
    TRY(const bool row, list.step());
    if (!row) return page;
    if (page.records.size() == from.limit) {
      page.more = true;
      return page;
    }
    page.records.push_back({list.column_blob(0), list.column_blob(1), list.column_number(2)});
  }
}

Result<Written> SqliteTable::write(std::span<const Write> batch) {
  CHECK_OK(check_batch(batch));
  const std::lock_guard lock(state_->mutex);
  TRY(auto transaction, Transaction::begin(*state_->file, Transaction::Kind::kWrite));
  for (size_t i = 0; i < batch.size(); ++i) {
    TRY(const bool holds, state_->holds(batch[i]));
    if (!holds) return Written{.applied = false, .sequence = 0, .refused = i};
  }
  TRY(State::Counters counters, state_->counters());
  const uint64_t before = counters.sequence;
  for (const Write& write : batch) CHECK_OK(state_->store(write, ++counters.sequence));
  if (before / kForgetEvery != counters.sequence / kForgetEvery) { TRY(counters.forgotten, state_->forget_old(counters.forgotten)); }
  state_->set_state.number(1, counters.sequence).number(2, counters.forgotten);
  CHECK_OK(state_->set_state.finish());
  CHECK_OK(transaction.commit());
  return Written{.applied = true, .sequence = counters.sequence, .refused = 0};
}

Result<uint64_t> SqliteTable::sequence() {
  const std::lock_guard lock(state_->mutex);
  TRY(const State::Counters counters, state_->counters());
  return counters.sequence;
}

Result<Changes> SqliteTable::changes(std::string_view collection, uint64_t since, uint32_t limit) {
  CHECK_OK(check_changes(collection, limit));
  const std::lock_guard lock(state_->mutex);
  // One read transaction: counters and rows of the same moment.
  TRY(auto transaction, Transaction::begin(*state_->file, Transaction::Kind::kRead));
  TRY(const State::Counters counters, state_->counters());
  Changes found;
  found.next = counters.sequence;
  if (since < counters.forgotten || since > counters.sequence) {
    found.reload = true;
    return found;
  }
  Statement& changes = state_->changes;
  const ResetLater reset_later(changes);
  changes.text(1, collection).number(2, since).number(3, limit + 1);
  while (true) {
    TRY(const bool row, changes.step());
    if (!row) return found;
    if (found.changes.size() == limit) {
      found.more = true;
      found.next = found.changes.back().version;
      return found;
    }
    Change change{.key = changes.column_blob(0), .value = std::nullopt, .version = changes.column_number(2)};
    if (!changes.column_is_null(1)) change.value = changes.column_blob(1);
    found.changes.push_back(std::move(change));
  }
}

}  // namespace wye::store
