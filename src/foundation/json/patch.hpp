// Edits of a parsed text that leave every other byte as it was: the result is a list of pieces for one gather write.
// Lifetime: refers to the Document and its source; both stay unchanged until the pieces are written.
// Threads: one owner. Reusable; steady state allocates nothing.
#pragma once

#include "foundation/json/document.hpp"

namespace wye::json {

/// Collects edits in any order, then gives the edited text in pieces.
/// Edits of one text must not lie inside each other (a value replaced within a member that is removed): `pieces` refuses.
/// A name that is inserted is not compared with those that are there: the caller asked `find` before.
class Patch {
 public:
  /// Forgets earlier edits and turns to `document`.
  void start(const Document& document);

  /// Puts `json` (one valid JSON value, copied) where `value` stands.
  void replace(Value value, std::string_view json);
  /// The same without the copy: `json` lives until the pieces are written.
  void replace_view(Value value, std::string_view json);
  /// Puts a JSON string that means `text` where `value` stands.
  void replace_string(Value value, std::string_view text);
  void replace_integer(Value value, int64_t number);

  /// Takes a member out of its object, or an element out of its array, with one comma.
  void remove(Value container, Value child);
  /// Takes the member `name` out of `object`; false: there is none.
  bool remove_member(Value object, std::string_view name);
  /// Adds a member after the last one of `object`; `name` is plain text, `json` one valid JSON value, both copied.
  void insert_member(Value object, std::string_view name, std::string_view json);
  /// Adds an element after the last one of `array`.
  void append_element(Value array, std::string_view json);

  bool empty() const { return edits_.empty(); }
  /// The edited text in order; valid until the next call of a changing function. Never an empty piece.
  /// Errors: kInternal when edits lie inside each other.
  Result<std::span<const std::string_view>> pieces();
  /// Sum of the sizes of the pieces, bytes, as of the last `pieces()`.
  size_t size() const { return size_; }
  /// The edited text appended to `out`. Errors: as `pieces`.
  Result<void> append_to(std::string& out);

 private:
  enum class Action : uint8_t { kReplace, kRemove, kInsert };
  struct Edit {
    uint32_t container = 0;  // node; kRemove and kInsert
    uint32_t child = 0;      // node; kRemove, kReplace
    Action action = Action::kReplace;
    std::string_view outside = {};  // text that is not in arena_
    size_t text_begin = 0;     // in arena_
    size_t text_end = 0;
    uint32_t order = 0;
  };
  struct Cut {
    size_t begin = 0;  // bytes of the source that go
    size_t end = 0;
    uint32_t order = 0;
    std::string_view before = {};  // a comma, or nothing
    std::string_view text = {};    // what comes instead
  };
  void add_text_edit(Edit edit, size_t text_begin);
  void collect_cuts();
  void cut_container(std::span<const Edit> edits);
  std::string_view text_of(const Edit& edit) const;

  const Document* document_ = nullptr;
  std::vector<Edit> edits_;
  std::vector<Cut> cuts_;
  std::vector<std::string_view> pieces_;
  std::string arena_;
  size_t size_ = 0;
};

}  // namespace wye::json
