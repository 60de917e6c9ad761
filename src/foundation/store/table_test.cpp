// The contract of Table, run over every adapter.
#include "foundation/base/random.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/store/fault_table.hpp"
#include "foundation/store/memory_table.hpp"
#include "foundation/store/sqlite_table.hpp"

namespace wye::store {
namespace {

struct Adapter {
  std::string_view name;
  /// Opens a Table in an empty folder, or the same one again.
  std::function<std::unique_ptr<Table>(const std::filesystem::path&, TableTuning)> open;
};

/// A FaultTable without faults that owns what it wraps.
class OwningFaultTable final : public Table {
 public:
  explicit OwningFaultTable(TableTuning tuning) : inner_(tuning), outer_(inner_, 1, {}) {}
  Result<std::optional<Record>> get(std::string_view c, std::string_view k) override { return outer_.get(c, k); }
  Result<Page> list(std::string_view c, const ListFrom& from) override { return outer_.list(c, from); }
  Result<Written> write(std::span<const Write> batch) override { return outer_.write(batch); }
  Result<uint64_t> sequence() override { return outer_.sequence(); }
  Result<Changes> changes(std::string_view c, uint64_t since, uint32_t limit) override { return outer_.changes(c, since, limit); }

 private:
  MemoryTable inner_;
  FaultTable outer_;
};

const Adapter kAdapters[] = {
    {"memory", [](const std::filesystem::path&, TableTuning tuning) -> std::unique_ptr<Table> { return std::make_unique<MemoryTable>(tuning); }},
    {"fault", [](const std::filesystem::path&, TableTuning tuning) -> std::unique_ptr<Table> { return std::make_unique<OwningFaultTable>(tuning); }},
    {"sqlite",
     [](const std::filesystem::path& folder, TableTuning tuning) -> std::unique_ptr<Table> {
       auto table = SqliteTable::open(folder / "state.db", tuning);
       if (!table) ADD_FAILURE() << table.error().detail;
       return std::move(*table);
     }},
};

class TableContract : public testing::TestWithParam<Adapter> {
 protected:
  void SetUp() override { table_ = GetParam().open(folder_.path(), {}); }
  std::vector<std::string> keys(ListFrom from) {
    std::vector<std::string> found;
    for (const Record& record : table_->list("c", from)->records) found.push_back(record.key);
    return found;
  }
  TestFolder folder_;
  std::unique_ptr<Table> table_;
};

TEST_P(TableContract, PutGetErase) {
  EXPECT_FALSE(*table_->get("c", "k"));
  EXPECT_EQ(*table_->sequence(), 0u);
  EXPECT_EQ(table_->put("c", "k", "one")->sequence, 1u);
  EXPECT_EQ(**table_->get("c", "k"), (Record{"k", "one", 1}));
  EXPECT_EQ(table_->put("c", "k", "two")->sequence, 2u);
  EXPECT_EQ(**table_->get("c", "k"), (Record{"k", "two", 2}));
  EXPECT_FALSE(*table_->get("other", "k")) << "collections are apart";
  EXPECT_EQ(table_->erase("c", "k")->sequence, 3u);
  EXPECT_FALSE(*table_->get("c", "k"));
  EXPECT_TRUE(table_->erase("c", "never")->applied);
  EXPECT_EQ(*table_->sequence(), 4u);
}

TEST_P(TableContract, ValuesAndKeysAreBytes) {
  const std::string key("\0\xFF'\"%_", 6);
  std::string value(300, '\0');
  for (size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i);
  ASSERT_TRUE(table_->put("c", key, value)->applied);
  ASSERT_TRUE(table_->put("c", "empty", "")->applied);
  EXPECT_EQ((*table_->get("c", key))->value, value);
  ASSERT_TRUE(*table_->get("c", "empty")) << "an empty value is no erased one";
  EXPECT_EQ((*table_->get("c", "empty"))->value, "");
  EXPECT_EQ(keys({.prefix = std::string("\0", 1), .after = {}, .limit = 10}), std::vector{key});
}

TEST_P(TableContract, RefusesWhatIsBeyondTheLimits) {
  const auto refused = [](const auto& result) { return !result && result.error().code == ErrorCode::kInvalidRequest; };
  EXPECT_TRUE(refused(table_->put("c", "", "v")));
  EXPECT_TRUE(refused(table_->put("c", std::string(kKeyBytesMax + 1, 'k'), "v")));
  EXPECT_TRUE(refused(table_->put("", "k", "v")));
  EXPECT_TRUE(refused(table_->put("C", "k", "v")));
  EXPECT_TRUE(refused(table_->put(std::string(kCollectionBytesMax + 1, 'c'), "k", "v")));
  EXPECT_TRUE(refused(table_->put("c", "k", std::string(kValueBytesMax + 1, 'v'))));
  EXPECT_TRUE(refused(table_->get("c d", "k")));
  EXPECT_TRUE(refused(table_->list("c", {.prefix = {}, .after = {}, .limit = 0})));
  EXPECT_TRUE(refused(table_->list("c", {.prefix = {}, .after = {}, .limit = kPageMax + 1})));
  EXPECT_TRUE(refused(table_->changes("c", 0, 0)));
  EXPECT_TRUE(refused(table_->write({})));
  const std::vector<Write> twice(2, Write{.collection = "c", .key = "k", .value = "v", .expect = {}});
  EXPECT_TRUE(refused(table_->write(twice)));
  std::vector<Write> many;
  for (size_t i = 0; i <= kBatchWritesMax; ++i) many.push_back({.collection = "c", .key = std::to_string(i), .value = "v", .expect = {}});
  EXPECT_TRUE(refused(table_->write(many)));
  std::vector<Write> fat;
  for (int i = 0; i < 5; ++i) fat.push_back({.collection = "c", .key = std::to_string(i), .value = std::string(kValueBytesMax, 'v'), .expect = {}});
  EXPECT_TRUE(refused(table_->write(fat)));
  EXPECT_EQ(*table_->sequence(), 0u) << "nothing was written";
  // At the limit all of it works.
  many.pop_back();
  EXPECT_EQ(table_->write(many)->sequence, kBatchWritesMax);
  EXPECT_TRUE(table_->put("c", std::string(kKeyBytesMax, '\xFF'), std::string(kValueBytesMax, 'v'))->applied);
  EXPECT_EQ((*table_->get("c", std::string(kKeyBytesMax, '\xFF')))->value.size(), kValueBytesMax);
  EXPECT_EQ(keys({.prefix = "\xFF", .after = {}, .limit = 10}).size(), 1u);
}

TEST_P(TableContract, ListsByPrefixInPages) {
  for (const char* key : {"a", "b", "b/", "b/1", "b/2", "b/2/x", "b/\xFF", "b/\xFF\xFF", "b0", "c"}) ASSERT_TRUE(table_->put("c", key, "v")->applied);
  ASSERT_TRUE(table_->put("c.d", "b/9", "v")->applied);
  ASSERT_TRUE(table_->put("b", "b/9", "v")->applied);
  ASSERT_TRUE(table_->erase("c", "b/2")->applied);
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys({.prefix = "b/", .after = {}, .limit = 100}), (Keys{"b/", "b/1", "b/2/x", "b/\xFF", "b/\xFF\xFF"}));
  EXPECT_EQ(keys({.prefix = "b/", .after = "b/1", .limit = 100}), (Keys{"b/2/x", "b/\xFF", "b/\xFF\xFF"}));
  EXPECT_EQ(keys({.prefix = "b/", .after = "a", .limit = 100}), (Keys{"b/", "b/1", "b/2/x", "b/\xFF", "b/\xFF\xFF"})) << "`after` below the prefix";
  EXPECT_EQ(keys({.prefix = "b/", .after = "b0", .limit = 100}), Keys{});
  EXPECT_EQ(keys({.prefix = {}, .after = "b0", .limit = 100}), Keys{"c"});
  EXPECT_EQ(keys({.prefix = "\xFF", .after = {}, .limit = 100}), Keys{});
  Keys walked;
  ListFrom from{.prefix = {}, .after = {}, .limit = 2};
  for (bool more = true; more; from.after = walked.back()) {
    const auto page = table_->list("c", from);
    ASSERT_LE(page->records.size(), 2u);
    ASSERT_FALSE(page->records.empty());
    for (const Record& record : page->records) walked.push_back(record.key);
    more = page->more;
  }
  EXPECT_EQ(walked, (Keys{"a", "b", "b/", "b/1", "b/2/x", "b/\xFF", "b/\xFF\xFF", "b0", "c"}));
}

TEST_P(TableContract, ExpectationsDecide) {
  EXPECT_TRUE(table_->put_if_absent("c", "k", "one")->applied);
  EXPECT_FALSE(table_->put_if_absent("c", "k", "two")->applied);
  EXPECT_FALSE(table_->put_if_version("c", "k", "two", 7)->applied);
  EXPECT_TRUE(table_->put_if_version("c", "k", "two", 1)->applied);
  EXPECT_FALSE(table_->put_if_version("c", "k", "three", 1)->applied);
  EXPECT_FALSE(table_->put_if_version("c", "none", "v", 0)->applied) << "version 0 is no way to say absent";
  EXPECT_EQ(*table_->sequence(), 2u) << "a refused write uses no number";
  ASSERT_TRUE(table_->erase("c", "k")->applied);
  EXPECT_FALSE(table_->put_if_version("c", "k", "v", 3)->applied) << "an erased record is absent";
  EXPECT_TRUE(table_->put_if_absent("c", "k", "again")->applied);
}

TEST_P(TableContract, ABatchIsAllOrNothing) {
  ASSERT_TRUE(table_->put("c", "taken", "v")->applied);
  std::vector<Write> batch{{.collection = "c", .key = "new", .value = "v", .expect = {}},
                           {.collection = "d", .key = "taken", .value = "v", .expect = Expect::absent()},
                           {.collection = "c", .key = "taken", .value = std::nullopt, .expect = Expect::at(9)}};
  const Written refused = *table_->write(batch);
  EXPECT_FALSE(refused.applied);
  EXPECT_EQ(refused.refused, 2u);
  EXPECT_FALSE(*table_->get("c", "new"));
  EXPECT_FALSE(*table_->get("d", "taken"));
  batch[2].expect = Expect::at(1);
  const Written done = *table_->write(batch);
  EXPECT_TRUE(done.applied);
  EXPECT_EQ(done.sequence, 4u);
  EXPECT_EQ((*table_->get("c", "new"))->version, 2u);
  EXPECT_EQ((*table_->get("d", "taken"))->version, 3u);
  EXPECT_FALSE(*table_->get("c", "taken"));
}

TEST_P(TableContract, ChangesTellTheNewestStateOfEachRecord) {
  ASSERT_TRUE(table_->put("c", "a", "1")->applied);
  ASSERT_TRUE(table_->put("d", "x", "1")->applied);
  ASSERT_TRUE(table_->put("c", "b", "1")->applied);
  ASSERT_TRUE(table_->put("c", "a", "2")->applied);
  ASSERT_TRUE(table_->erase("c", "b")->applied);
  const Changes all = *table_->changes("c", 0, 10);
  ASSERT_EQ(all.changes.size(), 2u);
  EXPECT_EQ(all.changes[0].key, "a");
  EXPECT_EQ(all.changes[0].value, "2");
  EXPECT_EQ(all.changes[0].version, 4u);
  EXPECT_EQ(all.changes[1].key, "b");
  EXPECT_FALSE(all.changes[1].value);
  EXPECT_EQ(all.next, 5u);
  EXPECT_FALSE(all.more);
  EXPECT_FALSE(all.reload);
  const Changes first = *table_->changes("c", 0, 1);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.changes.size(), 1u);
  const Changes rest = *table_->changes("c", first.next, 1);
  EXPECT_FALSE(rest.more);
  EXPECT_EQ(rest.changes.at(0).key, "b");
  EXPECT_TRUE(table_->changes("c", all.next, 10)->changes.empty());
  EXPECT_TRUE(table_->changes("c", 99, 10)->reload) << "a reader from the future holds another copy of the store";
}

