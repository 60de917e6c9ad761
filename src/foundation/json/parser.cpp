#include "foundation/json/parser.hpp"

#include "foundation/json/escapes.hpp"
#include "foundation/json/grammar.hpp"

// The functions that every token passes are inlined into `run`: only then does State stay in registers.
#define WYE_HOT [[gnu::always_inline]] inline

namespace wye::json {
namespace {

/// Objects up to this size are compared pair by pair, larger ones are sorted.
constexpr size_t kPairwiseMax = 16;
constexpr size_t kFramesMin = 65;

uint64_t load8(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// A cheap digest of a name from its ends and its size. Names that collide are compared in full, in bounded time.
uint64_t mix(uint64_t head, uint64_t tail, size_t size) {
  const uint64_t mixed = (head ^ (uint64_t{size} << 56U)) * 0x9E3779B97F4A7C15ULL;
  return (std::rotl(mixed, 29) ^ tail) * 0xD6E8FEB86659FD93ULL;
}

uint64_t hash_bytes(std::string_view name) {
  if (name.size() > 8) return mix(load8(name.data()), load8(name.data() + name.size() - 8), name.size());
  uint64_t head = 0;
  std::memcpy(&head, name.data(), name.size());
  return mix(head, 0, name.size());
}

}  // namespace

Parser::Parser(std::string_view text, std::span<const uint32_t> positions, const Limits& limits, std::span<Node> nodes, ParserStacks& stacks)
    : text_(text.data()),
      end_(text.data() + text.size()),
      positions_end_(positions.data() + positions.size()),
      nodes_max_(static_cast<uint32_t>(nodes.size())),
      limits_(limits),
      stacks_(stacks) {
  state_.next = positions.data();
  state_.nodes = nodes.data();
  if (stacks_.frames.empty()) stacks_.frames.resize(kFramesMin);
  frames_ = stacks_.frames.data();
  frames_last_ = frames_ + std::min<size_t>(stacks_.frames.size() - 1, limits_.depth_max);
  state_.frame = frames_;
}

bool Parser::run() {
  State state = state_;
  const bool ok = run(state);
  state_ = state;
  return ok;
}

WYE_HOT bool Parser::run(State& s) {
  uint32_t at = 0;
  if (!advance(s, at)) return false;
  for (;;) {
    if (!value(s, at)) return false;
    Step step = Step::kClosed;
    while (step == Step::kClosed) {
      if (s.frame == frames_) return s.next == positions_end_ || fail(FaultKind::kTrailingContent, *s.next);
      step = after(s, at);
    }
    if (step == Step::kFault) return false;
  }
}

WYE_HOT bool Parser::advance(State& s, uint32_t& at) {
  if (s.next == positions_end_) [[unlikely]]
    return fail(FaultKind::kEndsEarly, static_cast<size_t>(end_ - text_));
  at = *s.next++;
  return true;
}

/// Goes from the end of a value, or from an opening bracket, to the next value.
WYE_HOT Parser::Step Parser::after(State& s, uint32_t& at) {
  Frame& frame = *s.frame;
  if (!advance(s, at)) return Step::kFault;
  const char c = text_[at];
  if (c == (frame.object ? '}' : ']')) return close(s, at);
  if (frame.count != 0) {
    if (c != ',') [[unlikely]] {
      fail(frame.object ? FaultKind::kExpectedCommaOrBrace : FaultKind::kExpectedCommaOrBracket, at);
      return Step::kFault;
    }
    if (!advance(s, at)) return Step::kFault;
  }
  ++frame.count;
  if (!frame.object) return Step::kValue;
  return member(s, at) ? Step::kValue : Step::kFault;
}

WYE_HOT bool Parser::member(State& s, uint32_t& at) {
  s.forget_key();
  if (text_[at] != '"') [[unlikely]]
    return fail(FaultKind::kExpectedName, at);
  const uint32_t begin = at;
  uint32_t end = 0;
  bool escaped = false;
  if (!string_end(s, at, end, escaped)) return false;
  s.key_begin = begin;
  s.key_end = end;
  s.key_escaped = escaped;
  note_name(s, *s.frame);
  if (!advance(s, at)) return false;
  if (text_[at] != ':') [[unlikely]]
    return fail(FaultKind::kExpectedColon, at);
  return advance(s, at);
}

WYE_HOT bool Parser::value(State& s, uint32_t at) {
  switch (text_[at]) {
    case '"': {
      uint32_t end = 0;
      bool escaped = false;
      return string_end(s, at, end, escaped) && add(s, at, end, Kind::kString, escaped);
    }
    case '{': return container(s, at, Kind::kObject);
    case '[': return container(s, at, Kind::kArray);
    case 't': return literal(s, at, "true", Kind::kTrue);
    case 'f': return literal(s, at, "false", Kind::kFalse);
    case 'n': return literal(s, at, "null", Kind::kNull);
    default: return number(s, at);
  }
}

WYE_HOT bool Parser::container(State& s, uint32_t at, Kind kind) {
  if (s.frame == frames_last_) [[unlikely]] {
    Frame* const grown = grow_frames(s.frame);
    if (grown == nullptr) return fail(FaultKind::kTooDeep, at);
    s.frame = grown;
  }
  const uint32_t node = s.count;
  if (!add(s, at, at + 1, kind, false)) return false;
  Frame& frame = *++s.frame;
  frame.node = node;
  frame.count = 0;
  frame.object = kind == Kind::kObject;
  frame.suspect = false;
  frame.seen = {};
  s.forget_key();
  return true;
}

WYE_HOT bool Parser::literal(State& s, uint32_t at, std::string_view word, Kind kind) {
  const char* const begin = text_ + at;
  if (static_cast<size_t>(end_ - begin) < word.size() || std::memcmp(begin, word.data(), word.size()) != 0 || !ends_scalar(begin + word.size(), end_))
      [[unlikely]] {
    return fail(FaultKind::kLiteral, at);
  }
  return add(s, at, at + static_cast<uint32_t>(word.size()), kind, false);
}

WYE_HOT bool Parser::number(State& s, uint32_t at) {
  const char* const begin = text_ + at;
  const char* const stop = scan_number(begin, end_);
  if (stop == nullptr || !ends_scalar(stop, end_)) [[unlikely]] {
    return fail(is_digit(*begin) || *begin == '-' ? FaultKind::kNumber : FaultKind::kExpectedValue, at);
  }
  if (static_cast<size_t>(stop - begin) > limits_.number_chars_max) [[unlikely]]
    return fail(FaultKind::kNumberTooLong, at);
  return add(s, at, static_cast<uint32_t>(stop - text_), Kind::kNumber, false);
}

/// The index holds opening quotes only: the closing one is the last byte that is not white space before the next position.
WYE_HOT bool Parser::string_end(const State& s, uint32_t at, uint32_t& end, bool& escaped) {
  const char* close = (s.next == positions_end_ ? end_ : text_ + *s.next) - 1;
  while (*close != '"' && is_space(*close)) --close;
  const char* const begin = text_ + at + 1;
  if (close < begin || *close != '"') [[unlikely]]
    return fail(FaultKind::kUnclosedString, at);
  const char* const backslash = find_backslash(begin, close, end_);
  escaped = backslash != close;
  if (escaped && !check_string_escapes(backslash, close)) return false;
  end = static_cast<uint32_t>(close + 1 - text_);
  return true;
}

WYE_HOT bool Parser::add(State& s, uint32_t begin, uint32_t end, Kind kind, bool escaped) {
  if (s.count == nodes_max_) [[unlikely]]
    return fail(FaultKind::kTooManyNodes, begin);
  Node& node = s.nodes[s.count++];
  node.begin = begin;
  node.end = end;
  node.key_begin = s.key_begin;
  node.key_end = s.key_end;
  node.next = s.count;
  node.kind = static_cast<uint32_t>(kind);
  node.escaped = escaped;
  node.key_escaped = s.key_escaped;
  node.has_key = s.key_end != 0;
  node.count = 0;
  return true;
}

/// Sets the name's bit among those of its object. A bit that was set already makes the object suspect: its names are
/// compared when it closes.
WYE_HOT void Parser::note_name(const State& s, Frame& frame) {
  const uint64_t hash = s.key_escaped ? hash_escaped(s.key_begin, s.key_end) : hash_at(text_ + s.key_begin + 1, s.key_end - s.key_begin - 2U);
  uint64_t& word = frame.seen[hash >> 62U];
  const uint64_t bit = uint64_t{1} << ((hash >> 56U) & 63U);
  frame.suspect |= (word & bit) != 0;
  word |= bit;
}

/// As hash_bytes, without a branch on sizes below 8.
WYE_HOT uint64_t Parser::hash_at(const char* name, size_t size) const {
  if (size > 8) return mix(load8(name), load8(name + size - 8), size);
  if (end_ - name < 8 || size == 0) [[unlikely]]
    return hash_bytes({name, size});
  return mix(load8(name) & (~uint64_t{0} >> (64U - 8U * size)), 0, size);
}

WYE_HOT Parser::Step Parser::close(State& s, uint32_t at) {
  Frame& frame = *s.frame;
  Node& node = s.nodes[frame.node];
  node.end = at + 1;
  node.next = s.count;
  node.count = frame.count;
  s.forget_key();
  if (frame.suspect && limits_.duplicate_names == DuplicateNames::kRefuse) [[unlikely]] {
    const uint32_t twice = find_duplicate(frame, s.nodes);
    if (twice != 0) {
      s.key_begin = s.nodes[twice].key_begin;
      s.key_end = s.nodes[twice].key_end;
      s.key_escaped = s.nodes[twice].key_escaped != 0;
      fail(FaultKind::kDuplicateName, s.key_begin);
      return Step::kFault;
    }
  }
  --s.frame;
  return Step::kClosed;
}

[[gnu::cold, gnu::noinline]] bool Parser::fail(FaultKind kind, size_t offset) {
  const bool mark = kind == FaultKind::kExpectedValue && offset == 0 && std::string_view(text_, end_).starts_with("\xEF\xBB\xBF");
  fault_ = {mark ? FaultKind::kByteOrderMark : kind, offset};
  return false;
}

/// Checks the escapes of a string from its first backslash on; false: one is wrong.
[[gnu::noinline]] bool Parser::check_string_escapes(const char* backslash, const char* close) {
  const EscapeCheck check = check_escapes(backslash, close, end_);
  switch (check.fault) {
    case EscapeFault::kNone: return true;
    case EscapeFault::kUnknown: return fail(FaultKind::kEscape, static_cast<size_t>(check.at - text_));
    case EscapeFault::kHex: return fail(FaultKind::kEscapeHex, static_cast<size_t>(check.at - text_));
    case EscapeFault::kSurrogate: break;
  }
  return fail(FaultKind::kSurrogate, static_cast<size_t>(check.at - text_));
}

[[gnu::cold, gnu::noinline]] ParserStacks::Frame* Parser::grow_frames(const Frame* frame) {
  const auto used = static_cast<size_t>(frame - frames_);
  if (used >= limits_.depth_max) return nullptr;
  stacks_.frames.resize(stacks_.frames.size() * 2);
  frames_ = stacks_.frames.data();
  frames_last_ = frames_ + std::min<size_t>(stacks_.frames.size() - 1, limits_.depth_max);
  return frames_ + used;
}

[[gnu::noinline]] uint64_t Parser::hash_escaped(uint32_t key_begin, uint32_t key_end) {
  stacks_.names.clear();
  append_unescaped(stacks_.names, {text_ + key_begin + 1, key_end - key_begin - 2U});
  return hash_bytes(stacks_.names);
}

[[gnu::noinline]] uint32_t Parser::find_duplicate(const Frame& frame, const Node* nodes) {
  std::vector<Key>& keys = stacks_.keys;
  keys.clear();
  stacks_.names.clear();
  uint32_t child = frame.node + 1;
  for (uint32_t left = frame.count; left != 0; --left, child = nodes[child].next) {
    const Node& node = nodes[child];
    Key& key = keys.emplace_back();
    key.node = child;
    key.text = node.key_begin + 1;
    key.size = node.key_end - node.key_begin - 2;
    if (node.key_escaped) {
      key.unescaped = true;
      const std::string_view raw(text_ + key.text, key.size);
      key.text = static_cast<uint32_t>(stacks_.names.size());
      append_unescaped(stacks_.names, raw);
      key.size = static_cast<uint32_t>(stacks_.names.size()) - key.text;
    }
    key.hash = hash_bytes(key_text(key));
  }
  const auto same = [this](const Key& a, const Key& b) { return a.hash == b.hash && key_text(a) == key_text(b); };
  uint32_t twice = 0;
  if (keys.size() <= kPairwiseMax) {
    for (size_t later = 1; later < keys.size() && twice == 0; ++later) {
      for (size_t earlier = 0; earlier < later; ++earlier) {
        if (same(keys[earlier], keys[later])) twice = keys[later].node;
      }
    }
    return twice;
  }
  std::sort(keys.begin(), keys.end(), [this](const Key& a, const Key& b) {
    if (a.hash != b.hash) return a.hash < b.hash;
    const int order = key_text(a).compare(key_text(b));
    return order != 0 ? order < 0 : a.node < b.node;
  });
  for (size_t i = 1; i < keys.size(); ++i) {
    if (same(keys[i - 1], keys[i]) && (twice == 0 || keys[i].node < twice)) twice = keys[i].node;
  }
  return twice;
}

std::string_view Parser::key_text(const Key& key) const { return {(key.unescaped ? stacks_.names.data() : text_) + key.text, key.size}; }

std::string Parser::fault_path() const {
  std::string path;
  const auto name = [&](uint32_t begin, uint32_t end, bool escaped) { append_path_name(path, {text_ + begin + 1, end - begin - 2U}, escaped); };
  for (const Frame* frame = frames_ + 1; frame <= state_.frame; ++frame) {
    if (!frame->object) {
      if (frame->count != 0) append_path_index(path, frame->count - 1U);
    } else if (frame != state_.frame) {
      const Node& node = state_.nodes[frame[1].node];
      name(node.key_begin, node.key_end, node.key_escaped != 0);
    } else if (state_.key_end != 0) {
      name(state_.key_begin, state_.key_end, state_.key_escaped);
    }
  }
  return path;
}

}  // namespace wye::json
