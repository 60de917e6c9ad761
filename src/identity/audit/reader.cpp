#include "identity/audit/reader.hpp"

#include "identity/audit/verify.hpp"

namespace wye::audit {
namespace {

/// The number of a record without reading all of it: the line begins `{"v":1,"seq":N,`. 0: it does not.
uint64_t seq_of(std::string_view line) {
  constexpr std::string_view kFront = R"({"v":1,"seq":)";
  if (!line.starts_with(kFront)) return 0;
  line.remove_prefix(kFront.size());
  uint64_t seq = 0;
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), seq);
  return parsed.ec == std::errc() ? seq : 0;
}

}  // namespace

bool AuditScope::covers(const Record& record) const {
  if (everything) return true;
  if (record.principal.tenant.empty()) return instance;
  return std::ranges::find(tenants, record.principal.tenant) != tenants.end();
}

Result<RecordPage> read_records(const std::filesystem::path& file, const ReadFrom& from, const AuditScope& scope) {
  if (from.limit == 0 || from.limit > kRecordsPerPageMax)
    return Fail(public_error(ErrorCode::kInvalidRequest, "The limit is 1 to 1000 records.", "limit"));
  RecordPage page;
  page.next = from.after;
  uint64_t scanned = 0;
  json::Document scratch;
  TRY(const uint64_t torn, each_line(file, [&](std::string_view line) {
        const uint64_t seq = seq_of(line);
        if (seq <= from.after) return true;
        if (page.lines.size() == from.limit || scanned > kScanBytesMax) {
          page.more = true;
          return false;
        }
        scanned += line.size();
        page.next = std::max(page.next, seq);
        // Decoded, not searched: a text inside a record can look like another tenant's member.
        const std::optional<Sealed> sealed = decode(line, scratch);
        if (sealed && scope.covers(sealed->record)) page.lines.emplace_back(line);
        return true;
      }));
  (void)torn;
  return page;
}

}  // namespace wye::audit