TEST_P(TableContract, ForgottenErasuresAskForAReload) {
  auto small = GetParam().open(folder_.path() / std::filesystem::path("."), {.erased_kept = 4});
  ASSERT_TRUE(small->put("c", "stays", "v")->applied);
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(small->put("c", "k" + std::to_string(i), "v")->applied);
    ASSERT_TRUE(small->erase("c", "k" + std::to_string(i))->applied);
  }
  EXPECT_TRUE(small->changes("c", 1, 10)->reload);
  const uint64_t now = *small->sequence();
  const Changes newest = *small->changes("c", now - 4, 10);
  EXPECT_FALSE(newest.reload) << "at least the newest are kept";
  EXPECT_EQ(newest.changes.size(), 2u);
  EXPECT_EQ(small->list("c", {})->records.size(), 1u);
}

TEST_P(TableContract, RacingWritersLoseNoUpdate) {
  ASSERT_TRUE(table_->put("c", "n", "0")->applied);
  constexpr int kThreads = 4;
  constexpr int kEach = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach;) {
        const auto record = table_->get("c", "n");
        const int n = std::stoi((*record)->value);
        if (table_->put_if_version("c", "n", std::to_string(n + 1), (*record)->version)->applied) ++i;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ((*table_->get("c", "n"))->value, std::to_string(kThreads * kEach));
}

