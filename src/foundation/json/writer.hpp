// Writes JSON into a string as it goes, with commas and escapes where they belong.
// Lifetime: the target outlives the Writer. Threads: one owner. Allocates only when the target grows.
#pragma once

namespace wye::json {

/// A streaming writer: `Writer(out).begin_object().key("id").string(id).end_object();`
/// Misuse (a value where a name is due, a closing call too many, over 64 levels) fails an assertion.
class Writer {
 public:
  static constexpr uint32_t kDepthMax = 64;
  explicit Writer(std::string& out) : out_(out) {}

  Writer& begin_object() { return open('{', true); }
  Writer& end_object() { return close('}', true); }
  Writer& begin_array() { return open('[', false); }
  Writer& end_array() { return close(']', false); }
  /// The name of the next member; escaped as `string` is.
  Writer& key(std::string_view name);
  /// Escapes quotes, backslashes and control characters; bytes that are not UTF-8 become U+FFFD.
  Writer& string(std::string_view text);
  Writer& integer(int64_t value);
  Writer& unsigned_integer(uint64_t value);
  /// The shortest text that reads back as the same double; JSON has no NaN and no infinity: they become null.
  Writer& number(double value);
  Writer& boolean(bool value);
  Writer& null();
  /// One valid JSON value, as it is.
  Writer& raw(std::string_view json);

  // A name and its value in one call.
  Writer& string(std::string_view name, std::string_view text) { return key(name).string(text); }
  Writer& integer(std::string_view name, int64_t value) { return key(name).integer(value); }
  Writer& unsigned_integer(std::string_view name, uint64_t value) { return key(name).unsigned_integer(value); }
  Writer& number(std::string_view name, double value) { return key(name).number(value); }
  Writer& boolean(std::string_view name, bool value) { return key(name).boolean(value); }
  Writer& null(std::string_view name) { return key(name).null(); }
  Writer& raw(std::string_view name, std::string_view json) { return key(name).raw(json); }
  Writer& begin_object(std::string_view name) { return key(name).begin_object(); }
  Writer& begin_array(std::string_view name) { return key(name).begin_array(); }

  /// One whole value was written and everything is closed.
  bool complete() const { return depth_ == 0 && wrote_; }

 private:
  Writer& open(char bracket, bool object);
  Writer& close(char bracket, bool object);
  void before_value();
  bool in_object() const { return depth_ != 0 && ((objects_ >> (depth_ - 1)) & 1U) != 0; }

  std::string& out_;
  uint64_t objects_ = 0;  // bit d: level d is an object
  uint32_t depth_ = 0;
  bool wrote_ = false;      // something stands at this level already
  bool key_open_ = false;   // a name waits for its value
};

}  // namespace wye::json
