#include "identity/token/key_index.hpp"

#include "foundation/base/random.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/crypto/crc32.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/store/fault_table.hpp"
#include "foundation/store/memory_table.hpp"
#include "foundation/store/sqlite_table.hpp"

#include "identity/token/test_allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
[[maybe_unused]] thread_local uint64_t allocations = 0;
}  // namespace

// Counts what this program allocates, thread by thread. ThreadSanitizer brings its own operators and allows no others.
#if !__has_feature(thread_sanitizer)
#define WYE_COUNTS_ALLOCATIONS 1
void* operator new(size_t size) {
  ++allocations;
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
#endif

namespace wye::token {

uint64_t test_allocations() { return allocations; }

namespace {

constexpr WallTime kNow{1'795'446'000'123'456'789};
WallTime later(std::chrono::nanoseconds d) { return {kNow.ns + d.count()}; }

std::string reason(const Result<PrincipalRef>& result) { return result ? "ok" : result.error().detail; }

class KeyIndexTest : public testing::Test {
 protected:
  static NewKey wanted() { return {.tenant = "team-a", .routes = {"chat-*"}, .created_by = "tester"}; }
  IssuedKey create() { return std::move(*keys_.create(wanted(), kNow)); }

  store::MemoryTable table_;
  Peppers peppers_{Pepper::from_bytes(std::string(kPepperBytes, 'p'))};
  KeyStore keys_{table_, peppers_};
  KeyIndex index_{table_, peppers_};
};

TEST_F(KeyIndexTest, AKeyBecomesItsPrincipal) {
  const IssuedKey key = create();
  KeyReader reader(index_);
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.unknown") << "not before the first refresh";
  const KeyRefresh report = *index_.refresh();
  EXPECT_TRUE(report.changed);
  EXPECT_EQ(report.keys, 1u);
  const auto principal = reader.verify(key.text.reveal(), kNow);
  ASSERT_TRUE(principal) << principal.error().detail;
  EXPECT_EQ((*principal)->kind(), PrincipalKind::kKey);
  EXPECT_EQ((*principal)->tenant(), "team-a");
  EXPECT_EQ((*principal)->key_id(), key.record.id.text());
  EXPECT_EQ((*principal)->subject(), "key:" + std::string(key.record.id.text()));
  EXPECT_TRUE((*principal)->may_use_route("chat-local"));
  EXPECT_FALSE((*principal)->may_use_route("embed-local"));
  EXPECT_EQ((*principal)->expires_at(), key.record.expires_at);
  EXPECT_FALSE(index_.refresh()->changed);
}

TEST_F(KeyIndexTest, EveryFailureLooksTheSameFromOutside) {
  const IssuedKey good = create();
  const IssuedKey revoked = create();
  ASSERT_TRUE(keys_.revoke(revoked.record.id, kNow));
  ASSERT_TRUE(index_.refresh());
  KeyReader reader(index_);
  const std::string text(good.text.reveal());
  // The right id with another secret, sealed with a right CRC: only the MAC can tell.
  std::string forged = text.substr(0, 22) + std::string(43, 'x');
  forged += crypto::to_base62(crypto::crc32(forged), kKeyCrcChars);
  std::string typo = text;
  typo[40] = typo[40] == 'a' ? 'b' : 'a';
  const GeneratedKey unknown = generate_api_key(KeyEnvironment::kLive);
  const std::pair<std::string, std::string> cases[] = {{"key.shape", ""},   {"key.shape", "sk-123"},
                                                       {"key.crc", typo},   {"key.unknown", std::string(unknown.text.reveal())},
                                                       {"key.mac", forged}, {"key.revoked", std::string(revoked.text.reveal())}};
  for (const auto& [want, key] : cases) {
    const auto result = reader.verify(key, kNow);
    EXPECT_EQ(reason(result), want);
    EXPECT_EQ(result.error().code, ErrorCode::kUnauthenticated);
    EXPECT_EQ(client_message(result.error()), "The API key is not valid.");
    EXPECT_TRUE(result.error().param.empty());
  }
  EXPECT_EQ(reason(reader.verify(text, {good.record.expires_at.ns - 1})), "ok");
  EXPECT_EQ(reason(reader.verify(text, good.record.expires_at)), "key.expired");
  EXPECT_EQ(reason(reader.verify(text, {good.record.not_before.ns - 1})), "key.not_yet");
}

TEST_F(KeyIndexTest, EveryByteOfAKeyCounts) {
  const IssuedKey key = create();
  ASSERT_TRUE(index_.refresh());
  KeyReader reader(index_);
  const std::string text(key.text.reveal());
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bent = text;
      bent[at] = static_cast<char>(bent[at] ^ (1 << bit));
      EXPECT_FALSE(reader.verify(bent, kNow)) << at;
      // The same with a CRC that fits again: shape, look-up or MAC must find it.
      if (at >= text.size() - kKeyCrcChars) continue;
      bent.resize(text.size() - kKeyCrcChars);
      bent += crypto::to_base62(crypto::crc32(bent), kKeyCrcChars);
      EXPECT_FALSE(reader.verify(bent, kNow)) << at;
    }
  }
  EXPECT_TRUE(reader.verify(text, kNow));
}

TEST_F(KeyIndexTest, AnotherPepperVerifiesNothing) {
  const IssuedKey key = create();
  const Peppers other{Pepper::from_bytes(std::string(kPepperBytes, 'q'))};
  KeyIndex index(table_, other);
  EXPECT_EQ(index.refresh()->without_pepper, 1u);
  KeyReader reader(index);
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.pepper");
  const Peppers both{Pepper::from_bytes(std::string(kPepperBytes, 'q')), Pepper::from_bytes(std::string(kPepperBytes, 'p'))};
  KeyIndex rotated(table_, both);
  ASSERT_TRUE(rotated.refresh());
  KeyReader rotated_reader(rotated);
  EXPECT_EQ(reason(rotated_reader.verify(key.text.reveal(), kNow)), "ok");
}

TEST_F(KeyIndexTest, AnUnreadableRecordVerifiesNobody) {
  const IssuedKey key = create();
  ASSERT_TRUE(table_.put(kKeyCollection, key.record.id.text(), "format 1\n"));
  ASSERT_TRUE(table_.put(kKeyCollection, "not an id", "x"));
  EXPECT_EQ(index_.refresh()->unreadable, 1u);
  KeyReader reader(index_);
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.unreadable");
  EXPECT_EQ(index_.refresh()->unreadable, 1u) << "told again although nothing changed";
}

TEST_F(KeyIndexTest, ChangesArriveAndForgottenOnesAreReadAnew) {
  store::MemoryTable forgetful({.erased_kept = 2});
  KeyStore keys(forgetful, peppers_);
  KeyIndex index(forgetful, peppers_);
  std::vector<IssuedKey> made;
  for (int i = 0; i < 20; ++i) made.push_back(std::move(*keys.create(wanted(), kNow)));
  EXPECT_EQ(index.refresh()->keys, 20u);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(keys.revoke(made[static_cast<size_t>(i)].record.id, kNow));
  EXPECT_EQ(*keys.purge(later(std::chrono::seconds(1))), 10u);
  EXPECT_EQ(index.refresh()->keys, 10u);
  KeyReader reader(index);
  for (size_t i = 0; i < made.size(); ++i) EXPECT_EQ(reason(reader.verify(made[i].text.reveal(), kNow)), i < 10 ? "key.unknown" : "ok");
}

TEST_F(KeyIndexTest, ARequestKeepsItsPrincipalThroughChanges) {
  const IssuedKey key = create();
  ASSERT_TRUE(index_.refresh());
  KeyReader reader(index_);
  auto kept = reader.verify(key.text.reveal(), kNow);
  ASSERT_TRUE(kept);
  ASSERT_TRUE(keys_.revoke(key.record.id, kNow));
  ASSERT_TRUE(keys_.purge(later(std::chrono::hours(1))));
  for (int i = 0; i < 50; ++i) {
    create();
    ASSERT_TRUE(index_.refresh());
    EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.unknown");
  }
  EXPECT_EQ((*kept)->tenant(), "team-a");
  PrincipalRef moved = std::move(*kept);
  EXPECT_EQ(moved->key_id(), key.record.id.text());
}

TEST_F(KeyIndexTest, AFailingStoreChangesNothingAndIsCaughtUpLater) {
  store::FaultTable faulty(table_, 5, {});
  KeyIndex index(faulty, peppers_);
  const IssuedKey key = create();
  ASSERT_TRUE(index.refresh());
  KeyReader reader(index);
  ASSERT_TRUE(keys_.revoke(key.record.id, kNow));
  faulty.set_plan({.fail_before = 1});
  EXPECT_EQ(index.refresh().error().code, ErrorCode::kIo);
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "ok");
  faulty.set_plan({});
  ASSERT_TRUE(index.refresh());
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.revoked");
}