// Random operations against a model made of a plain map; a follower that only polls `changes` must end up with the same records.
TEST_P(TableContract, AgreesWithAModel) {
  SeededRandom random(42);
  std::map<std::string, std::pair<std::string, uint64_t>> model;
  std::map<std::string, std::string> follower;
  uint64_t sequence = 0;
  uint64_t seen = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string key = "k" + std::to_string(random.below(12));
    const std::string value = std::to_string(round);
    const auto at = model.find(key);
    switch (random.below(4)) {
      case 0:
        ASSERT_EQ(table_->put("c", key, value)->sequence, ++sequence);
        model[key] = {value, sequence};
        break;
      case 1:
        ASSERT_EQ(table_->erase("c", key)->sequence, ++sequence);
        model.erase(key);
        break;
      case 2:
        ASSERT_EQ(table_->put_if_absent("c", key, value)->applied, at == model.end());
        if (at == model.end()) model[key] = {value, ++sequence};
        break;
      default:
        const uint64_t version = at == model.end() ? sequence : at->second.second - random.below(2);
        const bool right = at != model.end() && version == at->second.second;
        ASSERT_EQ(table_->put_if_version("c", key, value, version)->applied, right);
        if (right) model[key] = {value, ++sequence};
    }
    if (random.below(10) != 0) continue;
    for (bool more = true; more;) {
      const Changes changes = *table_->changes("c", seen, 3);
      for (const Change& change : changes.changes) {
        if (change.value) follower[change.key] = *change.value;
        else follower.erase(change.key);
      }
      seen = changes.next;
      more = changes.more;
    }
    ASSERT_EQ(follower.size(), model.size());
    for (const auto& [k, v] : model) ASSERT_EQ(follower[k], v.first);
  }
  std::map<std::string, std::pair<std::string, uint64_t>> stored;
  for (const Record& record : table_->list("c", {})->records) stored[record.key] = {record.value, record.version};
  EXPECT_EQ(stored, model);
}

