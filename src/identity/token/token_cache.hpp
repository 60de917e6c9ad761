// Believed tokens of one worker, bounded in bytes, the ones not used for long go first (second chance). Private to this room.
// Threads: one owner.
#pragma once

#include <list>

#include "foundation/crypto/digest.hpp"
#include "identity/token/principal_issuer.hpp"
#include "identity/token/token_reader.hpp"

namespace wye::token {

struct TokenReader::Entry {
  crypto::Digest digest{};  // SHA-256 of the whole token
  Principal principal;
  Confirmation confirmation{};
  WallTime until{};
  uint64_t epoch = 0;       // of the configuration that believed it
  uint64_t version = 0;     // of the keys that verified it
  size_t slot = 0;          // which keys
  size_t bytes = 0;
  bool touched = false;
  uint64_t refs = 0;
};

struct TokenReader::Cache {
  struct DigestHash {
    size_t operator()(const crypto::Digest& digest) const {
      size_t word;
      std::memcpy(&word, digest.data(), sizeof word);
      return word;
    }
  };
  /// Beside an Entry: the nodes of list and index.
  static constexpr size_t kOverheadBytes = 96;

  explicit Cache(size_t limit) : bytes_max(limit) {}

  Entry* find(const crypto::Digest& digest) {
    const auto found = index.find(digest);
    return found == index.end() ? nullptr : &*found->second;
  }
  /// Takes the entry's place from an older one with the same digest. The entry stays at least until its refs are gone.
  Entry& add(Entry entry);
  /// Who uses it keeps it; it is found no more.
  void retire(std::list<Entry>::iterator at);
  bool used() const;

  std::list<Entry> entries;  // the newest in front
  std::list<Entry> retired;  // gone from the index, but a request still refers to them
  std::unordered_map<crypto::Digest, std::list<Entry>::iterator, DigestHash> index;
  size_t bytes = 0;
  size_t bytes_max;
};

/// What a Principal holds, roughly.
size_t bytes_of(const PrincipalFields& fields);

}  // namespace wye::token
