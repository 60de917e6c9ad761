// The trail from outside: what is recorded is there, in order and linked, over restarts, crashes, full disks and floods.
#include "identity/audit/trail.hpp"

#include "foundation/base/test_folder.hpp"
#include "foundation/store/fault_table.hpp"
#include "foundation/store/memory_table.hpp"
#include "identity/audit/reader.hpp"
#include "identity/audit/test_chain_file.hpp"
#include "identity/audit/verify.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>

namespace wye::audit {
namespace {

using namespace std::chrono_literals;

/// A clock that the test moves while the writer reads it.
class SharedClock final : public Clock {
 public:
  MonoTime mono() const override { return {ns_.load()}; }
  WallTime wall() const override { return {1'795'446'000'000'000'000 + ns_.load()}; }
  void advance(Nanos d) { ns_ += d.count(); }

 private:
  std::atomic<int64_t> ns_{1'000'000'000};
};

class TrailTest : public testing::Test {
 protected:
  std::unique_ptr<Trail> open(TrailOptions options = {}) {
    options.chain = "audit";
    auto trail = Trail::open(std::move(options), std::make_unique<TestChainFile>(disk_), heads_, clock_);
    EXPECT_TRUE(trail) << trail.error().detail;
    return std::move(*trail);
  }
  static Record event(std::string name, std::string tenant = {}) {
    Record record;
    record.event = std::move(name);
    record.principal.tenant = std::move(tenant);
    return record;
  }
  Verdict judge() {
    ChainVerifier verifier(*stored_head(heads_, "audit"));
    for (const std::string& line : disk_.lines()) verifier.take(line);
    return verifier.finish(0);
  }
  std::vector<std::string> events() {
    std::vector<std::string> out;
    for (const std::string& line : disk_.lines()) {
      const auto sealed = decode(line);
      out.push_back(sealed ? sealed->record.event : "?");
    }
    return out;
  }
  uint64_t dropped_in_gaps() {
    uint64_t sum = 0;
    for (const std::string& line : disk_.lines()) {
      const auto sealed = decode(line);
      if (!sealed || sealed->record.event != "audit.gap") continue;
      for (const Fact& fact : sealed->record.detail) sum += fact.name == "dropped" ? std::stoull(fact.value) : 0;
    }
    return sum;
  }
  TestDisk disk_;
  store::MemoryTable heads_;
  SharedClock clock_;
};

TEST_F(TrailTest, KeepsTheOrderAndLinks) {
  {
    const auto trail = open();
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(trail->record(event("e" + std::to_string(i))));
    ASSERT_TRUE(trail->flush(5s));
    EXPECT_EQ(trail->written(), 101u);
    EXPECT_TRUE(trail->healthy());
  }
  const std::vector<std::string> found = events();
  ASSERT_EQ(found.size(), 101u);
  EXPECT_EQ(found[0], "audit.started");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(found[static_cast<size_t>(i) + 1], "e" + std::to_string(i));
  const Verdict verdict = judge();
  EXPECT_TRUE(verdict.whole());
  EXPECT_EQ(verdict.unsealed, 0u);
}

TEST_F(TrailTest, GoesOnAfterARestart) {
  for (int start = 0; start < 3; ++start) open()->record(event("boot"));
  EXPECT_EQ(events(), (std::vector<std::string>{"audit.started", "boot", "audit.started", "boot", "audit.started", "boot"}));
  EXPECT_TRUE(judge().whole());
  EXPECT_EQ(judge().last.seq, 6u);
}

TEST_F(TrailTest, ATornLineIsCutOffAndRecorded) {
  open()->record(event("before"));
  const std::string whole = disk_.bytes;
  for (const size_t torn : {size_t{1}, size_t{40}, size_t{200'000}}) {
    disk_.bytes = whole + std::string(torn, 'x');
    open();
    EXPECT_TRUE(disk_.bytes.starts_with(whole));
    const Verdict verdict = judge();
    EXPECT_TRUE(verdict.whole()) << verdict.broken->what;
    EXPECT_NE(disk_.bytes.find("\"cut_bytes\":\"" + std::to_string(torn) + "\""), std::string::npos);
    ASSERT_TRUE(heads_.put(kHeadCollection, "audit", encode_head({2, hash_of(*decode(disk_.lines()[1]), disk_.lines()[1])})));
  }
  disk_.bytes = "torn";
  ASSERT_TRUE(heads_.erase(kHeadCollection, "audit"));
  open();
  EXPECT_EQ(events(), (std::vector<std::string>{"audit.recovered", "audit.started"}));
}

// Records that were written but whose head was not yet stored: a crash, nothing to report.
TEST_F(TrailTest, RecordsBehindTheStoredHeadAreTakenUp) {
  open()->record(event("one"));
  const std::string before = encode_head(**stored_head(heads_, "audit"));
  open()->record(event("two"));
  ASSERT_TRUE(heads_.put(kHeadCollection, "audit", before));
  open();
  EXPECT_EQ(std::ranges::count(events(), "audit.resumed"), 0);
  EXPECT_TRUE(judge().whole());
}

TEST_F(TrailTest, ACutWhileDownStaysVisible) {
  {
    const auto trail = open();
    for (int i = 0; i < 5; ++i) trail->record(event("e"));
  }
  const std::vector<std::string> lines = disk_.lines();
  disk_.bytes = lines[0] + "\n" + lines[1] + "\n";
  open()->record(event("after"));
  EXPECT_EQ(events(), (std::vector<std::string>{"audit.started", "e", "audit.resumed", "audit.started", "after"}));
  const Verdict verdict = judge();
  ASSERT_FALSE(verdict.whole());
  EXPECT_EQ(verdict.broken->seq, 3u);
  EXPECT_EQ(verdict.broken->what, "records 3 to 6 are missing");
  open();  // and for ever
  EXPECT_EQ(judge().broken->seq, 3u);
}

TEST_F(TrailTest, AFileThatIsGoneIsMissed) {
  open()->record(event("e"));
  disk_.bytes.clear();
  open();
  const Verdict verdict = judge();
  ASSERT_FALSE(verdict.whole());
  EXPECT_EQ(verdict.broken->what, "records 1 to 2 are missing");
}

TEST_F(TrailTest, ALastLineThatIsNoneIsNotHidden) {
  open()->record(event("e"));
  disk_.bytes += "nonsense\n";
  open();
  EXPECT_EQ(events(), (std::vector<std::string>{"audit.started", "e", "?", "audit.resumed", "audit.started"}));
  ASSERT_FALSE(judge().whole());
  EXPECT_EQ(judge().broken->line, 3u);
}

TEST_F(TrailTest, WhatFindsNoRoomIsCountedInTheChain) {
  disk_.set_refuse(true);
  const auto trail = open({.chain = {}, .pseudonym = {}, .queue_records = 20});
  size_t kept = 0;
  size_t lost = 0;
  // The writer takes the first batch and is stuck with it; then the queue fills.
  for (int i = 0; i < 10'000 && lost < 7; ++i) (trail->record(event("e")) ? kept : lost) += 1;
  ASSERT_EQ(lost, 7u);
  EXPECT_FALSE(trail->healthy());
  EXPECT_EQ(trail->dropped(), 7u);
  EXPECT_FALSE(trail->flush(10ms));
  disk_.set_refuse(false);
  ASSERT_TRUE(trail->flush(5s));
  EXPECT_TRUE(trail->healthy());
  EXPECT_TRUE(trail->record(event("later")));
  ASSERT_TRUE(trail->flush(5s));
  const std::vector<std::string> found = events();
  EXPECT_EQ(std::ranges::count(found, "e"), static_cast<ptrdiff_t>(kept));
  // The writer may take what is queued between two that are lost: then there are two gaps, and nothing is counted twice.
  EXPECT_GE(std::ranges::count(found, "audit.gap"), 1);
  EXPECT_EQ(dropped_in_gaps(), 7u);
  EXPECT_LT(std::ranges::find(found, "audit.gap"), std::ranges::find(found, "later"));
  EXPECT_TRUE(judge().whole());
}

TEST_F(TrailTest, TheQueueIsBoundedInBytesToo) {
  disk_.set_refuse(true);
  const auto trail = open({.chain = {}, .pseudonym = {}, .queue_records = 1'000'000, .queue_bytes = 10'000});
  bool lost = false;
  for (int i = 0; i < 100'000 && !lost; ++i) lost = !trail->record(event(std::string(300, 'e')));
  EXPECT_TRUE(lost);
  disk_.set_refuse(false);
}

TEST_F(TrailTest, AStoreThatFailsStopsNoRecord) {
  store::FaultTable faulty(heads_, 3, {.fail_before = 0.5, .fail_after = 0.2, .lock_timeout = 0.1});
  // Opening reads the head, which may fail: that is an error, not a new chain.
  Result<std::unique_ptr<Trail>> trail = Fail(internal_error(ErrorCode::kIo, ""));
  for (int i = 0; i < 100 && !trail; ++i) {
    trail = Trail::open({.chain = "audit"}, std::make_unique<TestChainFile>(disk_), faulty, clock_);
    EXPECT_TRUE(trail || disk_.text().empty());
  }
  ASSERT_TRUE(trail);
  for (int i = 0; i < 50; ++i) {
    (*trail)->record(event("e"));
    clock_.advance(2s);
  }
  faulty.set_plan({});
  ASSERT_TRUE((*trail)->flush(5s));
  EXPECT_TRUE(judge().whole());
  EXPECT_EQ(judge().unsealed, 0u);
}

TEST_F(TrailTest, AStoreThatRefusesDoesNotHoldUpTheEnd) {
  store::FaultTable faulty(heads_, 3, {});
  {
    auto trail = std::move(*Trail::open({.chain = "audit"}, std::make_unique<TestChainFile>(disk_), faulty, clock_));
    ASSERT_TRUE(trail->flush(5s));
    faulty.set_plan({.fail_before = 1.0});
    trail->record(event("last"));
  }
  EXPECT_EQ(judge().unsealed, 1u);
  open();  // taken up, without a gap
  EXPECT_TRUE(judge().whole());
  EXPECT_EQ(std::ranges::count(events(), "audit.resumed"), 0);
}

TEST_F(TrailTest, ManyThreadsLoseNothing) {
  const auto trail = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) trail->record(event("t" + std::to_string(t)));
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(trail->flush(10s));
  EXPECT_TRUE(judge().whole());
  EXPECT_EQ(judge().records, 2'001u);
}

// A flood of callers without a name: at most ten records and one sum a minute, and the sum is right.
TEST_F(TrailTest, AFloodOfAnonymous401sCostsAFewLines) {
  const auto trail = open();
  constexpr int kFlood = 10'000;
  for (int i = 0; i < kFlood; ++i)
    trail->anonymous(
        {.reason = i % 4 == 0 ? "auth.missing" : "jws.alg", .request_id = "r", .action = "chat.create", .peer = "10.0.0.1", .listener = "public"});
  clock_.advance(61s);
  trail->anonymous({.reason = "auth.missing", .request_id = "r", .action = {}, .peer = {}, .listener = {}});
  ASSERT_TRUE(trail->flush(5s));
  const std::vector<std::string> found = events();
  EXPECT_EQ(std::ranges::count(found, "authn.deny"), 11);  // ten of the first minute, one of the second
  EXPECT_EQ(std::ranges::count(found, "authn.summary"), 1);
  EXPECT_NE(disk_.text().find(R"("detail":{"refused":"10000","recorded":"10","milliseconds":"61000","jws.alg":"7500","auth.missing":"2500"})"),
            std::string::npos)
      << disk_.text();
  EXPECT_TRUE(judge().whole());
}

TEST_F(TrailTest, TheSumComesWithoutAnotherCaller) {
  const auto trail = open();
  for (int i = 0; i < 11; ++i) trail->anonymous({.reason = "auth.missing", .request_id = {}, .action = {}, .peer = {}, .listener = {}});
  clock_.advance(61s);
  ASSERT_TRUE(trail->flush(5s));
  EXPECT_EQ(std::ranges::count(events(), "authn.summary"), 1);
}

TEST(AnonymousCount, ReasonsAreBounded) {
  AnonymousCount count;
  for (int i = 0; i < 1'000; ++i) count.enter("reason" + std::to_string(i), MonoTime{0});
  const auto summary = count.summary(MonoTime{0}, true);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->detail.size(), kFactsMax);
  EXPECT_EQ(summary->detail[0], (Fact{"refused", "1000"}));
  EXPECT_EQ(summary->detail[3], (Fact{"other", std::to_string(1'000 - (kAnonymousReasons - 1))}));
  EXPECT_FALSE(count.open());
}

TEST_F(TrailTest, SubjectsCanBePseudonyms) {
  {
    const auto trail = open({.chain = {}, .pseudonym = [](std::string_view tenant, std::string_view) { return "p-" + std::string(tenant); }});
    Record record = event("e", "team-a");
    record.principal.subject = "person@contoso.example";
    record.principal.token_id = "jti-of-this-person";
    trail->record(record);
  }
  EXPECT_EQ(disk_.bytes.find("contoso"), std::string::npos);
  EXPECT_EQ(disk_.bytes.find("jti-of"), std::string::npos);
  EXPECT_NE(disk_.bytes.find(R"("subject":"p-team-a")"), std::string::npos);
}

TEST(ChainFileTest, IsPrivateAndHasOneWriter) {
  TestFolder folder;
  const auto path = folder.path() / "audit.jsonl";
  std::ofstream(path).close();
  ::chmod(path.c_str(), 0644);
  store::MemoryTable heads;
  const ManualClock clock;
  auto file = open_chain_file(path);
  ASSERT_TRUE(file) << file.error().detail;
  struct stat facts{};
  ::stat(path.c_str(), &facts);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_EQ(open_chain_file(path).error().code, ErrorCode::kConflict);
  {
    auto trail = Trail::open({.chain = "audit"}, std::move(*file), heads, clock);
    ASSERT_TRUE(trail);
    (*trail)->record({.event = "one"});
  }
  const auto verdict = verify_file(path, *stored_head(heads, "audit"));
  EXPECT_TRUE(verdict->whole());
  EXPECT_EQ(verdict->records, 2u);
  EXPECT_TRUE(open_chain_file(path));  // free again
  std::filesystem::create_symlink(path, folder.path() / "link");
  EXPECT_FALSE(open_chain_file(folder.path() / "link"));
  EXPECT_FALSE(open_chain_file(folder.path()));
}

TEST_F(TrailTest, AnAuditorSeesHisTenantsOnly) {
  TestFolder folder;
  const auto path = folder.path() / "audit.jsonl";
  {
    auto trail = Trail::open({.chain = "audit"}, std::move(*open_chain_file(path)), heads_, clock_);
    Record trick = event("trick", "team-b");
    trick.reason = R"("principal":{"tenant":"team-a"})";
    trick.resource = {{"tenant", "team-a"}};
    for (int i = 0; i < 10; ++i) {
      (*trail)->record(event("a", "team-a"));
      (*trail)->record(event("b", "team-b"));
      (*trail)->record(event("instance"));
      (*trail)->record(event("almost", "team-a2"));
      (*trail)->record(trick);
    }
  }
  const auto read = [&](const ReadFrom& from, const AuditScope& scope) { return std::move(*read_records(path, from, scope)); };
  const RecordPage a = read({}, {.tenants = {"team-a"}});
  EXPECT_EQ(a.lines.size(), 10u);
  for (const std::string& line : a.lines) EXPECT_EQ(decode(line)->record.principal.tenant, "team-a");
  EXPECT_EQ(read({}, {}).lines.size(), 0u);
  EXPECT_EQ(read({}, {.tenants = {""}}).lines.size(), 0u);  // no name is nobody's tenant
  EXPECT_EQ(read({}, {.instance = true, .tenants = {""}}).lines.size(), 11u);
  EXPECT_EQ(read({.limit = 1'000}, {.everything = true}).lines.size(), 51u);
  // In pages, each record once.
  size_t seen = 0;
  ReadFrom from{.limit = 3};
  for (bool more = true; more;) {
    const RecordPage page = read(from, {.tenants = {"team-a", "team-b"}});
    seen += page.lines.size();
    EXPECT_GE(page.next, from.after);
    from.after = page.next;
    more = page.more;
  }
  EXPECT_EQ(seen, 30u);
  for (const uint32_t limit : {0u, 1'001u}) EXPECT_EQ(read_records(path, {.limit = limit}, {}).error().code, ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace wye::audit
