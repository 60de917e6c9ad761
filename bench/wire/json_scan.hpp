#pragma once
// A structural walk over JSON text (RFC 8259): nesting, separators, literals and strings are checked; escapes, UTF-8 and the
// grammar of numbers are not. Long strings cost a memchr. No allocation; views point into the text. One thread.
#include <cstring>
#include <string_view>

namespace wye::bench {

class JsonScan {
 public:
  explicit JsonScan(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // The whole text is exactly one value.
  static bool is_complete(std::string_view text) {
    JsonScan scan(text);
    return scan.skip_value(0) && scan.at_end();
  }

  // Calls visit(key, value) for every member of the object that starts here (both as raw text). False where the text is not one.
  template <class Visit>
  bool each_member(Visit visit) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view key;
      if (!take_string(key) || !take(':')) return false;
      skip_space();
      const char* begin = at_;
      if (!skip_value(1)) return false;
      visit(key, std::string_view(begin, static_cast<size_t>(at_ - begin)));
    } while (take(','));
    return take('}');
  }

  bool at_end() {
    skip_space();
    return at_ == end_;
  }

  bool skip_value(int depth) {
    skip_space();
    if (at_ == end_ || depth > kDepthMax) return false;
    std::string_view text;
    switch (*at_) {
      case '{': return skip_object(depth);
      case '[': return skip_array(depth);
      case '"': return take_string(text);
      case 't': return take_word("true");
      case 'f': return take_word("false");
      case 'n': return take_word("null");
      default: return skip_number();
    }
  }

 private:
  static constexpr int kDepthMax = 64;

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (static_cast<size_t>(end_ - at_) < word.size() || std::string_view(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool skip_number() {
    const char* begin = at_;
    while (at_ != end_ && (std::strchr("+-.eE", *at_) != nullptr || (*at_ >= '0' && *at_ <= '9')) && *at_ != '\0') ++at_;
    return at_ != begin;
  }

  // The text between the quotes, escapes as they are.
  bool take_string(std::string_view& text) {
    if (!take('"')) return false;
    const char* begin = at_;
    while (true) {
      const auto* quote = static_cast<const char*>(std::memchr(at_, '"', static_cast<size_t>(end_ - at_)));
      if (quote == nullptr) return false;
      size_t slashes = 0;
      while (quote - slashes > begin && *(quote - slashes - 1) == '\\') ++slashes;
      at_ = quote + 1;
      if (slashes % 2 == 0) {
        text = std::string_view(begin, static_cast<size_t>(quote - begin));
        return true;
      }
    }
  }

  bool skip_object(int depth) {
    ++at_;
    if (take('}')) return true;
    std::string_view key;
    do {
      if (!take_string(key) || !take(':') || !skip_value(depth + 1)) return false;
    } while (take(','));
    return take('}');
  }

  bool skip_array(int depth) {
    ++at_;
    if (take(']')) return true;
    do {
      if (!skip_value(depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

  const char* at_;
  const char* end_;
};

}  // namespace wye::bench
