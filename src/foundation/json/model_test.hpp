// A slow, plain model of JSON for tests: an independent reader to compare with, and random documents.
#pragma once

namespace wye::json::model {

struct Member;
struct Node {
  std::string scalar;  // of null, literals and numbers: as written; of strings: with a quote in front, then what they mean
  std::vector<Member> members;
  std::vector<Node> elements;
  char kind = 's';  // s scalar, o object, a array
};
struct Member {
  std::string name;
  Node node;
};
inline bool same(const Node& a, const Node& b) {
  return a.kind == b.kind && a.scalar == b.scalar && std::ranges::equal(a.elements, b.elements, same) &&
         std::ranges::equal(a.members, b.members, [](const Member& x, const Member& y) { return x.name == y.name && same(x.node, y.node); });
}

/// Reads RFC 8259 by recursive descent, one byte at a time; absent where it is broken, a name is repeated, or a surrogate alone.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  std::optional<Node> read() {
    Node node;
    if (!value(node, 0)) return std::nullopt;
    space();
    return at_ == text_.size() ? std::optional(node) : std::nullopt;
  }

 private:
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  bool digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > begin;
  }
  bool number(Node& node) {
    const size_t begin = at_;
    take("-");
    if (!take("0") && !digits()) return false;
    if (take(".") && !digits()) return false;
    if (take("e") || take("E")) {
      if (!take("+")) take("-");
      if (!digits()) return false;
    }
    node.scalar = text_.substr(begin, at_ - begin);
    return node.scalar.size() <= 64;
  }
  bool hex(uint32_t& unit) {
    if (text_.size() - at_ < 4) return false;
    const auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, unit, 16);
    const bool ok = code == std::errc() && end == text_.data() + at_ + 4 && text_[at_] != '-';
    at_ += 4;
    return ok;
  }
  static void put(std::string& out, uint32_t point) {
    if (point < 0x80) {
      out += static_cast<char>(point);
      return;
    }
    std::string tail;
    uint32_t lead = 0x80;
    uint32_t room = 0x3F;
    while (point > room) {
      tail.insert(tail.begin(), static_cast<char>(0x80 | (point & 0x3F)));
      point >>= 6;
      lead = lead >> 1 | 0x80;
      room >>= 1;
    }
    out += static_cast<char>(lead | point);
    out += tail;
  }
  /// Decodes one sequence of raw UTF-8 and compares with its own encoding: only the shortest form survives.
  bool raw_sequence(std::string& out) {
    const auto byte = [&](size_t i) { return at_ + i < text_.size() ? static_cast<uint8_t>(text_[at_ + i]) : 0U; };
    const uint32_t lead = byte(0);
    const size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : 9;
    if (more == 9) return false;
    uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
    for (size_t i = 1; i <= more; ++i) {
      if (byte(i) >> 6 != 2) return false;
      point = point << 6 | (byte(i) & 0x3F);
    }
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
    std::string again;
    put(again, point);
    if (again != text_.substr(at_, more + 1)) return false;
    out += again;
    at_ += more + 1;
    return true;
  }
  bool string(std::string& out) {
    if (!take("\"")) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<uint8_t>(text_[at_]) < 0x20) return false;
      if (text_[at_] != '\\') {
        if (!raw_sequence(out)) return false;
        continue;
      }
      ++at_;
      if (at_ == text_.size()) return false;
      const char letter = text_[at_++];
      static constexpr std::string_view kLetters = "\"\\/bfnrt";
      if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
        out += "\"\\/\b\f\n\r\t"[known];
        continue;
      }
      uint32_t unit = 0;
      if (letter != 'u' || !hex(unit)) return false;
      if (unit >= 0xDC00 && unit < 0xE000) return false;
      if (unit >= 0xD800 && unit < 0xDC00) {
        uint32_t low = 0;
        if (!take("\\u") || !hex(low) || low < 0xDC00 || low >= 0xE000) return false;
        unit = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
      }
      put(out, unit);
    }
    return take("\"");
  }
  bool value(Node& node, int depth) {
    space();
    if (take("{")) return object(node, depth + 1);
    if (take("[")) return array(node, depth + 1);
    if (text_.substr(at_).starts_with('"')) {
      node.scalar = "\"";
      return string(node.scalar);
    }
    for (const std::string_view word : {"true", "false", "null"}) {
      if (!take(word)) continue;
      node.scalar = word;
      return true;
    }
    return number(node);
  }
  bool object(Node& node, int depth) {
    node.kind = 'o';
    if (depth > 64) return false;
    space();
    if (take("}")) return true;
    std::set<std::string> names;
    do {
      space();
      auto& [name, child] = node.members.emplace_back();
      if (!string(name) || !names.insert(name).second) return false;
      space();
      if (!take(":") || !value(child, depth)) return false;
      space();
    } while (take(","));
    return take("}");
  }
  bool array(Node& node, int depth) {
    node.kind = 'a';
    if (depth > 64) return false;
    space();
    if (take("]")) return true;
    do {
      if (!value(node.elements.emplace_back(), depth)) return false;
      space();
    } while (take(","));
    return take("]");
  }
  std::string_view text_;
  size_t at_ = 0;
};

/// A seeded source of small numbers (xorshift); tests print the seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  uint64_t below(uint64_t bound) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return (state_ >> 11U) % bound;
  }

 private:
  uint64_t state_;
};

inline std::string random_string(Dice& dice) {
  static constexpr std::string_view kPieces[] = {"a",        "role", "\\n", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00",
                                                 "\xC3\xA9", "{",    "]",   ",",    ":",    " ",       "0123456789abcdef0123456789abcdef"};
  std::string out = "\"";
  for (uint64_t left = dice.below(5); left != 0; --left) out += kPieces[dice.below(std::size(kPieces))];
  return out + "\"";
}

/// A random valid text; names of an object differ by their number.
inline std::string random_text(Dice& dice, int depth = 0) {
  static constexpr std::string_view kScalars[] = {"null", "true", "false", "0", "-1", "12345678901234567890", "1.5e-3", "\"\""};
  const auto gap = [&] { return std::string(dice.below(5) == 0 ? dice.below(40) : 0, " \n\t\r"[dice.below(4)]); };
  const uint64_t kind = dice.below(depth > 4 ? 4 : 8);
  if (kind < 2) return std::string(kScalars[dice.below(std::size(kScalars))]);
  if (kind < 4) return random_string(dice);
  const bool object = kind < 6;
  std::string out(1, object ? '{' : '[');
  const uint64_t count = dice.below(20) == 0 ? 40 : dice.below(6);
  for (uint64_t i = 0; i < count; ++i) {
    out += (i == 0 ? "" : ",") + gap();
    if (object) {
      const std::string name = random_string(dice);
      out += name.substr(0, name.size() - 1) + std::to_string(i) + "!\"" + gap() + ":" + gap();
    }
    out += random_text(dice, depth + 1) + gap();
  }
  return out + gap() + (object ? '}' : ']');
}

}  // namespace wye::json::model
