#include "foundation/http/head.hpp"

namespace wye::http {
namespace {

constexpr std::array<std::string_view, 9> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"};

/// RFC 9110 §5.6.2 token characters.
constexpr std::array<bool, 256> kTokens = [] {
  std::array<bool, 256> t{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
    t[static_cast<uint8_t>(c)] = true;
  return t;
}();

struct KnownName {
  std::string_view name;
  Known known;
  bool single;  // a second one is refused: two readers could each take another
};
constexpr std::array kNames = {
    KnownName{"host", Known::kHost, true},
    KnownName{"date", Known::kDate, false},
    KnownName{"accept", Known::kAccept, false},
    KnownName{"expect", Known::kExpect, true},
    KnownName{"api-key", Known::kApiKey, true},
    KnownName{"upgrade", Known::kUpgrade, false},
    KnownName{"connection", Known::kConnection, false},
    KnownName{"retry-after", Known::kRetryAfter, false},
    KnownName{"content-type", Known::kContentType, true},
    KnownName{"authorization", Known::kAuthorization, true},
    KnownName{"content-length", Known::kContentLength, true},
    KnownName{"content-encoding", Known::kContentEncoding, false},
    KnownName{"transfer-encoding", Known::kTransferEncoding, true},
};

constexpr size_t kLongestName = kNames.back().name.size();
/// Where the names of each length begin in kNames, which is sorted by length.
constexpr std::array<uint8_t, kLongestName + 2> kFirstOfSize = [] {
  std::array<uint8_t, kLongestName + 2> first{};
  for (size_t size = 0; size < first.size(); ++size) {
    for (const KnownName& known : kNames) first[size] += known.name.size() < size;
  }
  return first;
}();
static_assert(std::ranges::is_sorted(kNames, {}, [](const KnownName& known) { return known.name.size(); }));

/// Letters and hyphens alone are what a set bit 5 may stand for: of token characters only a capital letter becomes one of them by it.
static_assert(std::ranges::all_of(kNames, [](const KnownName& known) {
  return std::ranges::all_of(known.name, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}));

/// Whether `name`, of token characters, is `lower`, of the same size: eight bytes at a time, the last eight overlapping those before.
bool is_name(std::string_view name, std::string_view lower) {
  const auto word = [](const char* at) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof bytes);
    return bytes;
  };
  constexpr uint64_t kCase = 0x2020'2020'2020'2020;
  size_t at = 0;
  for (; at + 8 <= name.size(); at += 8) {
    if ((word(name.data() + at) | kCase) != word(lower.data() + at)) return false;
  }
  if (at == name.size()) return true;
  if (name.size() >= 8) return (word(name.data() + name.size() - 8) | kCase) == word(lower.data() + name.size() - 8);
  for (; at < name.size(); ++at) {
    if ((name[at] | 0x20) != lower[at]) return false;
  }
  return true;
}

const KnownName* find_known(std::string_view name) {
  if (name.size() > kLongestName) return nullptr;
  for (size_t i = kFirstOfSize[name.size()]; i < kFirstOfSize[name.size() + 1]; ++i) {
    if (is_name(name, kNames[i].name)) return &kNames[i];
  }
  return nullptr;
}

/// Written for the vectoriser: no early end.
bool is_field_text(std::string_view text) {
  uint8_t broken = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    broken |= static_cast<uint8_t>((byte < 0x20 && byte != '\t') || byte == 0x7F);
  }
  return broken == 0;
}

constexpr HeadVerdict kGood{};
constexpr HeadVerdict bad(const char* message) { return {message, ErrorCode::kInvalidRequest}; }
constexpr HeadVerdict too_large() { return {"head", ErrorCode::kHeadTooLarge}; }

Fail fail(const HeadVerdict& verdict) {
  // What breaks a rule of the syntax is told; for the others the client gets the constant text of the code.
  if (verdict.code == ErrorCode::kInvalidRequest) return Fail(public_error(verdict.code, verdict.text));
  return Fail(internal_error(verdict.code, verdict.text));
}

bool all_of(std::string_view text, const std::array<bool, 256>& set) {
  for (const char c : text) {
    if (!set[static_cast<uint8_t>(c)]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// What a Connection header may name besides `close`. HTTP/1.0 is never kept alive, and an offer to upgrade is not taken.
constexpr std::array<std::string_view, 7> kHopByHop = {"keep-alive",      "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
                                                       "proxy-connection"};

/// RFC 9112 §9.6 and 9.3; members other than hop-by-hop names are refused: they would strip an end-to-end field.
HeadVerdict read_connection(std::string_view list, Head& head) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view member = trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    if (equals_ignore_case(member, "close")) head.close = true;
    else if (!member.empty() && std::ranges::none_of(kHopByHop, [&](std::string_view name) { return equals_ignore_case(member, name); }))
      return bad("The Connection header may only name hop-by-hop headers.");
  }
  return kGood;
}

HeadVerdict read_framing(Head& head) {
  if (head.has(Known::kTransferEncoding)) {
    if (head.has(Known::kContentLength)) return bad("Content-Length and Transfer-Encoding must not come together.");
    if (head.http_1_0) return bad("HTTP/1.0 has no Transfer-Encoding.");
    const std::string_view coding = head.value(Known::kTransferEncoding);
    if (!equals_ignore_case(coding, "chunked")) {
      if (equals_ignore_case(coding, "gzip") || equals_ignore_case(coding, "deflate") || equals_ignore_case(coding, "compress") ||
          equals_ignore_case(coding, "x-gzip"))
        return {"transfer coding", ErrorCode::kNotImplemented};
      return bad("Transfer-Encoding must be exactly `chunked`.");
    }
    head.chunked = true;
  }
  if (head.has(Known::kContentLength)) {
    const std::string_view digits = head.value(Known::kContentLength);
    uint64_t length = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.empty() || ec != std::errc() || end != digits.data() + digits.size() || length > kContentLengthMax)
      return bad("Content-Length is not a number.");
    head.content_length = length;
  }
  return kGood;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool valid_port(std::string_view port) {
  unsigned number = 0;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
  return !port.empty() && port.size() <= 5 && ec == std::errc() && end == port.data() + port.size() && number <= 65'535;
}

/// RFC 9110 §7.2: a name or literal address with an optional port. No userinfo, blanks, list or percent-encoding.
bool valid_host(std::string_view host) {
  if (host.empty() || host.size() > 255) return false;
  const bool literal = host.front() == '[';
  const size_t end = literal ? host.find(']') : host.find(':');
  if (literal && end == std::string_view::npos) return false;
  const std::string_view name = literal ? host.substr(1, end - 1) : host.substr(0, end);
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : host.substr(literal ? end + 1 : end);
  const auto allowed = [&](char c) { return is_alphanumeric(c) || c == '.' || (literal ? c == ':' : c == '-' || c == '_'); };
  if (name.empty() || !std::ranges::all_of(name, allowed)) return false;
  return rest.empty() || (rest.front() == ':' && valid_port(rest.substr(1)));
}

}  // namespace

bool is_token(char c) { return kTokens[static_cast<uint8_t>(c)]; }
bool is_field_text(char c) { return c == '\t' || (static_cast<uint8_t>(c) >= 0x20 && c != 0x7F); }

std::string_view to_string(Method method) { return kMethods[static_cast<size_t>(method)]; }

bool equals_ignore_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
  }
  return true;
}

