#include "llm/protocol/pointer.hpp"

namespace wye::protocol {
namespace {

constexpr size_t kUrlMax = 8192;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool equals_lower(std::string_view text, std::string_view lower_text) {
  return text.size() == lower_text.size() && std::equal(text.begin(), text.end(), lower_text.begin(), [](char a, char b) { return lower(a) == b; });
}

/// Exact, or `*.` for one or more labels in front.
bool host_matches(std::string_view host, std::string_view pattern) {
  if (!pattern.starts_with("*.")) return equals_lower(host, pattern);
  const std::string_view tail = pattern.substr(1);
  return host.size() > tail.size() && equals_lower(host.substr(host.size() - tail.size()), tail);
}

/// The host of `//host[:port]…`, empty if there is anything that parsers disagree about: userinfo, backslashes, percent
/// signs, odd characters, numbers that some read as addresses.
std::string_view host_of(std::string_view rest) {
  if (!rest.starts_with("//")) return {};
  rest.remove_prefix(2);
  const size_t end = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, end);
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return {};
    const std::string_view after = authority.substr(close + 1);
    if (!after.empty() && !(after[0] == ':' && std::ranges::all_of(after.substr(1), is_digit))) return {};
    const std::string_view address = authority.substr(1, close - 1);
    const bool plain =
        std::ranges::all_of(address, [](char c) { return is_digit(c) || c == ':' || c == '.' || (lower(c) >= 'a' && lower(c) <= 'f'); });
    return plain ? authority.substr(0, close + 1) : std::string_view();
  }
  const size_t colon = authority.find(':');
  if (colon != std::string_view::npos && !std::ranges::all_of(authority.substr(colon + 1), is_digit)) return {};
  const std::string_view host = authority.substr(0, colon);
  const bool plain = std::ranges::all_of(host, [](char c) { return is_alpha(c) || is_digit(c) || c == '.' || c == '-'; });
  return plain ? host : std::string_view();
}

}  // namespace

PointerVerdict judge_pointer(std::string_view url, std::span<const std::string> schemes, std::span<const std::string> hosts) {
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_alpha(url[0])) return PointerVerdict::kMalformed;
  const std::string_view scheme = url.substr(0, colon);
  if (!std::ranges::all_of(scheme, [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }))
    return PointerVerdict::kMalformed;
  const bool allowed = std::ranges::any_of(schemes, [scheme](const std::string& s) { return equals_lower(scheme, s); });
  if (!allowed) return PointerVerdict::kScheme;
  if (equals_lower(scheme, "data")) return PointerVerdict::kInline;
  if (url.size() > kUrlMax || !std::ranges::all_of(url, [](char c) { return c > ' ' && c < 127 && c != '\\' && c != '"' && c != '<' && c != '>'; }))
    return PointerVerdict::kMalformed;
  if (!equals_lower(scheme, "https") && !equals_lower(scheme, "http")) return PointerVerdict::kScheme;
  const std::string_view host = host_of(url.substr(colon + 1));
  if (host.empty()) return PointerVerdict::kMalformed;
  const bool known = std::ranges::any_of(hosts, [host](const std::string& pattern) { return host_matches(host, pattern); });
  return known ? PointerVerdict::kAllowed : PointerVerdict::kHost;
}

}  // namespace wye::protocol
