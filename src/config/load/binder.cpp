#include "config/load/binder.hpp"

#include "config/load/endpoint.hpp"
#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

std::string_view kind_text(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull: return "nothing";
    case YamlNode::Kind::kScalar: return "a single value";
    case YamlNode::Kind::kSequence: return "a list";
    case YamlNode::Kind::kMap: return "a map";
    case YamlNode::Kind::kBad: return "";
  }
  return "";
}

std::string range_text(const Rule& rule, auto&& print) {
  if (rule.max == INT64_MAX) return "at least " + print(rule.min);
  return print(rule.min) + " to " + print(rule.max);
}

}  // namespace

Binder::Binder(const NamedText& file, Source& source, std::vector<Reference>& references, Diagnostics& findings)
    : file_(file),
      source_(source),
      references_(references),
      findings_(findings) {}

Binder::Step::Step(Binder& binder, std::string_view name) : binder_(binder), length_(binder.path_.size()) {
  if (length_ > 0) binder.path_ += '.';
  binder.path_ += name;
}
Binder::Step::Step(Binder& binder, size_t index) : binder_(binder), length_(binder.path_.size()) {
  binder.path_ += '[' + std::to_string(index) + ']';
}

void Binder::error(Position at, std::string what, std::string help) {
  findings_.push_back({Severity::kError, file_.file, at, path_, std::move(what), std::move(help)});
}

bool Binder::expect(const YamlNode& node, YamlNode::Kind kind, std::string_view expected, std::string_view example) {
  if (node.kind == kind) return true;
  if (node.kind == YamlNode::Kind::kBad) return false;
  if (node.kind == YamlNode::Kind::kNull) {
    error(node.at, "the key has no value; expected " + std::string(expected), "write " + std::string(example) + ", or leave the key out");
  } else {
    error(node.at, "expected " + std::string(expected) + ", found " + std::string(kind_text(node)), "write " + std::string(example));
  }
  return false;
}

bool Binder::expect_scalar(const YamlNode& node, std::string_view expected, std::string_view example) {
  return expect(node, YamlNode::Kind::kScalar, expected, example);
}

void Binder::out_of_range(const YamlNode& node, std::string expected) {
  error(node.at, shown(node.text) + " is out of range; expected " + expected, "choose a value in that range");
}

std::optional<bool> Binder::read_bool(const YamlNode& node) {
  if (!expect_scalar(node, "true or false", "`true` or `false`")) return std::nullopt;
  if (!node.quoted && node.text == "true") return true;
  if (!node.quoted && node.text == "false") return false;
  error(node.at, "expected true or false, found " + shown(node.text), "write `true` or `false` without quotes");
  return std::nullopt;
}

std::optional<int64_t> Binder::read_integer(const YamlNode& node, const Rule& rule) {
  if (!expect_scalar(node, "a whole number", "a number as 8")) return std::nullopt;
  const std::string_view text = node.text;
  std::string_view digits = text;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  const bool decimal = !digits.empty() && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
  if (node.quoted || !decimal || (digits.size() > 1 && digits.front() == '0')) {
    error(node.at, "expected a whole number, found " + shown(text), "write it in decimal, without quotes, leading zeros or fractions");
    return std::nullopt;
  }
  int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || value < rule.min || value > std::min<int64_t>(rule.max, UINT32_MAX)) {
    out_of_range(node, range_text(rule, [](int64_t v) { return std::to_string(v); }));
    return std::nullopt;
  }
  return value;
}

std::optional<int64_t> Binder::read_duration(const YamlNode& node, const Rule& rule) {
  if (!expect_scalar(node, "a duration", "a duration as 30s")) return std::nullopt;
  const auto value = parse_duration(node.text);
  if (!value) {
    error(node.at, "expected a duration, found " + shown(node.text), "write a whole number and a unit: 250ms 30s 5m 1h 7d");
    return std::nullopt;
  }
  if (value->count() < rule.min || value->count() > rule.max) {
    out_of_range(node, range_text(rule, [](int64_t v) { return format_duration(Nanos(v)); }));
    return std::nullopt;
  }
  return value->count();
}