std::string_view Head::value(std::string_view lower_name) const {
  for (const Field& field : all()) {
    if (equals_ignore_case(field.name, lower_name)) return field.value;
  }
  return {};
}

void Head::drop_views() {
  field_count = 0;
  first_of.fill(-1);
  target = {};
}

void Head::clear() {
  drop_views();
  content_length.reset();
  chunked = close = http_1_0 = false;
  size = 0;
  method = Method::kGet;
  status = 0;
}

Result<HeadParser::Step> HeadParser::parse(std::string_view bytes, Head& head) {
  const size_t head_max = kind_ == Kind::kRequest ? kRequestHeadMax : kResponseHeadMax;
  for (;;) {
    const size_t end = bytes.find('\n', scanned_);
    const bool whole = end != std::string_view::npos;
    // One byte more than a line may have: the last may be its CR.
    const size_t size = (whole ? end : bytes.size()) - line_start_;
    if (size > (lines_ == 0 ? kRequestLineMax : kFieldLineMax) + 1) return fail(line_too_long());
    if (!whole) {
      scanned_ = bytes.size();
      if (bytes.size() > head_max) return fail(too_large());
      return Step::kMore;
    }
    if (size == 0 || bytes[end - 1] != '\r') return fail(bad("Lines must end with CR LF."));
    const size_t offset = line_start_;
    const std::string_view line = bytes.substr(offset, size - 1);
    line_start_ = scanned_ = end + 1;
    if (line_start_ > head_max) return fail(too_large());
    HeadVerdict verdict;
    if (lines_ == 0) {
      verdict = kind_ == Kind::kRequest ? request_line(line, offset) : status_line(line);
    } else if (line.empty()) {
      head.size = line_start_;
      verdict = finish(bytes, head);
      if (verdict.good()) return Step::kDone;
    } else {
      verdict = field_line(line, offset);
    }
    if (!verdict.good()) return fail(verdict);
    ++lines_;
  }
}

HeadVerdict HeadParser::line_too_long() const { return lines_ == 0 ? bad("The first line is too long.") : too_large(); }

