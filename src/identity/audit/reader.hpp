// What an auditor may read: the records of a chain, those of some tenants only unless the instance itself is theirs.
// Threads: pure functions that block on a file.
#pragma once

#include "identity/audit/record.hpp"

namespace wye::audit {

inline constexpr uint32_t kRecordsPerPageMax = 1'000;
/// A call looks through so many bytes at most and then says where to go on: a tenant with few records costs many short calls.
inline constexpr uint64_t kScanBytesMax = 64 << 20;

/// Whose records. A record belongs to the tenant of its principal; one without belongs to the instance, and to no tenant.
struct AuditScope {
  bool everything = false;
  bool instance = false;  // those of no tenant
  std::vector<std::string> tenants{};
  bool covers(const Record& record) const;
};

struct ReadFrom {
  uint64_t after = 0;  // only records with a larger seq
  uint32_t limit = 100;  // 1–kRecordsPerPageMax
};

struct RecordPage {
  std::vector<std::string> lines{};  // as they stand in the file, in order
  uint64_t next = 0;                 // pass this as `after`
  bool more = false;
};

/// Errors: kInvalidRequest (limit), kIo. Lines that are no records are passed over: `verify` is what reports them.
Result<RecordPage> read_records(const std::filesystem::path& file, const ReadFrom& from, const AuditScope& scope);

}  // namespace wye::audit