std::optional<int64_t> Binder::read_size(const YamlNode& node, const Rule& rule) {
  if (!expect_scalar(node, "a size", "a size as 32MiB")) return std::nullopt;
  const auto value = parse_bytes(node.text);
  if (!value) {
    error(node.at, "expected a size, found " + shown(node.text), "write a whole number and a unit: 64KiB 32MiB 4GiB");
    return std::nullopt;
  }
  const int64_t bytes = static_cast<int64_t>(std::min<uint64_t>(value->n, INT64_MAX));
  if (bytes < rule.min || bytes > rule.max) {
    out_of_range(node, range_text(rule, [](int64_t v) { return format_bytes(Bytes{static_cast<uint64_t>(v)}); }));
    return std::nullopt;
  }
  return bytes;
}

std::optional<std::string> Binder::read_text(const YamlNode& node, const Rule& rule, bool in_list) {
  const std::string expected(grammar_text(rule.grammar));
  if (!expect_scalar(node, expected, "a value")) return std::nullopt;
  if (!node.quoted && plain_is_not_text(node.text)) {
    error(node.at, "expected text, found " + shown(node.text) + ", which YAML reads as something else", "write it in quotes");
    return std::nullopt;
  }
  if (node.text.empty()) {
    error(node.at, "the text is empty; expected " + expected, "write a value, or leave the key out");
    return std::nullopt;
  }
  const bool address = rule.grammar == Grammar::kAddress && !is_ip_literal(node.text);
  if (address || !matches(rule.grammar, node.text)) {
    error(node.at, "expected " + expected + ", found " + shown(node.text), "");
    return std::nullopt;
  }
  // Of a list, `max` bounds the items, not their letters.
  if (!in_list && node.text.size() > static_cast<uint64_t>(rule.max)) {
    error(node.at, "longer than " + std::to_string(rule.max) + " characters", "shorten it");
    return std::nullopt;
  }
  if (!rule.refers.empty()) references_.push_back({rule.refers, node.text, file_.file, path_, node.at});
  return node.text;
}

std::optional<FilePath> Binder::read_path(const YamlNode& node) {
  if (!expect_scalar(node, "a path", "a path, absolute or relative to this file")) return std::nullopt;
  if (node.text.empty() || !matches(Grammar::kText, node.text)) {
    error(node.at, "expected a path, found " + shown(node.text), "write a path, absolute or relative to this file");
    return std::nullopt;
  }
  const std::filesystem::path folder = std::filesystem::path(file_.file).parent_path();
  std::error_code ec;
  const auto absolute = std::filesystem::absolute(folder / node.text, ec);
  return FilePath{node.text, ec ? node.text : absolute.lexically_normal().string()};
}

std::optional<size_t> Binder::read_choice(const YamlNode& node, std::span<const EnumName> names) {
  std::vector<std::string_view> texts;
  for (const EnumName& name : names) {
    if (name.available) texts.push_back(name.text);
  }
  const std::string expected = "one of " + quoted_list(texts);
  if (!expect_scalar(node, expected, "one of them")) return std::nullopt;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].text != node.text) continue;
    if (names[i].available) return i;
    error(node.at, "`" + node.text + "` is not available in this build", "use " + expected);
    return std::nullopt;
  }
  const std::string_view near = nearest(node.text, texts);
  error(node.at, "expected " + expected + ", found " + shown(node.text), near.empty() ? "" : "did you mean `" + std::string(near) + "`?");
  return std::nullopt;
}

std::optional<WallTime> Binder::read_time(const YamlNode& node) {
  if (!expect_scalar(node, "a time", "a time as 2027-01-01T00:00:00Z")) return std::nullopt;
  const auto time = parse_rfc3339(node.text);
  if (!time) error(node.at, "expected a time, found " + shown(node.text), "write RFC 3339: 2027-01-01T00:00:00Z");
  return time;
}

