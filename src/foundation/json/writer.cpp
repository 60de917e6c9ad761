#include "foundation/json/writer.hpp"

#include "foundation/base/json_line.hpp"

#include <cassert>
#include <cmath>

namespace wye::json {

void Writer::before_value() {
  assert((depth_ == 0 ? !wrote_ : true) && "one value only");
  assert((!in_object() || key_open_) && "a name is due");
  if (key_open_) {
    key_open_ = false;
  } else if (wrote_ && depth_ != 0) {
    out_ += ',';
  }
  wrote_ = true;
}

Writer& Writer::open(char bracket, bool object) {
  before_value();
  assert(depth_ < kDepthMax && "nested too deep");
  out_ += bracket;
  const uint64_t bit = uint64_t{1} << depth_;
  objects_ = object ? objects_ | bit : objects_ & ~bit;
  ++depth_;
  wrote_ = false;
  return *this;
}

Writer& Writer::close(char bracket, bool object) {
  assert(depth_ != 0 && in_object() == object && "nothing of this kind is open");
  assert(!key_open_ && "a value is due");
  static_cast<void>(object);
  out_ += bracket;
  --depth_;
  wrote_ = true;
  return *this;
}

Writer& Writer::key(std::string_view name) {
  assert(in_object() && !key_open_ && "no name is due");
  if (wrote_) out_ += ',';
  append_json_string(out_, name);
  out_ += ':';
  key_open_ = true;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  before_value();
  append_json_string(out_, text);
  return *this;
}

Writer& Writer::integer(int64_t value) {
  before_value();
  char digits[24];
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return *this;
}

Writer& Writer::unsigned_integer(uint64_t value) {
  before_value();
  char digits[24];
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return *this;
}

Writer& Writer::number(double value) {
  if (!std::isfinite(value)) return null();
  before_value();
  char digits[32];
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return *this;
}

Writer& Writer::boolean(bool value) { return raw(value ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }

Writer& Writer::raw(std::string_view json) {
  assert(!json.empty() && "a value is due");
  before_value();
  out_.append(json);
  return *this;
}

}  // namespace wye::json
