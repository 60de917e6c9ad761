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

}  // namespace

Result<void> Target::parse(const Head& head) {
  std::string_view raw = head.target;
  path_ = query_ = {};
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
  if (question != std::string_view::npos) query_ = raw.substr(question + 1);
  return parse_path(raw.substr(0, question));
}

Result<void> Target::parse_path(std::string_view raw) {
  path_ = raw;
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
      if (byte == '/' || byte == '\\' || byte == '%' || code < 0x20 || code == 0x7F) return bad("The path holds a percent-encoded separator or control character.");
      decoded_ += byte;
      i += 2;
    }
    path_ = decoded_;
  }
  if (path_.find('\\') != std::string_view::npos) return bad("The path must not hold a backslash.");
  for (size_t start = 1; start <= path_.size();) {
    const size_t slash = std::min(path_.find('/', start), path_.size());
    const std::string_view segment = path_.substr(start, slash - start);
    if (segment == "." || segment == "..") return bad("The path must not hold a dot segment.");
    if (segment.empty() && slash != path_.size()) return bad("The path must not hold an empty segment.");
    start = slash + 1;
  }
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