std::optional<ActionSet> Binder::read_actions(const YamlNode& node, const Rule& rule) {
  if (!read_list(node, rule)) return std::nullopt;
  ActionSet out;
  for (size_t i = 0; i < node.members.size(); ++i) {
    const Step step(*this, i);
    const YamlNode& item = node.members[i].value;
    if (item.kind == YamlNode::Kind::kScalar && item.text == "*") {
      out = ActionSet::all();
    } else if (const auto index = read_choice(item, EnumNames<Action>::kNames)) {
      out.insert(static_cast<Action>(*index));
    }
  }
  return out;
}

std::optional<TextLists> Binder::read_text_lists(const YamlNode& node, const Rule& rule) {
  if (!expect(node, YamlNode::Kind::kMap, "a map", "`name: [value]` lines")) return std::nullopt;
  const auto count = static_cast<int64_t>(node.members.size());
  if (count < rule.min || count > rule.max) {
    error(node.at, "the map has " + std::to_string(count) + " names; expected " + range_text(rule, [](int64_t v) { return std::to_string(v); }), "");
    return std::nullopt;
  }
  TextLists out;
  constexpr Rule kValues{.text = {}, .min = 1, .max = 64};
  for (const YamlMember& member : node.members) {
    const Step step(*this, member.key);
    if (!matches(rule.grammar, member.key)) {
      error(member.key_at, "expected " + std::string(grammar_text(rule.grammar)) + ", found " + shown(member.key), "");
      continue;
    }
    if (!read_list(member.value, kValues)) continue;
    std::vector<std::string>& values = out[member.key];
    for (size_t i = 0; i < member.value.members.size(); ++i) {
      const Step inner(*this, i);
      if (auto text = read_text(member.value.members[i].value, kValues, true)) values.push_back(std::move(*text));
    }
  }
  return out;
}

bool Binder::read_list(const YamlNode& node, const Rule& rule) {
  if (!expect(node, YamlNode::Kind::kSequence, "a list", "`- value` lines or [a, b]")) return false;
  const auto count = static_cast<int64_t>(node.members.size());
  if (count < rule.min || count > rule.max) {
    const std::string expected = range_text(rule, [](int64_t v) { return std::to_string(v); });
    error(node.at, "the list has " + std::to_string(count) + " items; expected " + expected,
          count == 0 ? "leave the key out where nothing is meant" : "");
    return false;
  }
  check_unique(node, rule.unique_key);
  return true;
}

void Binder::check_unique(const YamlNode& node, std::string_view unique_key) {
  std::map<std::string_view, Position> seen;
  for (size_t i = 0; i < node.members.size(); ++i) {
    const YamlNode* value = &node.members[i].value;
    if (value->kind == YamlNode::Kind::kMap && !unique_key.empty()) {
      const YamlMember* key = value->find(unique_key);
      if (key == nullptr) continue;
      value = &key->value;
    }
    if (value->kind != YamlNode::Kind::kScalar) continue;
    const auto [first, fresh] = seen.emplace(value->text, value->at);
    if (fresh) continue;
    const Step step(*this, i);
    error(value->at, shown(value->text) + " stands in this list twice", "the first is at line " + std::to_string(first->second.line));
  }
}

void Binder::missing_key(const YamlNode& map, std::string_view name, const Rule& rule) {
  const Step step(*this, name);
  error(map.at, "the key `" + std::string(name) + "` is missing", std::string(rule.text));
}

void Binder::unknown_keys(const YamlNode& map, std::span<const std::string_view> known, std::span<const std::string_view> refused) {
  for (const YamlMember& member : map.members) {
    if (std::ranges::find(known, member.key) != known.end()) continue;
    const Step step(*this, member.key);
    if (std::ranges::find(refused, member.key) != refused.end()) {
      error(member.key_at, "`" + member.key + "` is not available in this build", "leave the key out");
      continue;
    }
    const std::string_view near = nearest(member.key, known);
    std::string help = near.empty() ? "" : "did you mean `" + std::string(near) + "`? ";
    error(member.key_at, "unknown key " + shown(member.key), help + "known: " + quoted_list(known));
  }
}

}  // namespace wye::config
