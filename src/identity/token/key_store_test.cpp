#include "identity/token/key_store.hpp"

#include "foundation/base/random.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/store/fault_table.hpp"
#include "foundation/store/memory_table.hpp"

#include <sys/stat.h>
#include <fstream>

namespace wye::token {
namespace {

using std::chrono::hours;

constexpr WallTime kNow{1'795'446'000'123'456'789};

Peppers test_peppers() { return Peppers(Pepper::from_bytes(std::string(kPepperBytes, 'p'))); }

class KeyStoreTest : public testing::Test {
 protected:
  static NewKey wanted(std::string tenant = "team-a") { return {.tenant = std::move(tenant), .routes = {"chat-*", "embed"}, .created_by = "tester"}; }
  store::MemoryTable table_;
  Peppers peppers_ = test_peppers();
  KeyStore keys_{table_, peppers_};
};

TEST_F(KeyStoreTest, AKeyIsStoredAsItsMac) {
  const auto issued = keys_.create(wanted(), kNow);
  ASSERT_TRUE(issued) << client_message(issued.error());
  const KeyRecord found = *keys_.find(issued->record.id);
  EXPECT_EQ(found.mac, crypto::hmac_sha256(std::string(kPepperBytes, 'p'), issued->text.reveal()));
  EXPECT_EQ(found.tenant, "team-a");
  EXPECT_EQ(found.routes, (std::vector<std::string>{"chat-*", "embed"}));
  EXPECT_EQ(found.created_by, "tester");
  EXPECT_EQ(found.owner, "key:" + std::string(found.id.text()));
  EXPECT_EQ(found.expires_at.ns, kNow.ns / 1'000'000 * 1'000'000 + std::chrono::nanoseconds(kKeyLifetimeDefault).count());
  EXPECT_TRUE(found.live(kNow));
  EXPECT_FALSE(found.live(found.expires_at));
  const std::string secret(issued->text.reveal().substr(22));
  for (const std::string_view collection : {kKeyCollection, kKeyUseCollection, kKeyGuardCollection}) {
    for (const auto& record : table_.list(collection, {})->records) EXPECT_EQ(record.value.find(secret), std::string::npos);
  }
}

TEST_F(KeyStoreTest, RefusesTermsThatBreakARule) {
  const auto refused = [&](auto change) {
    NewKey key = wanted();
    change(key);
    const auto result = keys_.create(key, kNow);
    return !result && result.error().code == ErrorCode::kInvalidRequest && !result.error().public_message.empty();
  };
  EXPECT_TRUE(refused([](NewKey& k) { k.tenant = "Team A"; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.tenant = ""; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.tenant = "a\nroute *"; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.routes = {}; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.routes = {"a*b"}; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.routes.assign(kRoutesPerKeyMax + 1, "a"); }));
  EXPECT_TRUE(refused([](NewKey& k) { k.created_by = ""; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.created_by = "x\ny"; }));
  EXPECT_TRUE(refused([](NewKey& k) { k.owner = std::string(kKeyTextBytesMax + 1, 'o'); }));
  EXPECT_TRUE(refused([](NewKey& k) { k.lifetime = hours(0); }));
  EXPECT_TRUE(refused([](NewKey& k) { k.lifetime = -hours(1); }));
  EXPECT_TRUE(refused([](NewKey& k) { k.lifetime = hours(24 * 365 + 1); }));
  EXPECT_FALSE(refused([](NewKey& k) { k.lifetime = kKeyLifetimeMax; }));
  EXPECT_EQ(table_.list(kKeyCollection, {})->records.size(), 1u);
}

TEST_F(KeyStoreTest, ListsPageByPageAndByTenant) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(keys_.create(wanted(i % 2 == 0 ? "team-a" : "team-b"), kNow));
  std::set<std::string> seen;
  KeyPage page{.records = {}, .after = {}, .more = true};
  while (page.more) {
    page = *keys_.list("team-a", page.after, 2);
    for (const KeyRecord& record : page.records) {
      EXPECT_EQ(record.tenant, "team-a");
      EXPECT_TRUE(seen.insert(std::string(record.id.text())).second);
    }
  }
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(keys_.list("", "", 100)->records.size(), 7u);
}

TEST_F(KeyStoreTest, AnOwnerHasAtMostTwoLiveKeys) {
  NewKey key = wanted();
  key.owner = "app-1";
  const auto first = keys_.create(key, kNow);
  ASSERT_TRUE(first);
  ASSERT_TRUE(keys_.create(key, kNow));
  EXPECT_EQ(keys_.create(key, kNow).error().code, ErrorCode::kInvalidRequest);
  EXPECT_FALSE(keys_.rotate(first->record.id, hours(1), kNow));
  NewKey other_tenant = key;
  other_tenant.tenant = "team-b";
  EXPECT_TRUE(keys_.create(other_tenant, kNow)) << "an owner belongs to its tenant";
  EXPECT_TRUE(keys_.create(wanted(), kNow)) << "without a name each key has its own owner";
  ASSERT_TRUE(keys_.revoke(first->record.id, kNow));
  EXPECT_TRUE(keys_.create(key, kNow));
  EXPECT_TRUE(keys_.create(key, first->record.expires_at)) << "ended keys do not count";
}

TEST_F(KeyStoreTest, ATenantHasABoundedNumberOfLiveKeys) {
  const auto sample = keys_.create(wanted(), kNow);
  for (size_t i = 1; i < kLiveKeysPerTenant; ++i) {
    KeyRecord record = sample->record;
    record.id = *parse_key_id(std::string(8, 'x') + std::to_string(1'000 + i));
    record.owner = std::to_string(i);
    ASSERT_TRUE(table_.put(kKeyCollection, record.id.text(), encode_key_record(record)));
  }
  EXPECT_EQ(keys_.create(wanted(), kNow).error().code, ErrorCode::kInvalidRequest);
  EXPECT_TRUE(keys_.create(wanted("team-b"), kNow));
}

TEST_F(KeyStoreTest, RotationOverlapsAndEnds) {
  const auto first = keys_.create(wanted(), kNow);
  const auto second = keys_.rotate(first->record.id, hours(24), kNow);
  ASSERT_TRUE(second) << client_message(second.error());
  EXPECT_EQ(second->record.owner, first->record.owner);
  EXPECT_EQ(second->record.routes, first->record.routes);
  EXPECT_NE(second->record.id, first->record.id);
  const KeyRecord old = *keys_.find(first->record.id);
  EXPECT_TRUE(old.live(kNow));
  EXPECT_TRUE(old.live({kNow.ns + std::chrono::nanoseconds(hours(23)).count()}));
  EXPECT_FALSE(old.live({kNow.ns + std::chrono::nanoseconds(hours(24)).count()}));
  EXPECT_FALSE(keys_.rotate(first->record.id, hours(24 * 31), kNow));
  EXPECT_FALSE(keys_.rotate(first->record.id, -hours(1), kNow));
  EXPECT_EQ(keys_.rotate(*parse_key_id("000000000000"), hours(1), kNow).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(keys_.revoke(first->record.id, kNow));
  EXPECT_EQ(keys_.rotate(first->record.id, hours(1), kNow).error().code, ErrorCode::kInvalidRequest);
}

TEST_F(KeyStoreTest, RevokingIsFinalAndRepeatable) {
  const auto issued = keys_.create(wanted(), kNow);
  ASSERT_TRUE(keys_.revoke(issued->record.id, kNow));
  ASSERT_TRUE(keys_.revoke(issued->record.id, {kNow.ns + 5'000'000'000}));
  EXPECT_EQ(keys_.find(issued->record.id)->revoked_at->seconds(), kNow.seconds());
  EXPECT_EQ(keys_.revoke(*parse_key_id("000000000000"), kNow).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(keys_.find(*parse_key_id("000000000000")).error().code, ErrorCode::kNotFound);
}

TEST_F(KeyStoreTest, PurgeErasesOnlyWhatEndedLongAgo) {
  const auto a = keys_.create(wanted(), kNow);
  const auto b = keys_.create(wanted(), kNow);
  ASSERT_TRUE(keys_.revoke(a->record.id, kNow));
  EXPECT_EQ(*keys_.purge(kNow), 1u) << "revoked in the millisecond before";
  EXPECT_FALSE(keys_.find(a->record.id));
  EXPECT_TRUE(keys_.find(b->record.id));
  EXPECT_EQ(*keys_.purge({b->record.expires_at.ns + 1}), 1u);
}

// Two programs create at the same moment: the limit holds although each counted before the other wrote.
TEST_F(KeyStoreTest, RacingCreatorsCanNotOvershootTheLimit) {
  NewKey key = wanted();
  key.owner = "app-1";
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      KeyStore mine(table_, peppers_);
      if (mine.create(key, kNow)) ++made;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 2);
  EXPECT_EQ(table_.list(kKeyCollection, {})->records.size(), 2u);
}

// Whatever fails and wherever: the limit holds, no acknowledged key is lost, no acknowledged revocation is forgotten.
TEST_F(KeyStoreTest, FaultsBreakNoPromise) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    store::MemoryTable memory;
    store::FaultTable faulty(memory, seed, {.fail_before = 0.1, .fail_after = 0.1, .lock_timeout = 0.05});
    KeyStore keys(faulty, peppers_);
    NewKey key = wanted();
    key.owner = "app-1";
    std::vector<KeyId> acknowledged;
    std::vector<KeyId> revoked;
    for (int i = 0; i < 20; ++i) {
      if (const auto issued = keys.create(key, kNow)) acknowledged.push_back(issued->record.id);
      if (i % 3 == 0 && !acknowledged.empty() && keys.revoke(acknowledged.back(), kNow)) revoked.push_back(acknowledged.back());
    }
    faulty.set_plan({});
    size_t live = 0;
    for (const KeyRecord& record : keys.list("", "", 1'000)->records) live += record.live(kNow) ? 1 : 0;
    EXPECT_LE(live, kLiveKeysPerOwner) << "seed " << seed;
    for (const KeyId& id : acknowledged) EXPECT_TRUE(keys.find(id)) << "seed " << seed;
    for (const KeyId& id : revoked) EXPECT_TRUE(keys.find(id)->revoked_at) << "seed " << seed;
  }
}

TEST_F(KeyStoreTest, RecordsSurviveTheirText) {
  KeyRecord record = keys_.create(wanted(), kNow)->record;
  EXPECT_EQ(encode_key_record(*decode_key_record(record.id, encode_key_record(record))), encode_key_record(record));
  record.revoked_at = WallTime{1'795'446'000'500'000'000};
  record.environment = KeyEnvironment::kTest;
  record.owner = " spaces  and = signs ";
  const auto back = decode_key_record(record.id, encode_key_record(record));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->owner, record.owner);
  EXPECT_EQ(back->revoked_at, record.revoked_at);
  EXPECT_EQ(back->environment, KeyEnvironment::kTest);
}

// A record that lost or gained anything verifies nobody; above all no revocation can be cut off unseen.
TEST_F(KeyStoreTest, BentRecordsAreRefused) {
  KeyRecord record = keys_.create(wanted(), kNow)->record;
  record.revoked_at = record.created_at;
  const std::string text = encode_key_record(record);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    EXPECT_FALSE(decode_key_record(record.id, text.substr(0, cut))) << cut;
    std::string doubled = text;
    doubled.insert(cut, 1, '\n');
    EXPECT_FALSE(decode_key_record(record.id, doubled)) << cut;
  }
  EXPECT_FALSE(decode_key_record(record.id, text + "route *\n"));
  EXPECT_FALSE(decode_key_record(record.id, text + text));
  EXPECT_FALSE(decode_key_record(record.id, ""));
  SeededRandom random(9);
  for (int i = 0; i < 20'000; ++i) {
    std::string bent = text;
    bent[random.below(bent.size())] = static_cast<char>(random.next());
    const auto decoded = decode_key_record(record.id, bent);
    if (decoded) EXPECT_EQ(encode_key_record(*decoded), bent);
  }
}

class PepperTest : public testing::Test {
 protected:
  void put(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    ::chmod(path.c_str(), 0600);
  }
  TestFolder folder_;
  std::filesystem::path path_ = folder_.path() / "pepper";
};

TEST_F(PepperTest, IsMadeOnceAndPrivate) {
  const auto first = load_or_create_peppers(path_);
  ASSERT_TRUE(first) << first.error().detail;
  struct stat facts{};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_EQ(facts.st_size, ssize_t{kPepperBytes});
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), std::filesystem::directory_iterator()), 1);
  const auto second = load_or_create_peppers(path_);
  EXPECT_EQ(first->current().kid, second->current().kid);
  EXPECT_EQ(first->current().kid.size(), 8u);
  EXPECT_EQ(first->find("nobody"), nullptr);
}

TEST_F(PepperTest, ThePreviousOneGoesOnChecking) {
  const std::string old_kid = load_or_create_peppers(path_)->current().kid;
  std::filesystem::rename(path_, path_.string() + ".previous");
  const auto both = load_or_create_peppers(path_);
  ASSERT_TRUE(both);
  EXPECT_NE(both->current().kid, old_kid);
  ASSERT_NE(both->find(old_kid), nullptr);
}

TEST_F(PepperTest, RefusesWhatIsNotSafe) {
  put(path_, std::string(31, 'p'));
  EXPECT_EQ(load_or_create_peppers(path_).error().code, ErrorCode::kUsage);
  put(path_, std::string(33, 'p'));
  EXPECT_EQ(load_or_create_peppers(path_).error().code, ErrorCode::kUsage);
  put(path_, std::string(32, 'p'));
  EXPECT_TRUE(load_or_create_peppers(path_));
  ::chmod(path_.c_str(), 0640);
  const auto open = load_or_create_peppers(path_);
  EXPECT_EQ(open.error().code, ErrorCode::kUsage);
  EXPECT_NE(open.error().detail.find("chmod 600"), std::string::npos);
  std::filesystem::rename(path_, folder_.path() / "elsewhere");
  std::filesystem::create_symlink(folder_.path() / "elsewhere", path_);
  EXPECT_EQ(load_or_create_peppers(path_).error().code, ErrorCode::kUsage);
  EXPECT_EQ(load_or_create_peppers(folder_.path() / "none" / "pepper").error().code, ErrorCode::kIo);
}

TEST_F(PepperTest, ManyAtOnceAgree) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::set<std::string> kids;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const auto peppers = load_or_create_peppers(path_);
      const std::lock_guard lock(mutex);
      kids.insert(peppers ? peppers->current().kid : peppers.error().detail);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(kids.size(), 1u) << *kids.begin();
}

}  // namespace
}  // namespace wye::token
