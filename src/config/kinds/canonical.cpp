#include "config/kinds/canonical.hpp"

namespace wye::config {

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

template <class Spec>
std::string canonical_json(const Spec& spec) {
  std::string out;
  CanonicalWriter::write(out, spec);
  return out;
}
template std::string canonical_json(const Gateway&);
template std::string canonical_json(const Issuer&);
template std::string canonical_json(const Role&);
template std::string canonical_json(const Grant&);
template std::string canonical_json(const Tenant&);
template std::string canonical_json(const Credential&);
template std::string canonical_json(const Backend&);
template std::string canonical_json(const Model&);
template std::string canonical_json(const Route&);

}  // namespace wye::config
