#include "foundation/store/table.hpp"

#include "foundation/store/table_limits.hpp"

namespace wye::store {
namespace {

Fail refuse(std::string_view what) { return Fail(internal_error(ErrorCode::kInvalidRequest, "store: " + std::string(what))); }

Write one(std::string_view collection, std::string_view key, std::optional<std::string_view> value, Expect expect) {
  Write write{.collection = std::string(collection), .key = std::string(key), .value = std::nullopt, .expect = expect};
  if (value) write.value.emplace(*value);
  return write;
}

}  // namespace

Result<> check_collection(std::string_view collection) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; };
  if (collection.empty() || collection.size() > kCollectionBytesMax || !std::ranges::all_of(collection, allowed)) {
    return refuse("a collection is named by 1-64 characters of [a-z0-9._-]");
  }
  return {};
}

Result<> check_name(std::string_view collection, std::string_view key) {
  CHECK_OK(check_collection(collection));
  if (key.empty() || key.size() > kKeyBytesMax) return refuse("a key has 1-512 bytes");
  return {};
}

Result<> check_list(std::string_view collection, const ListFrom& from) {
  CHECK_OK(check_collection(collection));
  if (from.limit == 0 || from.limit > kPageMax) return refuse("a page has 1-1000 records");
  if (from.prefix.size() > kKeyBytesMax || from.after.size() > kKeyBytesMax) return refuse("a key has 1-512 bytes");
  return {};
}

Result<> check_changes(std::string_view collection, uint32_t limit) {
  CHECK_OK(check_collection(collection));
  if (limit == 0 || limit > kPageMax) return refuse("a page has 1-1000 records");
  return {};
}

Result<> check_batch(std::span<const Write> batch) {
  if (batch.empty() || batch.size() > kBatchWritesMax) return refuse("a batch has 1-1000 writes");
  size_t bytes = 0;
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const Write& write : batch) {
    CHECK_OK(check_name(write.collection, write.key));
    if (!names.emplace(write.collection, write.key).second) return refuse("a batch names each record once");
    const size_t size = write.value ? write.value->size() : 0;
    if (size > kValueBytesMax) return refuse("a value has at most 4 MiB");
    bytes += write.key.size() + size;
  }
  if (bytes > kBatchBytesMax) return refuse("a batch has at most 16 MiB");
  return {};
}

std::optional<std::string> prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<uint8_t>(end.back()) == 0xFF) end.pop_back();
  if (end.empty()) return std::nullopt;
  end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

Result<Written> Table::put(std::string_view collection, std::string_view key, std::string_view value) {
  const Write write = one(collection, key, value, Expect::anything());
  return this->write({&write, 1});
}

Result<Written> Table::put_if_absent(std::string_view collection, std::string_view key, std::string_view value) {
  const Write write = one(collection, key, value, Expect::absent());
  return this->write({&write, 1});
}

Result<Written> Table::put_if_version(std::string_view collection, std::string_view key, std::string_view value, uint64_t version) {
  const Write write = one(collection, key, value, Expect::at(version));
  return this->write({&write, 1});
}

Result<Written> Table::erase(std::string_view collection, std::string_view key) {
  const Write write = one(collection, key, std::nullopt, Expect::anything());
  return this->write({&write, 1});
}

}  // namespace wye::store
