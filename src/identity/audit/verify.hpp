// Judges a chain: whole, or broken where first.
//
// Found: an edit, a deletion, an insertion, a swap, a repetition anywhere before the head that was stored apart; a cut at the end down to
// that head. What comes behind the stored head (at most a second of records) is linked but not sealed: cutting it off can not be told
// from a crash, and is only counted.
// Threads: one owner; verify_file blocks.
#pragma once

#include "identity/audit/chain.hpp"

namespace wye::audit {

struct Break {
  uint64_t line = 0;  // counted from 1; behind the last line for what is cut off
  uint64_t seq = 0;   // the first number whose record is missing or not the one that was written
  std::string what{}; // one sentence without a full stop
};

struct Verdict {
  uint64_t records = 0;            // whole lines that are records, up to the break
  Head last{};                     // of them
  std::optional<Break> broken{};   // the first
  std::optional<Head> anchor{};    // the head that was stored apart
  uint64_t unsealed = 0;           // records behind the anchor
  uint64_t torn_bytes = 0;         // of a last line without its end: a crash or a writer at work, no break
  bool whole() const { return !broken; }
};

/// `{"whole":…,"records":…,"lastSeq":…,"sealedSeq":…,"unsealed":…,"tornBytes":…,"broken":{"line","seq","what"}}`.
std::string to_json(const Verdict& verdict);

/// Takes a chain line by line.
class ChainVerifier {
 public:
  /// `anchor`: what the state of the instance says; read it before the lines. Absent: none is known, the end can not be judged.
  explicit ChainVerifier(std::optional<Head> anchor) { verdict_.anchor = anchor; }
  /// A line without its line break.
  void take(std::string_view line);
  Verdict finish(uint64_t torn_bytes);

 private:
  void fail(uint64_t line, uint64_t seq, std::string what);
  void check_anchor(uint64_t line, uint64_t seq, const crypto::Digest& hash);
  void settle(bool next_is_linked);

  json::Document scratch_;
  Verdict verdict_;
  uint64_t line_ = 0;
  // A record whose `prev` is not the hash of the one before: the next record tells which of the two was changed.
  struct Suspicion {
    uint64_t line;
    uint64_t seq;
  };
  std::optional<Suspicion> suspect_;
};

/// A file, read in pieces. A missing file is an empty chain. Errors: kIo.
Result<Verdict> verify_file(const std::filesystem::path& file, std::optional<Head> anchor);

/// Calls `take` with each whole line of a file; gives the number of bytes behind the last line break. A line beyond kLineBytesMax is
/// handed over cut, so that nobody takes it for a record. Errors: kIo. A missing file has no lines.
Result<uint64_t> each_line(const std::filesystem::path& file, const std::function<bool(std::string_view)>& take);

}  // namespace wye::audit
