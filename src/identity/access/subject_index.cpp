#include "identity/access/subject_index.hpp"

namespace wye::access {

void SubjectIndex::add(const config::Subject& subject, Entry entry) {
  const Form form = subject.form();
  if (form == Form::kMembers) return;
  std::string_view text = subject.text();
  const std::string_view issuer = subject.issuer;
  const bool open = text.ends_with('*');
  if (open) text.remove_suffix(1);
  (open ? pattern_build_ : exact_build_)[{form, issuer, text}].push_back(entry);
  if (form == Form::kGroup) group_build_[issuer].push_back(entry);
}

SubjectIndex::Table SubjectIndex::make_table(const std::map<std::tuple<Form, std::string_view, std::string_view>, std::vector<Entry>>& from,
                                             std::vector<Entry>& entries) {
  Table out;
  if (from.empty()) return out;
  out.slots.resize(std::bit_ceil(from.size() * 2));
  out.hashes.resize(out.slots.size());
  for (const auto& [name, list] : from) {
    const Key key{std::get<0>(name), std::get<1>(name), std::get<2>(name)};
    std::vector<Entry> sorted = list;
    std::ranges::sort(sorted);
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    const uint64_t hash = hash_of(key);
    size_t at = hash & (out.slots.size() - 1);
    while (out.hashes[at] != 0) at = (at + 1) & (out.slots.size() - 1);
    out.hashes[at] = hash;
    out.slots[at] = {key, static_cast<uint32_t>(entries.size()), static_cast<uint32_t>(sorted.size())};
    entries.insert(entries.end(), sorted.begin(), sorted.end());
  }
  return out;
}

void SubjectIndex::seal() {
  exact_ = make_table(exact_build_, entries_);
  patterns_ = make_table(pattern_build_, entries_);
  for (const auto& [name, list] : pattern_build_) {
    const auto& [form, issuer, text] = name;
    auto it = std::ranges::find_if(lengths_, [&](const Lengths& l) { return l.form == form && l.issuer == issuer; });
    if (it == lengths_.end()) it = lengths_.insert(lengths_.end(), Lengths{form, issuer, {}});
    it->lengths.push_back(static_cast<uint16_t>(text.size()));
  }
  for (Lengths& known : lengths_) {
    std::ranges::sort(known.lengths);
    known.lengths.erase(std::unique(known.lengths.begin(), known.lengths.end()), known.lengths.end());
  }
  for (auto& [issuer, list] : group_build_) {
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  by_group_issuer_ = std::move(group_build_);
  exact_build_.clear();
  pattern_build_.clear();
}

}  // namespace wye::access
