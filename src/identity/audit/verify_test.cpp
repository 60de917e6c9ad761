// Every way to falsify a chain, at a thousand places: it is found, and the place is named.
#include "identity/audit/verify.hpp"

#include "foundation/base/random.hpp"
#include "foundation/base/test_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace wye::audit {
namespace {

struct Chain {
  std::vector<std::string> lines;
  Head head;
};

Chain make_chain(size_t records) {
  Chain chain;
  for (size_t i = 0; i < records; ++i) {
    Record record;
    record.event = "keys.create";
    record.principal.tenant = i % 3 == 0 ? "team-a" : "team-b";
    record.detail = {{"number", std::to_string(i)}};
    const Sealed sealed{chain.head.seq + 1, WallTime{static_cast<int64_t>(i) * 1'000'000'000}, record, chain.head.hash};
    chain.lines.push_back(encode(sealed));
    chain.head = {sealed.seq, hash_of(sealed, chain.lines.back())};
  }
  return chain;
}

Verdict judge(const std::vector<std::string>& lines, std::optional<Head> anchor) {
  ChainVerifier verifier(anchor);
  for (const std::string& line : lines) verifier.take(line);
  return verifier.finish(0);
}

/// As an attacker who knows the format would: the line says something else and is a perfect record.
std::string forged(const std::string& line, const std::function<void(Sealed&)>& change) {
  Sealed sealed = *decode(line);
  change(sealed);
  return encode(sealed);
}

class AuditMutations : public testing::Test {
 protected:
  static constexpr size_t kRecords = 40;
  void expect_broken(const std::vector<std::string>& lines, uint64_t seq, std::string_view how) {
    const Verdict verdict = judge(lines, chain_.head);
    ASSERT_FALSE(verdict.whole()) << how << " at " << seq;
    EXPECT_EQ(verdict.broken->seq, seq) << how << ": " << verdict.broken->what;
    EXPECT_FALSE(verdict.broken->what.empty());
  }
  Chain chain_ = make_chain(kRecords);
  SeededRandom random_{11};
};

TEST_F(AuditMutations, AWholeChainIsWhole) {
  const Verdict verdict = judge(chain_.lines, chain_.head);
  EXPECT_TRUE(verdict.whole());
  EXPECT_EQ(verdict.records, kRecords);
  EXPECT_EQ(verdict.last, chain_.head);
  EXPECT_EQ(verdict.unsealed, 0u);
  EXPECT_TRUE(judge({}, std::nullopt).whole());
}

TEST_F(AuditMutations, AnEditIsFoundAtItsRecord) {
  for (int round = 0; round < 1'000; ++round) {
    const size_t at = random_.below(kRecords);
    std::vector<std::string> lines = chain_.lines;
    lines[at] = forged(lines[at], [&](Sealed& sealed) {
      switch (round % 4) {
        case 0: sealed.record.detail[0].value += "x"; break;
        case 1: sealed.time.ns += 1'000'000; break;
        case 2: sealed.record.principal.tenant = "team-c"; break;
        default: sealed.record.event = "keys.revoke"; break;
      }
    });
    expect_broken(lines, at + 1, "edit");
  }
}

TEST_F(AuditMutations, EveryBitOfALineCounts) {
  const size_t at = 7;
  for (size_t byte = 0; byte < chain_.lines[at].size(); ++byte) {
    for (const int bit : {0, 1, 5}) {
      std::vector<std::string> lines = chain_.lines;
      lines[at][byte] = static_cast<char>(lines[at][byte] ^ (1 << bit));
      const Verdict verdict = judge(lines, chain_.head);
      ASSERT_FALSE(verdict.whole()) << byte;
      // A number that was changed lets another one be missing: the place stays the same.
      EXPECT_GE(verdict.broken->seq, at + 1 - 1) << byte;
      EXPECT_LE(verdict.broken->seq, at + 1 + 1) << byte;
    }
  }
}

TEST_F(AuditMutations, AChangedLinkIsFoundAtItsRecord) {
  for (size_t at = 0; at < kRecords; ++at) {
    std::vector<std::string> lines = chain_.lines;
    lines[at] = forged(lines[at], [](Sealed& sealed) { sealed.prev[5] ^= 1; });
    expect_broken(lines, at + 1, "link");
  }
}

TEST_F(AuditMutations, ADeletionIsFound) {
  for (int round = 0; round < 1'000; ++round) {
    const size_t at = random_.below(kRecords);
    const size_t count = 1 + random_.below(kRecords - at);
    std::vector<std::string> lines = chain_.lines;
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(at), lines.begin() + static_cast<ptrdiff_t>(at + count));
    expect_broken(lines, at + 1, "deletion");
  }
}

// The attacker closes the numbers behind what he took out.
TEST_F(AuditMutations, ADeletionWithNewNumbersIsFound) {
  for (size_t at = 0; at + 1 < kRecords; ++at) {
    std::vector<std::string> lines = chain_.lines;
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(at));
    for (size_t i = at; i < lines.size(); ++i) lines[i] = forged(lines[i], [](Sealed& sealed) { --sealed.seq; });
    const Verdict verdict = judge(lines, chain_.head);
    ASSERT_FALSE(verdict.whole()) << at;
    EXPECT_EQ(verdict.broken->seq, at + 1) << verdict.broken->what;
  }
}

TEST_F(AuditMutations, AnInsertionIsFound) {
  for (int round = 0; round < 1'000; ++round) {
    const size_t at = random_.below(kRecords + 1);
    std::vector<std::string> lines = chain_.lines;
    const std::string model = lines[at == kRecords ? at - 1 : at];
    std::string made = forged(model, [&](Sealed& sealed) {
      sealed.record.reason = "made up";
      sealed.seq = at + 1;
    });
    if (round % 2 == 0) made = random_.below(2) == 0 ? "no record" : model;
    lines.insert(lines.begin() + static_cast<ptrdiff_t>(at), made);
    const Verdict verdict = judge(lines, chain_.head);
    if (at == kRecords && made != model && made != "no record") {
      // Behind the stored head there is no proof of who wrote it but its link: it can not refer to the right one by chance.
      ASSERT_FALSE(verdict.whole());
      continue;
    }
    ASSERT_FALSE(verdict.whole()) << at;
    EXPECT_LE(verdict.broken->line, at + 2) << verdict.broken->what;
    EXPECT_GE(verdict.broken->line, std::max<size_t>(at, 1)) << verdict.broken->what;
  }
}

TEST_F(AuditMutations, ASwapIsFound) {
  for (int round = 0; round < 1'000; ++round) {
    const size_t a = random_.below(kRecords);
    const size_t b = random_.below(kRecords);
    if (a == b) continue;
    std::vector<std::string> lines = chain_.lines;
    std::swap(lines[a], lines[b]);
    expect_broken(lines, std::min(a, b) + 1, "swap");
  }
}

TEST_F(AuditMutations, ATruncationIsFoundDownToTheStoredHead) {
  for (size_t kept = 0; kept < kRecords; ++kept) {
    const std::vector<std::string> lines(chain_.lines.begin(), chain_.lines.begin() + static_cast<ptrdiff_t>(kept));
    expect_broken(lines, kept + 1, "truncation");
  }
  // Behind the head nothing was promised, and the number says so.
  const Chain shorter = make_chain(30);
  const Verdict verdict = judge(chain_.lines, shorter.head);
  EXPECT_TRUE(verdict.whole());
  EXPECT_EQ(verdict.unsealed, kRecords - 30);
}

// Everything rewritten from some place on, hashes and all: only what is stored apart can tell.
TEST_F(AuditMutations, ARewrittenTailDiffersFromTheStoredHead) {
  for (size_t at = 0; at < kRecords; ++at) {
    std::vector<std::string> lines(chain_.lines.begin(), chain_.lines.begin() + static_cast<ptrdiff_t>(at));
    Head head = at == 0 ? Head{} : Head{at, hash_of(*decode(lines.back()), lines.back())};
    for (size_t i = at; i < kRecords; ++i) {
      Sealed sealed = *decode(chain_.lines[i]);
      sealed.record.reason = "rewritten";
      sealed.prev = head.hash;
      lines.push_back(encode(sealed));
      head = {sealed.seq, hash_of(sealed, lines.back())};
    }
    const Verdict verdict = judge(lines, chain_.head);
    ASSERT_FALSE(verdict.whole()) << at;
    EXPECT_EQ(verdict.broken->seq, kRecords);
    EXPECT_TRUE(judge(lines, std::nullopt).whole());  // which is why the head is stored
  }
}

TEST(VerifyFile, ReadsPiecesAndLongLines) {
  TestFolder folder;
  const auto path = folder.path() / "audit.jsonl";
  EXPECT_TRUE(verify_file(path, std::nullopt)->whole());  // nothing was ever written
  const Chain chain = make_chain(5'000);
  {
    std::ofstream out(path, std::ios::binary);
    for (const std::string& line : chain.lines) out << line << '\n';
    out << chain.lines[0].substr(0, 20);
  }
  const auto verdict = verify_file(path, chain.head);
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->whole()) << verdict->broken->what;
  EXPECT_EQ(verdict->records, 5'000u);
  EXPECT_EQ(verdict->torn_bytes, 20u);
  std::ofstream(path, std::ios::binary | std::ios::app) << std::string(10 << 20, 'x') << '\n' << chain.lines[0] << '\n';
  const auto broken = verify_file(path, chain.head);
  ASSERT_FALSE(broken->whole());
  EXPECT_EQ(broken->broken->line, 5'001u);
  EXPECT_FALSE(verify_file(folder.path(), std::nullopt));  // a folder is no chain
}

}  // namespace
}  // namespace wye::audit
