#include "foundation/json/patch.hpp"

#include "foundation/base/json_line.hpp"

#include <cassert>

namespace wye::json {

void Patch::start(const Document& document) {
  document_ = &document;
  edits_.clear();
  cuts_.clear();
  pieces_.clear();
  arena_.clear();
  size_ = 0;
}

void Patch::add_text_edit(Edit edit, size_t text_begin) {
  edit.text_begin = text_begin;
  edit.text_end = arena_.size();
  edit.order = static_cast<uint32_t>(edits_.size());
  edits_.push_back(edit);
}

void Patch::replace(Value value, std::string_view json) {
  const size_t begin = arena_.size();
  arena_.append(json);
  add_text_edit({.child = value.index_, .action = Action::kReplace}, begin);
}

void Patch::replace_view(Value value, std::string_view json) {
  add_text_edit({.child = value.index_, .action = Action::kReplace, .outside = json}, arena_.size());
}

void Patch::replace_string(Value value, std::string_view text) {
  const size_t begin = arena_.size();
  append_json_string(arena_, text);
  add_text_edit({.child = value.index_, .action = Action::kReplace}, begin);
}

void Patch::replace_integer(Value value, int64_t number) {
  char digits[24];
  const auto [end, code] = std::to_chars(digits, digits + sizeof digits, number);
  replace(value, std::string_view(digits, end));
}

void Patch::remove(Value container, Value child) {
  add_text_edit({.container = container.index_, .child = child.index_, .action = Action::kRemove}, arena_.size());
}

bool Patch::remove_member(Value object, std::string_view name) {
  const std::optional<Value> child = object.find(name);
  if (child) remove(object, *child);
  return child.has_value();
}

void Patch::insert_member(Value object, std::string_view name, std::string_view json) {
  assert(object.is_object());
  const size_t begin = arena_.size();
  append_json_string(arena_, name);
  arena_ += ':';
  arena_.append(json);
  add_text_edit({.container = object.index_, .action = Action::kInsert}, begin);
}

void Patch::append_element(Value array, std::string_view json) {
  assert(array.is_array());
  const size_t begin = arena_.size();
  arena_.append(json);
  add_text_edit({.container = array.index_, .action = Action::kInsert}, begin);
}

std::string_view Patch::text_of(const Edit& edit) const {
  if (!edit.outside.empty()) return edit.outside;
  return std::string_view(arena_).substr(edit.text_begin, edit.text_end - edit.text_begin);
}

/// All removals and insertions of one container, removals first, in the order of its children. The comma that goes with a
/// removed child is the one before it if a child stays in front of it, else the one behind it: so cuts never meet.
void Patch::cut_container(std::span<const Edit> edits) {
  const Node* const nodes = document_->nodes_.data();
  const Node& container = nodes[edits.front().container];
  const auto start_of = [](const Node& node) { return node.has_key ? node.key_begin : node.begin; };
  size_t next_edit = 0;
  size_t last_end = container.begin + 1;
  bool survivor = false;
  uint32_t child = edits.front().container + 1;
  for (uint32_t left = container.count; left != 0; --left, child = nodes[child].next) {
    const Node& node = nodes[child];
    bool removed = false;
    while (next_edit < edits.size() && edits[next_edit].action == Action::kRemove && edits[next_edit].child == child) {
      removed = true;
      ++next_edit;
    }
    if (removed && survivor) {
      cuts_.push_back({.begin = last_end, .end = node.end});
    } else if (removed) {
      cuts_.push_back({.begin = start_of(node), .end = left > 1 ? start_of(nodes[node.next]) : node.end});
    }
    survivor |= !removed;
    last_end = node.end;
  }
  for (; next_edit < edits.size(); ++next_edit) {
    const Edit& edit = edits[next_edit];
    assert(edit.action == Action::kInsert && "a removed child must belong to its container");
    if (edit.action != Action::kInsert) continue;
    cuts_.push_back({.begin = last_end, .end = last_end, .order = edit.order, .before = survivor ? "," : "", .text = text_of(edit)});
    survivor = true;
  }
}

void Patch::collect_cuts() {
  const Node* const nodes = document_->nodes_.data();
  // Replacements come first, then one run for each container.
  std::sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) {
    const bool a_inside = a.action != Action::kReplace;
    const bool b_inside = b.action != Action::kReplace;
    return std::tie(a_inside, a.container, a.action, a.child, a.order) < std::tie(b_inside, b.container, b.action, b.child, b.order);
  });
  for (size_t i = 0; i < edits_.size();) {
    const Edit& edit = edits_[i];
    if (edit.action == Action::kReplace) {
      const Node& node = nodes[edit.child];
      cuts_.push_back({.begin = node.begin, .end = node.end, .text = text_of(edit)});
      ++i;
      continue;
    }
    size_t stop = i;
    while (stop < edits_.size() && edits_[stop].container == edit.container) ++stop;
    cut_container(std::span(edits_).subspan(i, stop - i));
    i = stop;
  }
  std::sort(cuts_.begin(), cuts_.end(),
            [](const Cut& a, const Cut& b) { return std::tie(a.begin, a.end, a.order) < std::tie(b.begin, b.end, b.order); });
}

Result<std::span<const std::string_view>> Patch::pieces() {
  assert(document_ != nullptr && "start was not called");
  cuts_.clear();
  pieces_.clear();
  size_ = 0;
  collect_cuts();
  const auto add = [this](std::string_view piece) {
    if (piece.empty()) return;
    pieces_.push_back(piece);
    size_ += piece.size();
  };
  const std::string_view source = document_->source_;
  size_t at = 0;
  for (const Cut& cut : cuts_) {
    if (cut.begin < at) return Fail(internal_error(ErrorCode::kInternal, "edits of a JSON text lie inside each other"));
    add(source.substr(at, cut.begin - at));
    add(cut.before);
    add(cut.text);
    at = cut.end;
  }
  add(source.substr(at));
  return std::span<const std::string_view>(pieces_);
}

Result<void> Patch::append_to(std::string& out) {
  TRY(const auto list, pieces());
  out.reserve(out.size() + size_);
  for (const std::string_view piece : list) out.append(piece);
  return {};
}

}  // namespace wye::json
