#include "foundation/json/document.hpp"

#include "foundation/json/escapes.hpp"
#include "foundation/json/parser.hpp"
#include "foundation/json/structural_index.hpp"

#include <cmath>
#include <limits>

namespace wye::json {
namespace {

/// What an idle Document may keep; more is given back before the next ordinary text.
constexpr size_t kNodesKept = size_t{64} << 10U;
constexpr size_t kBytesKept = size_t{1} << 20U;
constexpr uint32_t kNodesCeiling = (1U << 26U) - 1;
constexpr size_t kSizeCeiling = std::numeric_limits<uint32_t>::max();

FaultKind kind_of(IndexFault fault) {
  switch (fault) {
    case IndexFault::kEmpty: return FaultKind::kEmpty;
    case IndexFault::kUtf8: return FaultKind::kUtf8;
    case IndexFault::kControlCharacter: return FaultKind::kControlCharacter;
    case IndexFault::kUnclosedString: return FaultKind::kUnclosedString;
    case IndexFault::kNone:
    case IndexFault::kOutOfMemory:
    case IndexFault::kInternal: break;
  }
  return FaultKind::kNone;
}

Error index_error(IndexFault fault, std::string_view text) {
  const FaultKind kind = kind_of(fault);
  switch (kind) {
    case FaultKind::kEmpty: return error_of({kind, 0}, {}, 0);
    case FaultKind::kUtf8: return error_of({kind, find_bad_utf8(text)}, {}, 0);
    case FaultKind::kControlCharacter: return error_of({kind, locate_control_character(text)}, {}, 0);
    case FaultKind::kUnclosedString: return error_of({kind, locate_unclosed_string(text)}, {}, 0);
    default: break;
  }
  if (fault == IndexFault::kOutOfMemory) return internal_error(ErrorCode::kOverloaded, "no memory for the structural index");
  return internal_error(ErrorCode::kInternal, "the structural index failed");
}

uint64_t bound_of(FaultKind kind, const Limits& limits) {
  if (kind == FaultKind::kTooDeep) return limits.depth_max;
  if (kind == FaultKind::kTooManyNodes) return limits.nodes_max;
  if (kind == FaultKind::kNumberTooLong) return limits.number_chars_max;
  return 0;
}

/// For a number outside the range of normal doubles: whether it is too large, not too small. Looks at the decimal exponent of
/// its first digit that is not zero.
bool overflows(std::string_view number) {
  const size_t mark = number.find_first_of("eE");
  const std::string_view digits = number.substr(0, mark);
  int64_t exponent = 0;
  if (mark != std::string_view::npos) {
    std::string_view text = number.substr(mark + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (code != std::errc()) return !text.starts_with('-');
  }
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  const size_t point = std::min(digits.find('.'), digits.size());
  const auto shift = first < point ? static_cast<int64_t>(point - first - 1) : -static_cast<int64_t>(first - point);
  // Saturates: texts are under 2^32 bytes, so a larger exponent decides alone.
  return std::clamp<int64_t>(exponent, -(int64_t{1} << 40), int64_t{1} << 40) + shift > 0;
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kNull: return "null";
    case Kind::kFalse:
    case Kind::kTrue: return "boolean";
    case Kind::kNumber: return "number";
    case Kind::kString: return "string";
    case Kind::kArray: return "array";
    case Kind::kObject: return "object";
  }
  return "value";
}

void Value::unescape_to(std::string& out) const {
  if (node().escaped) {
    append_unescaped(out, string_raw());
  } else {
    out.append(string_raw());
  }
}

std::string Value::text() const {
  std::string out;
  unescape_to(out);
  return out;
}

bool Value::equals(std::string_view text) const {
  if (!is_string()) return false;
  return node().escaped ? unescaped_equals(string_raw(), text) : string_raw() == text;
}

std::optional<int64_t> Value::integer() const {
  if (!is_number()) return std::nullopt;
  const std::string_view text = raw();
  int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> Value::number() const {
  if (!is_number()) return std::nullopt;
  const std::string_view text = raw();
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc::result_out_of_range) {
    if (overflows(text)) return std::nullopt;
    return text.starts_with('-') ? -0.0 : 0.0;
  }
  if (code != std::errc() || std::isinf(value)) return std::nullopt;
  return value;
}

std::optional<bool> Value::boolean() const {
  if (kind() == Kind::kTrue) return true;
  if (kind() == Kind::kFalse) return false;
  return std::nullopt;
}

std::optional<Value> Value::find(std::string_view name) const {
  for (const Member member : members()) {
    if (member.name_is(name)) return member.value();
  }
  return std::nullopt;
}

bool Member::name_is(std::string_view name) const { return name_is_plain() ? name_raw() == name : unescaped_equals(name_raw(), name); }

std::string Member::name() const {
  std::string out;
  append_unescaped(out, name_raw());
  return out;
}

struct Document::Workspace {
  StructuralIndex index;
  ParserStacks stacks;
};

Document::Document() : workspace_(std::make_unique<Workspace>()) {}
Document::~Document() = default;

Result<void> Document::parse(std::string_view text, const Limits& limits) {
  clear();
  const uint64_t bytes_max = std::min<uint64_t>(limits.bytes_max.n, kSizeCeiling);
  if (text.size() > bytes_max) return Fail(too_large(text.size(), bytes_max));
  const IndexFault indexed = workspace_->index.read(text);
  if (indexed != IndexFault::kNone) return Fail(index_error(indexed, text));
  const std::span<const uint32_t> positions = workspace_->index.positions();
  // Every value but the root has a position of its own, so this is always enough.
  const size_t room = std::min<size_t>({positions.size(), limits.nodes_max, kNodesCeiling});
  if (nodes_.size() < room) nodes_.resize(std::max(room, std::min(nodes_.size() * 2, kNodesKept)));
  Parser parser(text, positions, limits, std::span(nodes_).first(room), workspace_->stacks);
  if (!parser.run()) return Fail(error_of(parser.fault(), parser.fault_path(), bound_of(parser.fault().kind, limits)));
  source_ = text;
  node_count_ = parser.node_count();
  return {};
}

Result<void> Document::parse_copy(std::string_view bytes, const Limits& limits) {
  if (bytes.size() > limits.bytes_max.n) {
    clear();
    return Fail(too_large(bytes.size(), limits.bytes_max.n));
  }
  copy_.assign(bytes);
  return parse(std::string_view(copy_), limits);
}

void Document::clear() {
  source_ = {};
  node_count_ = 0;
  if (nodes_.size() > kNodesKept) std::vector<Node>().swap(nodes_);
  workspace_->index.trim();
  ParserStacks& stacks = workspace_->stacks;
  if (stacks.keys.capacity() > kNodesKept) std::vector<ParserStacks::Key>().swap(stacks.keys);
  if (stacks.frames.capacity() > kNodesKept) std::vector<ParserStacks::Frame>().swap(stacks.frames);
  if (stacks.names.capacity() > kBytesKept) std::string().swap(stacks.names);
}

std::string Document::path_of(Value value) const {
  std::string path;
  uint32_t at = 0;
  while (at != value.index_) {
    const bool object = nodes_[at].kind == static_cast<uint32_t>(Kind::kObject);
    uint64_t index = 0;
    uint32_t child = at + 1;
    while (nodes_[child].next <= value.index_) {
      child = nodes_[child].next;
      ++index;
    }
    const Node& node = nodes_[child];
    if (object) {
      append_path_name(path, source_.substr(node.key_begin + 1, node.key_end - node.key_begin - 2), node.key_escaped != 0);
    } else {
      append_path_index(path, index);
    }
    at = child;
  }
  return path;
}

}  // namespace wye::json