HeadVerdict HeadParser::request_line(std::string_view line, size_t offset) {
  if (line.size() > kRequestLineMax) return line_too_long();
  const size_t space = line.find(' ');
  const size_t last = line.rfind(' ');
  const std::string_view method = line.substr(0, space);
  if (space == 0 || space == std::string_view::npos || !all_of(method, kTokens)) return bad("The request line is malformed.");
  if (last == space) return bad("The request line has no HTTP version.");
  const std::string_view target = line.substr(space + 1, last - space - 1);
  const std::string_view version = line.substr(last + 1);
  for (const char c : target) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte <= 0x20 || byte >= 0x7F) return bad("The request target holds a byte that must be percent-encoded.");
  }
  if (target.empty()) return bad("The request target is empty.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool shaped = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' && version[5] <= '9' && version[6] == '.' &&
                        version[7] >= '0' && version[7] <= '9';
    if (shaped) return {"version", ErrorCode::kHttpVersion};
    return bad("The HTTP version is malformed.");
  }
  http_1_0_ = version == "HTTP/1.0";
  target_ = Span{.value = static_cast<uint32_t>(offset + space + 1), .value_size = static_cast<uint32_t>(target.size())};
  for (size_t i = 0; i < kMethods.size(); ++i) {
    if (kMethods[i] != method) continue;
    method_ = static_cast<Method>(i);
    return kGood;
  }
  return {"method", ErrorCode::kNotImplemented};
}

HeadVerdict HeadParser::status_line(std::string_view line) {
  if (line.size() > kRequestLineMax) return line_too_long();
  const bool one_one = line.starts_with("HTTP/1.1 ");
  if (!one_one && !line.starts_with("HTTP/1.0 ")) return bad("The status line is malformed.");
  http_1_0_ = !one_one;
  const std::string_view digits = line.substr(9, 3);
  if (digits.size() != 3 || digits[0] < '1' || digits[0] > '9' || digits[1] < '0' || digits[1] > '9' || digits[2] < '0' || digits[2] > '9')
    return bad("The status code is malformed.");
  if (line.size() > 12 && line[12] != ' ') return bad("The status line is malformed.");
  if (!is_field_text(line)) return bad("The status line holds a control character.");
  status_ = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  return kGood;
}

HeadVerdict HeadParser::field_line(std::string_view line, size_t offset) {
  if (line.size() > kFieldLineMax || lines_ > kFieldsMax) return too_large();
  size_t colon = 0;
  bool underscore = false;
  for (; colon < line.size() && kTokens[static_cast<uint8_t>(line[colon])]; ++colon) underscore |= line[colon] == '_';
  // Covers a leading blank (folding), a blank before the colon, no colon at all and every byte that is no token.
  if (colon == 0 || colon == line.size() || line[colon] != ':') return bad("A header line is malformed.");
  const std::string_view name = line.substr(0, colon);
  if (kind_ == Kind::kRequest && underscore) return bad("Header names must not hold an underscore.");
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_text(value)) return bad("A header value holds a control character.");
  Span& span = spans_[lines_ - 1];
  span = Span{static_cast<uint32_t>(offset), static_cast<uint32_t>(name.size()),
              static_cast<uint32_t>(offset + static_cast<size_t>(value.data() - line.data())), static_cast<uint32_t>(value.size()), Known::kOther};
  const KnownName* known = find_known(name);
  if (known == nullptr) return {};
  span.known = known->known;
  // Others read a blank after the coding as another coding, or a tab before it as a continued line.
  if (span.known == Known::kTransferEncoding && (!line.ends_with(value) || line.find('\t') != std::string_view::npos))
    return bad("Transfer-Encoding must be exactly `chunked`.");
  if (!known->single) return {};
  const uint32_t bit = uint32_t{1} << static_cast<unsigned>(known->known);
  if ((singles_ & bit) != 0) return bad("A header that must come once came twice.");
  singles_ |= bit;
  return kGood;
}

HeadVerdict HeadParser::finish(std::string_view bytes, Head& head) const {
  const size_t size = head.size;
  head.clear();
  head.size = size;
  head.field_count = lines_ - 1;
  head.http_1_0 = http_1_0_;
  head.close = http_1_0_;
  head.method = method_;
  head.status = status_;
  head.target = bytes.substr(target_.value, target_.value_size);
  for (size_t i = 0; i < head.field_count; ++i) {
    const Span& span = spans_[i];
    head.fields[i] = Field{bytes.substr(span.name, span.name_size), bytes.substr(span.value, span.value_size), span.known};
    if (span.known == Known::kOther) continue;
    int8_t& first = head.first_of[static_cast<size_t>(span.known)];
    if (first < 0) first = static_cast<int8_t>(i);
    if (span.known != Known::kConnection) continue;
    if (const HeadVerdict verdict = read_connection(head.fields[i].value, head); !verdict.good()) return verdict;
  }
  if (const HeadVerdict verdict = read_framing(head); !verdict.good()) return verdict;
  if (kind_ == Kind::kResponse) return {};
  if (!head.has(Known::kHost) && !http_1_0_) return bad("The Host header is missing.");
  if (head.has(Known::kHost) && !valid_host(head.value(Known::kHost))) return bad("The Host header is malformed.");
  return kGood;
}

}  // namespace wye::http
