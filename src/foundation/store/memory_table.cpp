#include "foundation/store/memory_table.hpp"

#include "foundation/store/table_limits.hpp"

namespace wye::store {

const MemoryTable::Cell* MemoryTable::find(const Key& key) const {
  const auto found = cells_.find(key);
  return found == cells_.end() ? nullptr : &found->second;
}

Result<std::optional<Record>> MemoryTable::get(std::string_view collection, std::string_view key) {
  CHECK_OK(check_name(collection, key));
  const std::lock_guard lock(mutex_);
  const Cell* cell = find({std::string(collection), std::string(key)});
  if (cell == nullptr || !cell->value) return std::optional<Record>();
  return std::optional(Record{std::string(key), *cell->value, cell->version});
}

Result<Page> MemoryTable::list(std::string_view collection, const ListFrom& from) {
  CHECK_OK(check_list(collection, from));
  const std::lock_guard lock(mutex_);
  Page page;
  const std::string name(collection);
  auto at = from.after >= from.prefix && !from.after.empty() ? cells_.upper_bound({name, from.after}) : cells_.lower_bound({name, from.prefix});
  for (; at != cells_.end() && at->first.first == name && at->first.second.starts_with(from.prefix); ++at) {
    if (!at->second.value) continue;
    if (page.records.size() == from.limit) {
      page.more = true;
      break;
    }
    page.records.push_back({at->first.second, *at->second.value, at->second.version});
  }
  return page;
}

Result<Written> MemoryTable::write(std::span<const Write> batch) {
  CHECK_OK(check_batch(batch));
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < batch.size(); ++i) {
    const Cell* cell = find({batch[i].collection, batch[i].key});
    const bool present = cell != nullptr && cell->value;
    const Expect& expect = batch[i].expect;
    const bool holds = expect.kind == Expect::Kind::kAnything || (expect.kind == Expect::Kind::kAbsent && !present) ||
                       (expect.kind == Expect::Kind::kVersion && present && cell->version == expect.version);
    if (!holds) return Written{.applied = false, .sequence = 0, .refused = i};
  }
  for (const Write& write : batch) {
    const Key key{write.collection, write.key};
    Cell& cell = cells_[key];
    by_version_.erase(cell.version);
    erased_.erase(cell.version);
    cell.value = write.value;
    cell.version = ++sequence_;
    by_version_[cell.version] = key;
    if (!cell.value) erased_.insert(cell.version);
  }
  forget_old_erasures();
  return Written{.applied = true, .sequence = sequence_, .refused = 0};
}

void MemoryTable::forget_old_erasures() {
  while (erased_.size() > tuning_.erased_kept) {
    const uint64_t oldest = *erased_.begin();
    erased_.erase(erased_.begin());
    const auto at = by_version_.find(oldest);
    cells_.erase(at->second);
    by_version_.erase(at);
    forgotten_ = oldest;
  }
}

Result<uint64_t> MemoryTable::sequence() {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

Result<Changes> MemoryTable::changes(std::string_view collection, uint64_t since, uint32_t limit) {
  CHECK_OK(check_changes(collection, limit));
  const std::lock_guard lock(mutex_);
  Changes found;
  found.next = sequence_;
  if (since < forgotten_ || since > sequence_) {
    found.reload = true;
    return found;
  }
  for (auto at = by_version_.upper_bound(since); at != by_version_.end(); ++at) {
    if (at->second.first != collection) continue;
    if (found.changes.size() == limit) {
      found.more = true;
      found.next = found.changes.back().version;
      break;
    }
    found.changes.push_back({at->second.second, cells_.at(at->second).value, at->first});
  }
  return found;
}

}  // namespace wye::store
