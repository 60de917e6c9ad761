// What an answer or a call says besides its body, and how its head is written.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/http/head.hpp"

namespace wye::http {

/// A field to send. Names lower case; the writer drops a field whose bytes no field may have (CR, LF, NUL …).
struct OutField {
  std::string_view name;
  std::string_view value;
};

/// The head of an answer, without framing: the connection adds length, connection and date.
struct ResponseHead {
  int status = 200;
  std::string_view content_type = "application/json";
  std::span<const OutField> fields;
};

/// The reason phrase of RFC 9110 §15; empty for unknown codes.
std::string_view reason_phrase(int status);

/// Appends head bytes to a fixed buffer; overflow is remembered, never written.
class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> buffer) : begin_(buffer.data()), at_(buffer.data()), end_(buffer.data() + buffer.size()) {}
  void text(std::string_view s) {
    if (static_cast<size_t>(end_ - at_) < s.size()) {
      overflow_ = true;
      return;
    }
    std::memcpy(at_, s.data(), s.size());
    at_ += s.size();
  }
  void number(uint64_t n) {
    char digits[20];
    text({digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, n).ptr - digits)});
  }
  /// `name: value CR LF`; left out where name or value could break the framing.
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, uint64_t value) {
    text(name);
    text(": ");
    number(value);
    text("\r\n");
  }
  bool overflow() const { return overflow_; }
  std::string_view done() const { return {begin_, static_cast<size_t>(at_ - begin_)}; }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool overflow_ = false;
};

/// The Date field, formatted once a second (RFC 9110 §5.6.7). Threads: one owner.
class DateText {
 public:
  explicit DateText(const Clock& clock) : clock_(clock) {}
  /// `now` is the loop's time; the wall clock is read at most once a second of it.
  std::string_view at(MonoTime now);

 private:
  const Clock& clock_;
  int64_t second_ = -1;
  std::array<char, 29> text_{};
};
/// `Mon, 23 Nov 2026 15:00:00 GMT`.
std::array<char, 29> imf_fixdate(WallTime t);

}  // namespace wye::http
