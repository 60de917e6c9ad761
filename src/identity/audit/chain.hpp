// The hash that binds each record to the one before: h(n) = SHA-256(h(n−1) ‖ JCS(record n without `prev`)), h(0) = 32 zero bytes.
// Source: RFC 8785 (JSON Canonicalization Scheme); records hold texts, whole numbers, lists and maps, no fractions.
// Threads: pure.
#pragma once

#include "identity/audit/record.hpp"

namespace wye::audit {

/// Where a chain ends. `seq` 0: nothing was recorded yet.
struct Head {
  uint64_t seq = 0;
  crypto::Digest hash{};
  friend bool operator==(const Head&, const Head&) = default;
};

/// The canonical form of the object in `line` without its member `prev`; absent where it is no such object (or holds a fraction).
std::optional<std::string> canonical_without_prev(std::string_view line);
std::optional<std::string> canonical_without_prev(std::string_view line, json::Document& scratch);
/// h(n) of a record whose line this is. Precondition: `line` is what encode(sealed) gave.
crypto::Digest hash_of(const Sealed& sealed, std::string_view line);
crypto::Digest hash_of(const Sealed& sealed, std::string_view line, json::Document& scratch);

/// The text that is stored for a head: `SEQ sha256:HEX`; absent on anything else.
std::string encode_head(const Head& head);
std::optional<Head> decode_head(std::string_view text);

}  // namespace wye::audit
