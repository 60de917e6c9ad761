// For tests only: keys that live in memory, ready to be checked. Rooms that may not see a store get their keys here.
#pragma once

#include "foundation/store/memory_table.hpp"
#include "identity/token/key_index.hpp"

namespace wye::token {

class TestKeys {
 public:
  /// Makes a key and takes it into the index. Empty where the terms break a rule.
  std::string create(const NewKey& wanted, WallTime now) {
    Result<IssuedKey> key = store_.create(wanted, now);
    if (!key || !index_.refresh()) return {};
    ids_.emplace_back(key->record.id.text());
    return std::string(key->text.reveal());
  }
  const KeyIndex& index() const { return index_; }
  /// Of every key made, in order.
  const std::vector<std::string>& ids() const { return ids_; }

 private:
  store::MemoryTable table_;
  Peppers peppers_{Pepper::from_bytes(std::string(kPepperBytes, 'p'))};
  KeyStore store_{table_, peppers_};
  KeyIndex index_{table_, peppers_};
  std::vector<std::string> ids_;
};

}  // namespace wye::token