TEST_F(KeyIndexTest, LastUseIsWrittenOnceADay) {
  const IssuedKey key = create();
  ASSERT_TRUE(index_.refresh());
  KeyReader reader(index_);
  EXPECT_EQ(*index_.flush_last_used(), 0u);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(reader.verify(key.text.reveal(), kNow));
  EXPECT_EQ(*index_.flush_last_used(), 1u);
  EXPECT_EQ(keys_.find(key.record.id)->last_used_day, kNow.seconds() / 86'400);
  ASSERT_TRUE(reader.verify(key.text.reveal(), kNow));
  EXPECT_EQ(*index_.flush_last_used(), 0u);
  ASSERT_TRUE(reader.verify(key.text.reveal(), later(Days(1))));
  EXPECT_EQ(*index_.flush_last_used(), 1u);
  EXPECT_FALSE(index_.refresh()->changed) << "a use is no change of a key";
  EXPECT_FALSE(reader.verify("wye_live_x", later(Days(2))));
  EXPECT_EQ(*index_.flush_last_used(), 0u);
  KeyIndex restarted(table_, peppers_);
  ASSERT_TRUE(restarted.refresh());
  KeyReader restarted_reader(restarted);
  ASSERT_TRUE(restarted_reader.verify(key.text.reveal(), later(Days(1))));
  EXPECT_EQ(*restarted.flush_last_used(), 0u) << "that day is noted already";
}

#ifdef WYE_COUNTS_ALLOCATIONS
TEST_F(KeyIndexTest, ACheckAllocatesNothing) {
  std::vector<IssuedKey> keys;
  for (int i = 0; i < 100; ++i) keys.push_back(create());
  ASSERT_TRUE(index_.refresh());
  KeyReader reader(index_);
  ASSERT_TRUE(reader.verify(keys[0].text.reveal(), kNow));
  ASSERT_GT(allocations, 100u) << "the counter counts";
  const uint64_t before = allocations;
  uint64_t good = 0;
  for (const IssuedKey& key : keys) good += reader.verify(key.text.reveal(), kNow) ? 1 : 0;
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(good, keys.size());
}
#endif

// What the gateway does all day: several loops check while keys come and go. Run under ThreadSanitizer too.
TEST_F(KeyIndexTest, ReadersAndRefreshDoNotDisturbEachOther) {
  const IssuedKey stays = create();
  ASSERT_TRUE(index_.refresh());
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> checked = 0;
  std::atomic<uint64_t> wrong = 0;
  std::mutex mutex;
  std::vector<std::string> passing;  // keys that come and go
  std::vector<std::thread> loops;
  for (int t = 0; t < 3; ++t) {
    loops.emplace_back([&] {
      KeyReader reader(index_);
      std::deque<PrincipalRef> in_flight;
      while (!stop) {
        std::string other;
        {
          const std::lock_guard lock(mutex);
          if (!passing.empty()) other = passing.back();
        }
        auto good = reader.verify(stays.text.reveal(), kNow);
        if (good) in_flight.push_back(std::move(*good));
        else ++wrong;
        if (auto ref = reader.verify(other, kNow)) in_flight.push_back(std::move(*ref));
        while (in_flight.size() > 20) {
          wrong += in_flight.front()->tenant() == "team-a" ? 0 : 1;
          in_flight.pop_front();
        }
        ++checked;
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    const IssuedKey key = create();
    ASSERT_TRUE(index_.refresh());
    {
      const std::lock_guard lock(mutex);
      passing.emplace_back(key.text.reveal());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(keys_.revoke(key.record.id, kNow));
    ASSERT_TRUE(index_.refresh());
    ASSERT_TRUE(index_.flush_last_used());
    KeyReader reader(index_);
    EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.revoked");
  }
  stop = true;
  for (auto& loop : loops) loop.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(checked, 60u);
}

// Two processes share a file: here two connections. The index polls every 2 s in the product; one refresh is enough to see it.
TEST_F(KeyIndexTest, ARevocationReachesWhoeverSharesTheStore) {
  const TestFolder folder;
  const auto admin_table = *store::SqliteTable::open(folder.path() / "state.db");
  const auto gateway_table = *store::SqliteTable::open(folder.path() / "state.db");
  KeyStore admin(*admin_table, peppers_);
  KeyIndex index(*gateway_table, peppers_);
  KeyReader reader(index);
  const IssuedKey key = std::move(*admin.create(wanted(), kNow));
  ASSERT_TRUE(index.refresh());
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "ok");
  std::atomic<bool> stop = false;
  std::thread poll([&] {
    while (!stop) {
      EXPECT_TRUE(index.refresh());
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  ASSERT_TRUE(admin.revoke(key.record.id, kNow));
  const auto start = std::chrono::steady_clock::now();
  while (reader.verify(key.text.reveal(), kNow) && std::chrono::steady_clock::now() - start < std::chrono::seconds(5)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stop = true;
  poll.join();
  EXPECT_EQ(reason(reader.verify(key.text.reveal(), kNow)), "key.revoked");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace wye::token
