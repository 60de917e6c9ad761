#include "config/kinds/grammar.hpp"

namespace wye::config {
namespace {

constexpr bool digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool alnum(char c) { return digit(c) || lower(c) || upper(c); }
constexpr bool lower_alnum(char c) { return digit(c) || lower(c); }
constexpr bool one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

bool all(std::string_view text, size_t least, size_t most, auto&& good) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, good);
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (size_t start = 0; start <= text.size();) {
    const size_t dot = std::min(text.find('.', start), text.size());
    const std::string_view label = text.substr(start, dot - start);
    if (!all(label, 1, 63, [](char c) { return alnum(c) || c == '-'; }) || label.front() == '-' || label.back() == '-') return false;
    start = dot + 1;
  }
  return true;
}

bool is_dated(std::string_view text) {
  if (text.ends_with("-preview")) text.remove_suffix(8);
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  for (const size_t i : {0u, 1u, 2u, 3u, 5u, 6u, 8u, 9u}) {
    if (!digit(text[i])) return false;
  }
  const int month = (text[5] - '0') * 10 + text[6] - '0';
  const int day = (text[8] - '0') * 10 + text[9] - '0';
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/// Names joined by dots, each with any number of `[*]`: `metadata.trace`, `messages[*].name`.
bool is_field_path(std::string_view text) {
  if (text.empty() || text.size() > 256) return false;
  for (size_t start = 0; start <= text.size();) {
    const size_t dot = std::min(text.find('.', start), text.size());
    std::string_view step = text.substr(start, dot - start);
    while (step.ends_with("[*]")) step.remove_suffix(3);
    if (!all(step, 1, 128, [](char c) { return alnum(c) || one_of(c, "_-$"); })) return false;
    start = dot + 1;
  }
  return true;
}

/// Headers that carry identity, framing or routing: forwarding one would let a client speak for Wye.
bool is_forwardable(std::string_view text) {
  constexpr std::array<std::string_view, 22> kNever = {
      "authorization",     "api-key",   "x-api-key", "cookie",      "set-cookie", "host",         "connection", "content-length",
      "transfer-encoding", "te",        "trailer",   "upgrade",     "expect",     "content-type", "accept",     "accept-encoding",
      "content-encoding",  "forwarded", "dpop",      "x-policy-id", "keep-alive", "user-agent"};
  if (!all(text, 1, 64, [](char c) { return lower_alnum(c) || c == '-'; })) return false;
  for (const std::string_view prefix : {"x-ms-", "x-wye-", "proxy-", "x-forwarded-", "sec-", "x-identity-", "x-request-id", "ocp-apim-"}) {
    if (text.starts_with(prefix)) return false;
  }
  return std::ranges::find(kNever, text) == kNever.end();
}

struct Row {
  Grammar grammar;
  std::string_view text;
  std::string_view pattern;
};
constexpr std::array kRows = {
    Row{Grammar::kText, "text without control characters", ""},
    Row{Grammar::kName, "a name: 1-63 of a-z 0-9 . - that begins and ends with a letter or digit", "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"},
    Row{Grammar::kAlias, "1-128 of A-Z a-z 0-9 . _ : / -", "^[A-Za-z0-9._:/-]{1,128}$"},
    Row{Grammar::kAddress, "an IPv4 or IPv6 address", ""},
    Row{Grammar::kHost, "a host name, an IP address ([...] around IPv6), or *. and a host name", ""},
    Row{Grammar::kHostName, "a host name", ""},
    Row{Grammar::kEndpoint, "a URL https://HOST[:PORT]", ""},
    Row{Grammar::kOrigin, "an origin scheme://host[:port]", ""},
    Row{Grammar::kRegion, "a region: 1-64 of a-z 0-9 -", "^[a-z0-9][a-z0-9-]{0,63}$"},
    Row{Grammar::kDeployment, "1-128 of A-Z a-z 0-9 . _ : / - @", "^[A-Za-z0-9._:/@-]{1,128}$"},
    Row{Grammar::kApiVersion, "v1, or YYYY-MM-DD with or without -preview", "^(v1|[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?)$"},
    Row{Grammar::kDatedVersion, "YYYY-MM-DD with or without -preview", "^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$"},
    Row{Grammar::kDigest, "sha256: and 64 lower-case hex digits", "^sha256:[0-9a-f]{64}$"},
    Row{Grammar::kEnvName, "the name of an environment variable", "^[A-Za-z_][A-Za-z0-9_]{0,127}$"},
    Row{Grammar::kHeaderName, "a lower-case header name that carries no identity, framing or routing", "^[a-z0-9-]{1,64}$"},
    Row{Grammar::kFieldPath, "a field path as metadata.trace or messages[*].name", ""},
    Row{Grammar::kScheme, "data or https", "^(data|https)$"},
    Row{Grammar::kToolType, "the type of a tool: 1-64 of a-z 0-9 _", "^[a-z0-9_]{1,64}$"},
};
static_assert(kRows.size() == static_cast<size_t>(Grammar::kToolType) + 1);
static_assert(std::ranges::all_of(kRows, [](const Row& row) { return &row - kRows.data() == static_cast<ptrdiff_t>(row.grammar); }));

bool is_host(std::string_view text) {
  if (text.starts_with("*.")) return is_host_name(text.substr(2));
  if (text.starts_with('['))
    return text.ends_with(']') && all(text.substr(1, text.size() - 2), 2, 45, [](char c) { return alnum(c) || one_of(c, ":."); });
  return is_host_name(text);
}

}  // namespace

std::string_view grammar_text(Grammar grammar) { return kRows[static_cast<size_t>(grammar)].text; }
std::string_view grammar_pattern(Grammar grammar) { return kRows[static_cast<size_t>(grammar)].pattern; }

bool matches(Grammar grammar, std::string_view text) {
  switch (grammar) {
    case Grammar::kText: return all(text, 0, 4096, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    case Grammar::kName:
      return all(text, 1, 63, [](char c) { return lower_alnum(c) || one_of(c, ".-"); }) && lower_alnum(text.front()) && lower_alnum(text.back());
    case Grammar::kAlias: return all(text, 1, 128, [](char c) { return alnum(c) || one_of(c, "._:/-"); });
    case Grammar::kAddress: return all(text, 2, 45, [](char c) { return alnum(c) || one_of(c, ":."); });
    case Grammar::kHost: return is_host(text);
    case Grammar::kHostName: return is_host_name(text);
    case Grammar::kEndpoint:
    case Grammar::kOrigin: return all(text, 1, 1024, [](char c) { return c > 0x20 && c < 0x7f; });
    case Grammar::kRegion: return all(text, 1, 64, [](char c) { return lower_alnum(c) || c == '-'; }) && text.front() != '-';
    case Grammar::kDeployment: return all(text, 1, 128, [](char c) { return alnum(c) || one_of(c, "._:/@-"); });
    case Grammar::kApiVersion: return text == "v1" || is_dated(text);
    case Grammar::kDatedVersion: return is_dated(text);
    case Grammar::kDigest:
      return text.starts_with("sha256:") && all(text.substr(7), 64, 64, [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
    case Grammar::kEnvName: return all(text, 1, 128, [](char c) { return alnum(c) || c == '_'; }) && !digit(text.front());
    case Grammar::kHeaderName: return is_forwardable(text);
    case Grammar::kFieldPath: return is_field_path(text);
    case Grammar::kScheme: return text == "data" || text == "https";
    case Grammar::kToolType: return all(text, 1, 64, [](char c) { return lower_alnum(c) || c == '_'; });
  }
  return false;
}

}  // namespace wye::config
