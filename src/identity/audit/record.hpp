// What the audit trail keeps of one event, and its text: one line of JSON.
// Never in it: tokens, keys, prompts, header values. A record has no field for them, and texts that callers choose (a model's name, a
// subject) are searched for shapes of secrets at the source, before they are queued.
// Threads: values and pure functions.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/json/document.hpp"
#include "identity/token/principal.hpp"

namespace wye::audit {

// Bounds of a record; what is longer is shortened and says so by the digest of the whole at its end, what is too many is left out.
inline constexpr size_t kTextBytesMax = 512;
inline constexpr size_t kRulesMax = 16;
inline constexpr size_t kFactsMax = 16;        // of `resource` and of `detail`, each
inline constexpr size_t kLineBytesMax = 64 << 10;  // of a record's text with its line break

/// Who it was, as names only. All empty: nobody who could prove it.
struct Who {
  std::string kind{};  // user app workload certificate key owner
  std::string issuer{};
  std::string tenant{};  // in which the caller acts
  std::string subject{};
  std::string client{};
  std::string key_id{};
  std::string token_id{};
  std::string binding{};

  /// `tenant`: the one that was found for this request.
  static Who of(const token::Principal& principal, std::string_view tenant);
  friend bool operator==(const Who&, const Who&) = default;
};

struct Fact {
  std::string name{};  // snake_case
  std::string value{};
  friend bool operator==(const Fact&, const Fact&) = default;
};

enum class Decision : uint8_t { kNone, kAllow, kDeny };

/// One event. What is empty is left out of the text.
struct Record {
  std::string event{};       // constant dotted name: `authz.deny`, `keys.create`
  std::string request_id{};
  std::string action{};      // of the closed list of actions
  Who principal{};
  std::vector<Fact> resource{};  // `route`, `target`, `key`, `config` …
  Decision decision = Decision::kNone;
  std::vector<std::string> rules{};
  std::string reason{};
  std::string peer{};
  std::string listener{};
  std::string config{};      // digest of the configuration that decided
  int status = 0;            // of the HTTP answer; 0: none
  std::vector<Fact> detail{};
  friend bool operator==(const Record&, const Record&) = default;
};

/// A record at its place in the chain.
struct Sealed {
  uint64_t seq = 0;  // 1, 2, 3 … without gaps
  WallTime time{};   // to the millisecond
  Record record{};
  crypto::Digest prev{};  // hash of the record before; zeros for the first
  friend bool operator==(const Sealed&, const Sealed&) = default;
};

/// Brings a record within its bounds and takes out what looks like a secret; control characters become blanks.
void make_presentable(Record& record);
/// Bytes of memory that the texts of a record take, roughly.
size_t text_bytes(const Record& record);
/// `text` with every piece that has the shape of a credential (API keys, JWTs, what follows `Bearer`, PEM) replaced by `[redacted]`.
std::string without_secrets(std::string_view text);

/// The line of a record, without line break: members in the order of Sealed and Record, `prev` last. The record is presentable.
std::string encode(const Sealed& sealed);
/// Absent where the line is not exactly what `encode` writes for a presentable record.
std::optional<Sealed> decode(std::string_view line);
/// The same with memory that many lines share.
std::optional<Sealed> decode(std::string_view line, json::Document& scratch);

}  // namespace wye::audit
