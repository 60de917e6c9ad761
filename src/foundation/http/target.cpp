#include "foundation/http/target.hpp"

namespace wye::http {
namespace {

Fail bad(std::string_view message) { return Fail(public_error(ErrorCode::kInvalidRequest, std::string(message))); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool same_host(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

/// Shortest form, no surrogates, at most U+10FFFF: an overlong `/` or `.` is no path (RFC 3629 §3).
bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i]);
    const size_t size = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    if (size == 0 || i + size > text.size()) return false;
    const auto second = size > 1 ? static_cast<uint8_t>(text[i + 1]) : uint8_t{0x80};
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
      return false;
    for (size_t k = 1; k < size; ++k) {
      if ((static_cast<uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    i += size;
  }
  return true;
}

}  // namespace

Result<void> Target::parse(const Head& head) {
  std::string_view raw = head.target;
  clear();
  if (raw == "*" && head.method == Method::kOptions) {
    path_ = raw;
    return {};
  }
  if (raw.find('#') != std::string_view::npos) return bad("The request target must not hold a fragment.");
  if (raw.front() != '/') {
    size_t scheme = 0;
    if (raw.size() > 7 && equals_ignore_case(raw.substr(0, 7), "http://")) scheme = 7;
    else if (raw.size() > 8 && equals_ignore_case(raw.substr(0, 8), "https://")) scheme = 8;
    else return bad("The request target must begin with a slash.");
    raw.remove_prefix(scheme);
    const size_t slash = raw.find_first_of("/?");
    if (!same_host(raw.substr(0, slash), head.value(Known::kHost))) return bad("The request target and the Host header disagree.");
    raw = slash == std::string_view::npos ? std::string_view("/") : raw.substr(slash);
    if (raw.front() != '/') return bad("The request target must hold a path.");
  }
  const size_t question = raw.find('?');
  CHECK_OK(parse_path(raw.substr(0, question)));
  if (question != std::string_view::npos) query_ = raw.substr(question + 1);
  return {};
}

Result<void> Target::parse_path(std::string_view raw) {
  if (raw.find('%') != std::string_view::npos) {
    decoded_.clear();
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '%') {
        decoded_ += raw[i];
        continue;
      }
      const int high = i + 2 < raw.size() ? hex_value(raw[i + 1]) : -1;
      const int low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : -1;
      if (high < 0 || low < 0) return bad("The path holds a broken percent-encoding.");
      const auto byte = static_cast<char>(high * 16 + low);
      const auto code = static_cast<uint8_t>(byte);
      if (byte == '/' || byte == '\\' || byte == '%' || code < 0x20 || code == 0x7F)
        return bad("The path holds a percent-encoded separator or control character.");
      decoded_ += byte;
      i += 2;
    }
    if (!is_utf8(decoded_)) return bad("The path is not UTF-8.");
    raw = decoded_;
  }
  if (raw.find('\\') != std::string_view::npos) return bad("The path must not hold a backslash.");
  for (size_t start = 1; start <= raw.size();) {
    const size_t slash = std::min(raw.find('/', start), raw.size());
    const std::string_view segment = raw.substr(start, slash - start);
    if (segment == "." || segment == "..") return bad("The path must not hold a dot segment.");
    if (segment.empty() && slash != raw.size()) return bad("The path must not hold an empty segment.");
    start = slash + 1;
  }
  path_ = raw;
  return {};
}

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  std::optional<std::string_view> found;
  for (std::string_view rest = query_; !rest.empty();) {
    const size_t amp = rest.find('&');
    const std::string_view pair = rest.substr(0, amp);
    rest = amp == std::string_view::npos ? std::string_view() : rest.substr(amp + 1);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) != name) continue;
    if (found) return std::nullopt;
    found = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  }
  return found;
}

}  // namespace wye::http
