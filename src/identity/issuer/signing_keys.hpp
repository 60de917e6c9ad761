// The two keys of the laptop issuer: one signs, the next one is published ahead, so that verifiers know it before it is used.
// Sources: RFC 7517 (key set), RFC 7638 (kid: the thumbprint).
// Threads: immutable; shared.
#pragma once

#include "foundation/crypto/private_key.hpp"

namespace wye::issuer {

inline constexpr uint32_t kSigningKeyBits = 2'048;

class SigningKeys {
 public:
  /// Two new keys. Takes a part of a second; off the loop. Errors: kInternal.
  static Result<SigningKeys> generate();
  /// What `to_text` wrote. Errors: kCorrupt.
  static Result<SigningKeys> parse(const Secret& text);
  Secret to_text() const;

  /// The next key signs from now on, a new one is published ahead, the old one is gone: what it has signed is worth nothing once
  /// verifiers have read the set again. Errors: kInternal.
  Result<SigningKeys> rotated() const;

  const crypto::PrivateKey& current() const { return current_; }
  std::string kid() const { return kid_of(current_); }
  /// RFC 7517 §5, both keys; `issuer` is the member of Microsoft's sets that says for whom a key signs; empty: none.
  std::string key_set(std::string_view issuer) const;

  static std::string kid_of(const crypto::PrivateKey& key);

 private:
  SigningKeys(crypto::PrivateKey current, crypto::PrivateKey next) : current_(std::move(current)), next_(std::move(next)) {}
  crypto::PrivateKey current_;
  crypto::PrivateKey next_;
};

}  // namespace wye::issuer
