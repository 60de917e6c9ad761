#include "config/kinds/grammar.hpp"

#include "config/kinds/cidr.hpp"

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
    Row{Grammar::kGuid, "a GUID in lower case", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
    Row{Grammar::kIdentifier, "1-128 of A-Z a-z 0-9 . _ -", "^[A-Za-z0-9._-]{1,128}$"},
    Row{Grammar::kResourceId, "the id of an Azure resource: /subscriptions/...", "^/subscriptions/[A-Za-z0-9._()/-]{1,500}$"},
    Row{Grammar::kAudience, "1-512 printable characters without spaces and *", "^[!-)+-~]{1,512}$"},
    Row{Grammar::kIssuerUrl, "an issuer URL: https:// and a host, without query and fragment", "^https://[!->@-~]{1,504}$"},
    Row{Grammar::kHttpsUrl, "a URL: https:// and a host, without query and fragment", "^https://[!->@-~]{1,504}$"},
    Row{Grammar::kAuthority, "https://HOST[:PORT], or laptop://issuer", ""},
    Row{Grammar::kScope, "scopes of printable characters, with single spaces between", ""},
    Row{Grammar::kClaimName, "the name of a claim: 1-128 printable characters without spaces", "^[!-~]{1,128}$"},
    Row{Grammar::kSubjectPattern, "an exact value, or the start of one and one * at the end", ""},
    Row{Grammar::kServiceAccount, "NAMESPACE/NAME, or the start of it and one * at the end", "^[a-z0-9-]{1,63}/[a-z0-9.-]{0,253}[*]?$"},
    Row{Grammar::kSpiffePattern, "a SPIFFE ID as spiffe://domain/path, or spiffe://domain/start/*", ""},
    Row{Grammar::kTrustDomain, "a trust domain: 1-255 of a-z 0-9 . _ -", "^[a-z0-9._-]{1,255}$"},
    Row{Grammar::kKeyId, "the id of an API key: 12 of 0-9 A-Z a-z", "^[0-9A-Za-z]{12}$"},
    Row{Grammar::kCidr, "a network as 10.0.0.0/8 or 2001:db8::/32, without host bits", ""},
    Row{Grammar::kResourcePattern, "route: backend: model: file: batch: index: or admin: and a name, or the start of one and one * at the end",
        "^(route|backend|model|file|batch|index|admin):([A-Za-z0-9._:/@-]{1,128}|[A-Za-z0-9._:/@-]{0,127}[*])$"},
    Row{Grammar::kTimeOfDay, "a time of day as 08:00, at most 24:00", "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"},
    Row{Grammar::kTimeZone, "an IANA time zone as Europe/Berlin", "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*){0,2}$"},
};
static_assert(kRows.size() == static_cast<size_t>(Grammar::kTimeZone) + 1);
static_assert(std::ranges::all_of(kRows, [](const Row& row) { return &row - kRows.data() == static_cast<ptrdiff_t>(row.grammar); }));

bool is_host(std::string_view text) {
  if (text.starts_with("*.")) return is_host_name(text.substr(2));
  if (text.starts_with('['))
    return text.ends_with(']') && all(text.substr(1, text.size() - 2), 2, 45, [](char c) { return alnum(c) || one_of(c, ":."); });
  return is_host_name(text);
}

constexpr bool printable(char c) { return c > 0x20 && c < 0x7f; }

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !(digit(text[i]) || (text[i] >= 'a' && text[i] <= 'f'))) return false;
  }
  return true;
}

/// Where `*` may stand: nowhere, or once at the end, which is taken off.
bool take_star(std::string_view& text) {
  if (text.ends_with('*')) text.remove_suffix(1);
  return text.find('*') == std::string_view::npos;
}

/// Segments as SPIFFE-ID.md §2.2 wants them; with `/*` the last one is left open.
bool is_spiffe_pattern(std::string_view text) {
  if (!text.starts_with("spiffe://") || text.size() > 2048) return false;
  text.remove_prefix(9);
  const bool open = text.ends_with("/*");
  if (open) text.remove_suffix(2);
  const size_t slash = std::min(text.find('/'), text.size());
  if (!matches(Grammar::kTrustDomain, text.substr(0, slash))) return false;
  if (slash == text.size()) return open;  // an ID needs a path
  for (size_t start = slash + 1; start <= text.size();) {
    const size_t end = std::min(text.find('/', start), text.size());
    const std::string_view segment = text.substr(start, end - start);
    if (!all(segment, 1, 2048, [](char c) { return alnum(c) || one_of(c, "._-"); }) || segment == "." || segment == "..") return false;
    start = end + 1;
  }
  return true;
}

