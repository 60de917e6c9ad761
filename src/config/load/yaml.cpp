#include "config/load/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

/// Ends the parse of a file from inside the library; caught below, never leaves this file.
struct StopParsing {};

Position position(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<uint32_t>(mark.line) + 1, static_cast<uint32_t>(mark.column) + 1};
}

/// Builds trees from the library's events: its own node type loses duplicate keys, positions of keys, and which scalars were quoted.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view file, std::string_view text, const LoadLimits& limits, Diagnostics& findings)
      : file_(file),
        text_(text),
        limits_(limits),
        findings_(findings) {}

  std::vector<YamlNode> take() { return std::move(documents_); }
  /// After a parse error the last, unfinished document is worthless.
  void abandon() { stack_.clear(); }

  void OnDocumentStart(const YAML::Mark&) override { stack_.clear(); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.at = position(mark);
    if (refuse_properties(mark, anchor)) node.kind = YamlNode::Kind::kBad;
    attach(std::move(node));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    report(position(mark), "aliases (`*name`) are refused", "write the value out");
    YamlNode node;
    node.kind = YamlNode::Kind::kBad;
    node.at = position(mark);
    attach(std::move(node));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    YamlNode node;
    node.kind = refuse_properties(mark, anchor) ? YamlNode::Kind::kBad : YamlNode::Kind::kScalar;
    node.at = position(mark);
    node.quoted = tag == "!";
    node.text = value;
    attach(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    bool bad = false;      // it has a tag or an anchor
    bool has_key = false;  // of a map: the next event is a value
    bool drop = false;     // the value belongs to a refused key
    std::string key;
    Position key_at;
  };

  std::string path() const {
    std::string out;
    for (const Frame& frame : stack_) {
      if (frame.node.kind == YamlNode::Kind::kSequence) {
        out += '[' + std::to_string(frame.node.members.size()) + ']';
      } else if (frame.has_key && !frame.drop) {
        if (!out.empty()) out += '.';
        out += frame.key;
      }
    }
    return out;
  }
  void report(Position at, std::string what, std::string help) {
    findings_.push_back({Severity::kError, std::string(file_), at, path(), std::move(what), std::move(help)});
    if (findings_.size() > limits_.findings) throw StopParsing();
  }
  bool refuse_properties(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      report(position(mark), "anchors (`&name`) are refused", "write the value out where it is needed");
      return true;
    }
    const auto at = static_cast<size_t>(std::max(mark.pos, 0));
    if (at >= text_.size() || text_[at] != '!') return false;
    report(position(mark), "tags (`!name`) are refused", "leave the tag out; quote a value that must be text");
    return true;
  }
  void count(Position at) {
    if (++nodes_ <= limits_.nodes_per_file) return;
    report(at, "more than " + std::to_string(limits_.nodes_per_file) + " values in one file", "split the file");
    throw StopParsing();
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    const bool bad = refuse_properties(mark, anchor);
    if (stack_.size() >= limits_.depth) {
      report(position(mark), "nested deeper than " + std::to_string(limits_.depth) + " levels", "no resource is that deep");
      throw StopParsing();
    }
    count(position(mark));
    Frame frame;
    frame.bad = bad;
    frame.node.kind = kind;
    frame.node.at = position(mark);
    stack_.push_back(std::move(frame));
  }
  void close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    if (frame.bad) frame.node.kind = YamlNode::Kind::kBad;
    attach(std::move(frame.node));
  }
  void attach(YamlNode node) {
    count(node.at);
    if (stack_.empty()) {
      if (node.kind != YamlNode::Kind::kNull) documents_.push_back(std::move(node));
      return;
    }
    Frame& top = stack_.back();
    if (top.node.kind == YamlNode::Kind::kSequence) {
      top.node.members.push_back({{}, {}, std::move(node)});
    } else if (!top.has_key) {
      take_key(top, std::move(node));
    } else {
      top.has_key = false;
      if (top.drop) return;
      // The library puts an absent value at the next token, which may be lines away.
      if (node.kind == YamlNode::Kind::kNull) node.at = top.key_at;
      top.node.members.push_back({std::move(top.key), top.key_at, std::move(node)});
    }
  }
  void take_key(Frame& top, YamlNode node) {
    top.drop = true;  // until the key is known to be good; reports show the path without it
    if (node.kind == YamlNode::Kind::kScalar && !node.quoted && node.text == "<<") {
      report(node.at, "merge keys (`<<`) are refused", "write the keys out");
    } else if (node.kind == YamlNode::Kind::kScalar) {
      if (top.node.members.size() >= limits_.keys_per_map) {
        report(node.at, "more than " + std::to_string(limits_.keys_per_map) + " keys in one map", "no resource has so many");
        throw StopParsing();
      }
      if (const YamlMember* first = top.node.find(node.text); first != nullptr) {
        report(node.at, "duplicate key " + shown(node.text),
               "it stands at line " + std::to_string(first->key_at.line) + ", column " + std::to_string(first->key_at.column) + " already; keep one");
      } else {
        top.drop = false;
      }
    } else if (node.kind != YamlNode::Kind::kBad) {
      report(node.at, "a key must be text", "write `name: value`");
    }
    top.has_key = true;
    top.key = std::move(node.text);
    top.key_at = node.at;
  }

  std::string_view file_;
  std::string_view text_;
  const LoadLimits& limits_;
  Diagnostics& findings_;
  std::vector<Frame> stack_;
  std::vector<YamlNode> documents_;
  size_t nodes_ = 0;
};

