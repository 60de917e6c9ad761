#include "identity/audit/chain.hpp"

#include <cassert>

namespace wye::audit {
namespace {

/// RFC 8785 §3.2.2.2: the short escapes where there are any, `\u00xx` in lower case for other controls, all else as it is.
void append_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<uint8_t>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<uint8_t>(c) >> 4];
          out += kHex[static_cast<uint8_t>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

bool append_canonical(std::string& out, json::Value value, std::string_view left_out);

/// RFC 8785 §3.2.3 orders names by UTF-16 units; that of UTF-8 bytes is the same but for names beyond the basic plane beside ones
/// above U+D7FF, which no record has.
bool append_object(std::string& out, json::Value value, std::string_view left_out) {
  std::vector<std::pair<std::string, json::Value>> members;
  for (const json::Member member : value.members()) members.emplace_back(member.name(), member.value());
  std::ranges::sort(members, {}, &std::pair<std::string, json::Value>::first);
  out += '{';
  bool first = true;
  for (const auto& [name, inner] : members) {
    if (name == left_out) continue;
    if (!first) out += ',';
    first = false;
    append_string(out, name);
    out += ':';
    if (!append_canonical(out, inner, {})) return false;
  }
  out += '}';
  return true;
}

bool append_canonical(std::string& out, json::Value value, std::string_view left_out) {
  switch (value.kind()) {
    case json::Kind::kNull:
    case json::Kind::kFalse:
    case json::Kind::kTrue: out += value.raw(); return true;
    case json::Kind::kString: append_string(out, value.text()); return true;
    case json::Kind::kObject: return append_object(out, value, left_out);
    case json::Kind::kNumber: {
      const auto number = value.integer();
      if (!number) return false;
      out += std::to_string(*number);
      return true;
    }
    case json::Kind::kArray: {
      out += '[';
      bool first = true;
      for (const json::Value element : value.elements()) {
        if (!first) out += ',';
        first = false;
        if (!append_canonical(out, element, {})) return false;
      }
      out += ']';
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<std::string> canonical_without_prev(std::string_view line) {
  json::Document document;
  return canonical_without_prev(line, document);
}

std::optional<std::string> canonical_without_prev(std::string_view line, json::Document& document) {
  if (!document.parse_copy(line) || !document.root().is_object()) return std::nullopt;
  std::string out;
  if (!append_canonical(out, document.root(), "prev")) return std::nullopt;
  return out;
}

crypto::Digest hash_of(const Sealed& sealed, std::string_view line) {
  json::Document document;
  return hash_of(sealed, line, document);
}

crypto::Digest hash_of(const Sealed& sealed, std::string_view line, json::Document& scratch) {
  const std::optional<std::string> canonical = canonical_without_prev(line, scratch);
  assert(canonical);
  return crypto::Sha256().update(crypto::as_text(sealed.prev)).update(*canonical).finish();
}

std::string encode_head(const Head& head) { return std::to_string(head.seq) + ' ' + crypto::digest_text(head.hash); }

std::optional<Head> decode_head(std::string_view text) {
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  Head head;
  const char* end = text.data() + blank;
  const auto parsed = std::from_chars(text.data(), end, head.seq);
  const auto hash = crypto::parse_digest_text(text.substr(blank + 1));
  if (parsed.ec != std::errc() || parsed.ptr != end || !hash) return std::nullopt;
  head.hash = *hash;
  if (encode_head(head) != text) return std::nullopt;
  return head;
}

}  // namespace wye::audit