bool is_resource_pattern(std::string_view text) {
  constexpr std::array<std::string_view, 7> kKindsOfResource = {"route:", "backend:", "model:", "file:", "batch:", "index:", "admin:"};
  const auto kind = std::ranges::find_if(kKindsOfResource, [&](std::string_view k) { return text.starts_with(k); });
  if (kind == kKindsOfResource.end()) return false;
  text.remove_prefix(kind->size());
  const bool open = text.ends_with('*');
  return take_star(text) && all(text, open ? 0 : 1, open ? 127 : 128, [](char c) { return alnum(c) || one_of(c, "._:/@-"); });
}

bool is_time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return false;
  for (const size_t i : {0u, 1u, 3u, 4u}) {
    if (!digit(text[i])) return false;
  }
  const int hour = (text[0] - '0') * 10 + text[1] - '0';
  const int minute = (text[3] - '0') * 10 + text[4] - '0';
  return minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
}

/// Names below the zoneinfo folder: no dots, so no way out of it.
bool is_time_zone(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (size_t start = 0, parts = 0; start <= text.size(); ++parts) {
    const size_t end = std::min(text.find('/', start), text.size());
    const std::string_view part = text.substr(start, end - start);
    if (parts == 3 || !all(part, 1, 32, [](char c) { return alnum(c) || one_of(c, "_+-"); }) || digit(part.front()) || !alnum(part.front()))
      return false;
    start = end + 1;
  }
  return true;
}

bool is_url_text(std::string_view text) {
  if (!text.starts_with("https://")) return false;
  return all(text.substr(8), 1, 504, [](char c) { return printable(c) && c != '?' && c != '#'; }) && text[8] != '/';
}

bool is_scope(std::string_view text) {
  return all(text, 1, 1024, [](char c) { return printable(c) || c == ' '; }) && text.front() != ' ' && text.back() != ' ' &&
         text.find("  ") == std::string_view::npos;
}

bool is_service_account(std::string_view text) {
  if (!take_star(text)) return false;
  const size_t slash = text.find('/');
  return slash != std::string_view::npos && all(text.substr(0, slash), 1, 63, [](char c) { return lower_alnum(c) || c == '-'; }) &&
         all(text.substr(slash + 1), 0, 253, [](char c) { return lower_alnum(c) || one_of(c, ".-"); });
}

/// The grammars of the identity kinds.
bool matches_identity(Grammar grammar, std::string_view text) {
  switch (grammar) {
    case Grammar::kGuid: return is_guid(text);
    case Grammar::kIdentifier: return all(text, 1, 128, [](char c) { return alnum(c) || one_of(c, "._-"); });
    case Grammar::kResourceId:
      return text.starts_with("/subscriptions/") && all(text, 16, 515, [](char c) { return alnum(c) || one_of(c, "._()/-"); });
    case Grammar::kAudience: return all(text, 1, 512, [](char c) { return printable(c) && c != '*'; });
    case Grammar::kIssuerUrl:
    case Grammar::kHttpsUrl: return is_url_text(text);
    case Grammar::kAuthority: return text == "laptop://issuer" || is_url_text(text);
    case Grammar::kScope: return is_scope(text);
    case Grammar::kClaimName: return all(text, 1, 128, printable);
    case Grammar::kSubjectPattern:
      return take_star(text) && all(text, 0, 511, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
    case Grammar::kServiceAccount: return is_service_account(text) && (text.ends_with('*') || text.back() != '/');
    case Grammar::kSpiffePattern: return is_spiffe_pattern(text);
    case Grammar::kTrustDomain: return all(text, 1, 255, [](char c) { return lower_alnum(c) || one_of(c, "._-"); });
    case Grammar::kKeyId: return all(text, 12, 12, alnum);
    case Grammar::kCidr: return Cidr::parse(text).has_value();
    case Grammar::kResourcePattern: return is_resource_pattern(text);
    case Grammar::kTimeOfDay: return is_time_of_day(text);
    case Grammar::kTimeZone: return is_time_zone(text);
    default: return false;
  }
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
    default: return matches_identity(grammar, text);
  }
}

}  // namespace wye::config
