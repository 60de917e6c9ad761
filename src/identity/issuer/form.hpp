// Fields of a query or of a form, and text for a page. Sources: WHATWG URL §5 (application/x-www-form-urlencoded), HTML §13.1.
// Threads: pure.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::issuer {

inline constexpr size_t kFormBytesMax = 16 << 10;
inline constexpr size_t kFormFieldsMax = 32;

/// The fields of one request, decoded. A name stands once.
class Form {
 public:
  /// Errors: kInvalidRequest: too long, too many, a doubled name, a broken escape, bytes below a blank.
  static Result<Form> parse(std::string_view text);
  /// Empty where it is absent.
  std::string_view value(std::string_view name) const;
  bool has(std::string_view name) const { return fields_.contains(name); }
  const std::map<std::string, std::string, std::less<>>& all() const { return fields_; }

 private:
  std::map<std::string, std::string, std::less<>> fields_;
};

/// Appends `name=value`, encoded, with an ampersand in front unless `out` is empty.
void append_field(std::string& out, std::string_view name, std::string_view value);
/// Text that stands for itself between tags and in quoted attributes.
std::string html_text(std::string_view text);
/// The words between blanks, none of them empty.
std::vector<std::string> words_of(std::string_view text);

}  // namespace wye::issuer
