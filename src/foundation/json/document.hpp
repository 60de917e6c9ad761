// One strict parse of a JSON text into a flat array of nodes that every later reader shares.
// Source: RFC 8259 (grammar), RFC 3629 (UTF-8); stricter where the RFC leaves a choice: duplicate names, lone surrogate
// escapes and byte order marks are refused. Numbers keep the text they were written with.
// Lifetime: a Document refers to the caller's bytes (or to its own copy, `parse_copy`) until the next parse; every Value,
// Member and view it gave out dies with that parse. Threads: one owner. Steady state allocates nothing.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/base/units.hpp"

namespace wye::json {

enum class Kind : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };
/// `null`, `boolean`, `number`, `string`, `array`, `object`: words for messages.
std::string_view to_string(Kind kind);

/// What happens to an object that names a member twice (compared after unescaping).
enum class DuplicateNames : uint8_t { kRefuse, kKeep };

/// Bounds of one parse. The defaults are those of a request body.
struct Limits {
  Bytes bytes_max = 32_MiB;         // at most 4 GiB - 1
  uint32_t depth_max = 64;          // `[]` has depth 1
  uint32_t nodes_max = 1'000'000;   // values of any kind; at most 2^26 - 1
  uint32_t number_chars_max = 64;
  DuplicateNames duplicate_names = DuplicateNames::kRefuse;
};

/// One value of the text, 24 bytes. Children follow their parent; `next` is the node after the whole subtree.
/// Only for this room's code: others read through Value.
struct Node {
  uint32_t begin = 0;      // first byte of the value, quote and bracket included
  uint32_t end = 0;        // one past its last byte
  uint32_t key_begin = 0;  // opening quote of the member's name; equal to key_end where there is none
  uint32_t key_end = 0;    // one past the closing quote
  uint32_t next = 0;
  uint32_t kind : 3 = 0;
  uint32_t escaped : 1 = 0;      // a string with at least one backslash
  uint32_t key_escaped : 1 = 0;
  uint32_t has_key : 1 = 0;
  uint32_t count : 26 = 0;       // members or elements
};
static_assert(sizeof(Node) == 24);

class Document;
class Member;
template <class Item>
class Children;

/// A view of one value. Cheap to copy. Asking a value for what its kind has not gives the empty answer, never a fault.
class Value {
 public:
  Kind kind() const { return static_cast<Kind>(node().kind); }
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_null() const { return kind() == Kind::kNull; }

  /// The bytes exactly as written, quotes and brackets included.
  std::string_view raw() const;
  /// Position of raw() in the source, bytes.
  size_t offset() const { return node().begin; }

  /// Between the quotes, as written; empty for other kinds.
  std::string_view string_raw() const;
  /// A string without escapes: string_raw() is what it means.
  bool is_plain_string() const { return is_string() && !node().escaped; }
  /// What a plain string means; absent for other kinds and for strings with escapes.
  std::optional<std::string_view> plain() const { return is_plain_string() ? std::optional(string_raw()) : std::nullopt; }
  /// Appends what the string means to `out`, as UTF-8; a text with \u0000 gives a NUL byte.
  void unescape_to(std::string& out) const;
  /// What the string means, as a copy; empty for other kinds.
  std::string text() const;
  /// A string that means exactly `text`. Does not allocate.
  bool equals(std::string_view text) const;

  /// The exact value of a number written without fraction and exponent (`1.0` and `1e2` are not integers), if it fits.
  std::optional<int64_t> integer() const;
  /// The nearest double; absent for other kinds and above the range of double. Too small to represent: zero.
  std::optional<double> number() const;
  std::optional<bool> boolean() const;

  /// Members of an object, elements of an array, in the order written; an empty range for other kinds.
  Children<Member> members() const;
  Children<Value> elements() const;
  /// Number of members or elements; 0 for other kinds.
  size_t size() const { return node().count; }
  /// The member named exactly `name` (after unescaping); linear in the number of members, does not allocate.
  std::optional<Value> find(std::string_view name) const;

  /// Same place of the same parse.
  friend bool operator==(Value a, Value b) { return a.document_ == b.document_ && a.index_ == b.index_; }

 private:
  friend class Document;
  friend class Member;
  friend class Patch;
  template <class Item>
  friend class Children;
  Value(const Document* document, uint32_t index) : document_(document), index_(index) {}
  const Node& node() const;
  const Document* document_;
  uint32_t index_;
};

