#include "identity/token/key_record.hpp"

#include "foundation/crypto/encode.hpp"
#include "identity/token/principal.hpp"

namespace wye::token {
namespace {

constexpr size_t kKidChars = 8;
constexpr std::string_view kFormat = "1";
constexpr std::string_view kNever = "never";

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kKeyTextBytesMax && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// Takes lines `name value` off the front of a text, in a fixed order.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  /// The value if the next line has this name.
  std::optional<std::string_view> take(std::string_view name) {
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    if (end == std::string_view::npos || !line.starts_with(name) || line.substr(name.size(), 1) != " ") return std::nullopt;
    rest_.remove_prefix(end + 1);
    return line.substr(name.size() + 1);
  }
  std::string_view text(std::string_view name) { return take(name).value_or(""); }
  /// Absent or unreadable: a time that no encoded record has, so that the comparison at the end fails.
  WallTime time(std::string_view name) { return parse_rfc3339(text(name)).value_or(WallTime{1}); }

 private:
  std::string_view rest_;
};

}  // namespace

std::string_view key_record_fault(const KeyRecord& record) {
  if (!is_resource_name(record.tenant)) return "The tenant is not a valid name.";
  if (!is_label(record.owner)) return "The owner must be 1 to 256 printable ASCII characters.";
  if (!is_label(record.created_by)) return "The creator must be 1 to 256 printable ASCII characters.";
  if (record.routes.empty() || record.routes.size() > kRoutesPerKeyMax) return "A key needs 1 to 64 route patterns.";
  if (!std::ranges::all_of(record.routes, is_route_pattern)) return "A route pattern is a name of a Route, or the start of one and one `*`.";
  if (record.kid.size() != kKidChars) return "The pepper has no name.";
  if (record.not_before >= record.expires_at) return "A key must end after it starts.";
  return {};
}

std::string encode_key_record(const KeyRecord& record) {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) { text.append(name).append(" ").append(value).append("\n"); };
  line("format", kFormat);
  line("mac", crypto::to_hex(crypto::as_text(record.mac)));
  line("kid", record.kid);
  line("environment", to_string(record.environment));
  line("tenant", record.tenant);
  line("owner", record.owner);
  for (const std::string& route : record.routes) line("route", route);
  line("created_by", record.created_by);
  line("created_at", rfc3339(record.created_at));
  line("not_before", rfc3339(record.not_before));
  line("expires_at", rfc3339(record.expires_at));
  // Always there: a text that was cut off is no record of a live key.
  line("revoked_at", record.revoked_at ? rfc3339(*record.revoked_at) : std::string(kNever));
  return text;
}

std::optional<KeyRecord> decode_key_record(const KeyId& id, std::string_view text) {
  Lines lines(text);
  KeyRecord record;
  record.id = id;
  if (lines.text("format") != kFormat) return std::nullopt;
  const auto mac = crypto::from_hex(lines.text("mac"));
  if (!mac || mac->size() != record.mac.size()) return std::nullopt;
  std::memcpy(record.mac.data(), mac->data(), mac->size());
  record.kid = lines.text("kid");
  record.environment = lines.text("environment") == to_string(KeyEnvironment::kTest) ? KeyEnvironment::kTest : KeyEnvironment::kLive;
  record.tenant = lines.text("tenant");
  record.owner = lines.text("owner");
  while (const auto route = lines.take("route")) record.routes.emplace_back(*route);
  record.created_by = lines.text("created_by");
  record.created_at = lines.time("created_at");
  record.not_before = lines.time("not_before");
  record.expires_at = lines.time("expires_at");
  record.revoked_at = parse_rfc3339(lines.text("revoked_at"));
  // What was skipped, bent or added on the way here makes a difference now.
  if (!key_record_fault(record).empty() || encode_key_record(record) != text) return std::nullopt;
  return record;
}

}  // namespace wye::token