/// The length of the UTF-8 sequence at `at`; 0 for bytes that are no text (broken sequences, controls but tab and line ends).
size_t text_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned b0 = byte(at);
  if (b0 < 0x80) return b0 >= 0x20 ? (b0 == 0x7f ? 0 : 1) : (b0 == '\t' || b0 == '\n' || b0 == '\r' ? 1 : 0);
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  if (b0 >= 0xC2 && b0 <= 0xDF && tail(at + 1)) return 2;
  if (b0 >= 0xE0 && b0 <= 0xEF && tail(at + 1) && tail(at + 2)) {
    const unsigned code = (b0 & 15u) << 12 | (byte(at + 1) & 63u) << 6 | (byte(at + 2) & 63u);
    return code < 0x800 || (code >= 0xD800 && code <= 0xDFFF) || code == 0xFEFF || code == 0x2028 || code == 0x2029 ? 0 : 3;
  }
  if (b0 >= 0xF0 && b0 <= 0xF4 && tail(at + 1) && tail(at + 2) && tail(at + 3)) {
    const unsigned code = (b0 & 7u) << 18 | (byte(at + 1) & 63u) << 12 | (byte(at + 2) & 63u) << 6 | (byte(at + 3) & 63u);
    return code < 0x10000 || code > 0x10FFFF ? 0 : 4;
  }
  return 0;
}

std::optional<Position> find_bad_byte(std::string_view text) {
  Position at{1, 1};
  for (size_t i = 0; i < text.size();) {
    const size_t length = text_length(text, i);
    if (length == 0) return at;
    at = text[i] == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + static_cast<uint32_t>(length)};
    i += length;
  }
  return std::nullopt;
}

}  // namespace

const YamlMember* YamlNode::find(std::string_view key) const {
  const auto it = std::ranges::find(members, key, &YamlMember::key);
  return it == members.end() ? nullptr : &*it;
}

std::vector<YamlNode> parse_yaml(const NamedText& source, const LoadLimits& limits, Diagnostics& findings) {
  std::string_view text = source.text;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > limits.file_bytes) {
    findings.push_back({Severity::kError, source.file, {}, "", "the file is larger than " + format_bytes(Bytes{limits.file_bytes}), "split it"});
    return {};
  }
  if (const auto bad = find_bad_byte(text)) {
    findings.push_back(
        {Severity::kError, source.file, *bad, "", "a byte that is no UTF-8 text", "save the file as UTF-8 without control characters"});
    return {};
  }
  TreeBuilder builder(source.file, text, limits, findings);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (const StopParsing&) { builder.abandon(); } catch (const YAML::Exception& error) {
    builder.abandon();
    findings.push_back({Severity::kError, source.file, position(error.mark), "", "not YAML: " + error.msg,
                        "check indentation (spaces, no tabs), quotes and brackets around this place"});
  }
  return builder.take();
}

bool plain_is_not_text(std::string_view plain) {
  constexpr std::array<std::string_view, 8> kWords = {"true", "false", "yes", "no", "on", "off", "null", "~"};
  std::string low(plain);
  for (char& c : low) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (low.empty() || std::ranges::find(kWords, low) != kWords.end()) return true;
  // A number in any spelling of YAML 1.1: sign, digits, underscores, dots, exponent, base prefixes, sexagesimal, .inf, .nan.
  std::string_view body = low;
  if (body.front() == '+' || body.front() == '-') body.remove_prefix(1);
  if (body == ".inf" || body == ".nan") return true;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (body.empty() || !(digit(body.front()) || (body.front() == '.' && body.size() > 1 && digit(body[1])))) return false;
  if (body.starts_with("0x")) return body.size() > 2 && body.find_first_not_of("0123456789abcdef_", 2) == std::string_view::npos;
  if (body.starts_with("0o") || body.starts_with("0b")) return body.size() > 2 && body.find_first_not_of("01234567_", 2) == std::string_view::npos;
  const size_t mantissa = std::min(body.find_first_not_of("0123456789_.:"), body.size());
  if (mantissa == body.size()) return std::ranges::count(body, '.') <= 1;
  if (body[mantissa] != 'e') return false;
  std::string_view exponent = body.substr(mantissa + 1);
  if (!exponent.empty() && (exponent.front() == '+' || exponent.front() == '-')) exponent.remove_prefix(1);
  return !exponent.empty() && std::ranges::all_of(exponent, digit);
}

}  // namespace wye::config