/// A name and its value. The name's bytes are read like those of a string.
class Member {
 public:
  Value value() const { return value_; }
  /// Between the quotes, as written.
  std::string_view name_raw() const;
  bool name_is_plain() const { return !value_.node().key_escaped; }
  /// The name means exactly `name`. Does not allocate.
  bool name_is(std::string_view name) const;
  /// What the name means, as a copy.
  std::string name() const;
  /// Position of the name's opening quote in the source, bytes.
  size_t offset() const { return value_.node().key_begin; }

 private:
  friend class Value;
  template <class Item>
  friend class Children;
  explicit Member(Value value) : value_(value) {}
  Value value_;
};

/// A forward range over the children of one container: `for (const Member member : object.members())`.
template <class Item>
class Children {
 public:
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    Item operator*() const { return Item(Value(document_, index_)); }
    Iterator& operator++();
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    Iterator() = default;
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.left_ == b.left_; }

   private:
    friend class Children;
    Iterator(const Document* document, uint32_t index, uint32_t left) : document_(document), index_(index), left_(left) {}
    const Document* document_ = nullptr;
    uint32_t index_ = 0;
    uint32_t left_ = 0;
  };
  Iterator begin() const { return Iterator(document_, first_, count_); }
  Iterator end() const { return Iterator(document_, 0, 0); }
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

 private:
  friend class Value;
  Children(const Document* document, uint32_t first, uint32_t count) : document_(document), first_(first), count_(count) {}
  const Document* document_;
  uint32_t first_;
  uint32_t count_;
};

/// A parser and its result in one reusable object: keep one per thread or connection.
class Document {
 public:
  Document();
  ~Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  /// Reads all of `text`, whose bytes stay where they are until the next parse. Spare bytes behind them are neither needed nor
  /// read. Errors: kTooLarge over `bytes_max`; else kInvalidRequest whose public message names what is wrong and the byte,
  /// with the path (`messages[0].role`) as `param` where there is one. After an error the Document is empty.
  Result<void> parse(std::string_view text, const Limits& limits = {});
  template <std::same_as<std::span<const char>> Span>
  Result<void> parse(Span bytes, const Limits& limits = {}) {
    return parse(std::string_view(bytes.data(), bytes.size()), limits);
  }
  /// The same over a copy that the Document keeps.
  Result<void> parse_copy(std::string_view bytes, const Limits& limits = {});

  /// False before the first parse and after a failed one.
  bool has_root() const { return node_count_ != 0; }
  /// The outermost value. Precondition: has_root().
  Value root() const { return Value(this, 0); }
  /// The bytes that were parsed.
  std::string_view source() const { return source_; }
  /// Number of values of any kind.
  size_t node_count() const { return node_count_; }
  /// Where `value` stands, as `messages[0].role`; empty for the root. Linear in the text, for error messages.
  std::string path_of(Value value) const;
  /// Forgets the text; keeps ordinary capacity, returns what only a very large text needed.
  void clear();

 private:
  friend class Value;
  friend class Member;
  friend class Patch;
  template <class Item>
  friend class Children;
  struct Workspace;  // indexes and stacks of the parser
  std::string_view source_;
  std::vector<Node> nodes_;  // as large as was ever needed; node_count_ of them are valid
  uint32_t node_count_ = 0;
  std::string copy_;
  std::unique_ptr<Workspace> workspace_;
};

inline const Node& Value::node() const { return document_->nodes_[index_]; }
inline std::string_view Value::raw() const { return document_->source_.substr(node().begin, node().end - node().begin); }
inline std::string_view Value::string_raw() const {
  return is_string() ? document_->source_.substr(node().begin + 1, node().end - node().begin - 2) : std::string_view();
}
inline std::string_view Member::name_raw() const {
  const Node& node = value_.node();
  return value_.document_->source_.substr(node.key_begin + 1, node.key_end - node.key_begin - 2);
}
inline Children<Member> Value::members() const { return {document_, index_ + 1, is_object() ? node().count : 0U}; }
inline Children<Value> Value::elements() const { return {document_, index_ + 1, is_array() ? node().count : 0U}; }
template <class Item>
typename Children<Item>::Iterator& Children<Item>::Iterator::operator++() {
  index_ = document_->nodes_[index_].next;
  --left_;
  return *this;
}

}  // namespace wye::json
