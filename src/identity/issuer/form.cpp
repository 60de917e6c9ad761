#include "identity/issuer/form.hpp"

namespace wye::issuer {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) return std::nullopt;
    out += c;
  }
  return out;
}

Fail refused(std::string_view why) { return Fail(public_error(ErrorCode::kInvalidRequest, "The form " + std::string(why) + ".")); }

}  // namespace

Result<Form> Form::parse(std::string_view text) {
  if (text.size() > kFormBytesMax) return refused("is too long");
  Form form;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    const size_t equals = std::min(field.find('='), field.size());
    std::optional<std::string> name = decoded(field.substr(0, equals));
    std::optional<std::string> value = decoded(field.substr(std::min(equals + 1, field.size())));
    if (!name || !value) return refused("has a broken escape");
    if (form.fields_.size() == kFormFieldsMax) return refused("has too many fields");
    if (!form.fields_.emplace(std::move(*name), std::move(*value)).second) return refused("names a field twice");
  }
  return form;
}

std::string_view Form::value(std::string_view name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string_view() : std::string_view(found->second);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  const auto encode = [&](std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (const char c : text) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
      const auto byte = static_cast<unsigned char>(c);
      if (plain) out += c;
      else out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  };
  if (!out.empty()) out += '&';
  encode(name);
  out += '=';
  encode(value);
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace wye::issuer
