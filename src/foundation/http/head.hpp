// The head of an HTTP/1.1 message, parsed strictly where it lies: offsets into the receive buffer, no copy, no map.
// Source: RFC 9112 (message syntax), RFC 9110 §5 (fields); stricter than both where smuggling lives: CRLF only, no folding, one
// Content-Length, `chunked` alone, never both.
// Threads: values of one thread.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/http/limits.hpp"

namespace wye::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kPatch, kConnect, kTrace };
std::string_view to_string(Method method);

/// Fields that Wye itself reads. Everything else is found by name.
enum class Known : uint8_t {
  kHost,
  kContentLength,
  kTransferEncoding,
  kConnection,
  kContentType,
  kAccept,
  kAuthorization,
  kApiKey,
  kExpect,
  kContentEncoding,
  kRetryAfter,
  kUpgrade,
  kDate,
  kOther
};
inline constexpr size_t kKnownFields = static_cast<size_t>(Known::kOther);

struct Field {
  std::string_view name;   // as sent
  std::string_view value;  // without surrounding blanks
  Known known = Known::kOther;
};

/// RFC 9110 §5.6.2: may stand in a method or a header name.
bool is_token(char c);
/// RFC 9110 §5.5: visible characters, blanks and obs-text; no other control.
bool is_field_text(char c);

/// ASCII case-insensitive equality; `lower` is lower case already.
bool equals_ignore_case(std::string_view text, std::string_view lower);

/// What both kinds of head share. Views point into the buffer that was parsed and live as long as its bytes stay.
struct Head {
  std::array<Field, kFieldsMax> fields;
  size_t field_count = 0;
  std::array<int8_t, kKnownFields> first_of = none();  // index of the field, -1 where absent
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool close = false;     // the connection ends with this message
  bool http_1_0 = false;
  size_t size = 0;        // bytes of the head, the empty line included

  // Requests
  Method method = Method::kGet;
  std::string_view target;
  // Responses
  int status = 0;

  /// As before the first parse.
  void clear();
  /// For when the buffer goes: no view is left, numbers and flags stay.
  void drop_views();
  std::span<const Field> all() const { return {fields.data(), field_count}; }
  /// The value of a known field, empty where absent.
  std::string_view value(Known known) const {
    const int8_t i = first_of[static_cast<size_t>(known)];
    return i < 0 ? std::string_view() : fields[static_cast<size_t>(i)].value;
  }
  bool has(Known known) const { return first_of[static_cast<size_t>(known)] >= 0; }
  /// The first field of that name (lower case), empty where absent.
  std::string_view value(std::string_view lower_name) const;

 private:
  static constexpr std::array<int8_t, kKnownFields> none() {
    std::array<int8_t, kKnownFields> all{};
    all.fill(-1);
    return all;
  }
};

/// What a rule says of a line: nothing, or why not. In two registers: a Result for each line would cost more than the line.
struct HeadVerdict {
  const char* text = nullptr;
  ErrorCode code = ErrorCode::kInvalidRequest;
  constexpr bool good() const { return text == nullptr; }
};

/// Parses a head as its bytes arrive; each byte is looked at once however it is cut.
class HeadParser {
 public:
  enum class Kind : uint8_t { kRequest, kResponse };
  enum class Step : uint8_t { kMore, kDone };

  explicit HeadParser(Kind kind) : kind_(kind) {}
  void reset() {
    line_start_ = scanned_ = 0;
    lines_ = 0;
    singles_ = 0;
  }
  /// `bytes` is everything received since the message began; the buffer may have moved between calls as long as the content is the same.
  /// kDone fills `head`. Errors: kInvalidRequest, kHeadTooLarge, kNotImplemented, kHttpVersion with a constant message.
  Result<Step> parse(std::string_view bytes, Head& head);

 private:
  HeadVerdict line_too_long() const;
  HeadVerdict request_line(std::string_view line, size_t offset);
  HeadVerdict status_line(std::string_view line);
  HeadVerdict field_line(std::string_view line, size_t offset);
  HeadVerdict finish(std::string_view bytes, Head& head) const;

  struct Span {
    uint32_t name = 0, name_size = 0, value = 0, value_size = 0;
    Known known = Known::kOther;
  };
  Kind kind_;
  size_t line_start_ = 0;
  size_t scanned_ = 0;
  size_t lines_ = 0;
  uint32_t singles_ = 0;  // one bit for each known field that has come and must come once
  std::array<Span, kFieldsMax> spans_;
  Span target_;
  Method method_ = Method::kGet;
  int status_ = 0;
  bool http_1_0_ = false;
};

}  // namespace wye::http