INSTANTIATE_TEST_SUITE_P(Adapters, TableContract, testing::ValuesIn(kAdapters), [](const auto& about) { return std::string(about.param.name); });

TEST(FaultTableTest, BeforeMeansNotDoneAndAfterMeansDone) {
  MemoryTable memory;
  FaultTable table(memory, 7, {.fail_before = 1});
  EXPECT_EQ(table.put("c", "k", "v").error().code, ErrorCode::kIo);
  EXPECT_FALSE(*memory.get("c", "k"));
  table.set_plan({.fail_after = 1});
  EXPECT_EQ(table.put("c", "k", "v").error().code, ErrorCode::kIo);
  EXPECT_TRUE(*memory.get("c", "k"));
  table.set_plan({.lock_timeout = 1});
  EXPECT_EQ(table.sequence().error().code, ErrorCode::kTimeout);
  EXPECT_EQ(table.faults(), 3u);
  table.set_plan({});
  EXPECT_EQ(*table.sequence(), 1u);
}

TEST(FaultTableTest, TheSameSeedFailsInTheSamePlaces) {
  const auto pattern = [](uint64_t seed) {
    MemoryTable memory;
    FaultTable table(memory, seed, {.fail_before = 0.2, .fail_after = 0.2, .lock_timeout = 0.1});
    std::string text;
    for (int i = 0; i < 200; ++i) text += table.put("c", "k", "v") ? '.' : 'x';
    return text;
  };
  EXPECT_EQ(pattern(1), pattern(1));
  EXPECT_NE(pattern(1), pattern(2));
  const auto failures = std::ranges::count(pattern(3), 'x');
  EXPECT_GT(failures, 50);
  EXPECT_LT(failures, 140);
}

TEST(FaultTableTest, SleepsAsLongAsThePlanAllows) {
  MemoryTable memory;
  std::vector<std::chrono::nanoseconds> slept;
  FaultTable table(memory, 7, {.delay = 1, .delay_max = std::chrono::milliseconds(10)}, [&](std::chrono::nanoseconds d) { slept.push_back(d); });
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(table.sequence());
  ASSERT_EQ(slept.size(), 20u);
  for (const auto d : slept) EXPECT_LE(d, std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace wye::store
