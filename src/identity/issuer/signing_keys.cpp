#include "identity/issuer/signing_keys.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/json/writer.hpp"

namespace wye::issuer {

Result<SigningKeys> SigningKeys::generate() {
  TRY(crypto::PrivateKey current, crypto::PrivateKey::generate_rsa(kSigningKeyBits));
  TRY(crypto::PrivateKey next, crypto::PrivateKey::generate_rsa(kSigningKeyBits));
  return SigningKeys(std::move(current), std::move(next));
}

Result<SigningKeys> SigningKeys::parse(const Secret& text) {
  constexpr std::string_view kEnd = "-----END PRIVATE KEY-----\n";
  const std::string_view both = text.reveal();
  const size_t end = both.find(kEnd);
  if (end == std::string_view::npos) return Fail(internal_error(ErrorCode::kCorrupt, "the signing keys are not two private keys"));
  const size_t border = end + kEnd.size();
  TRY(crypto::PrivateKey current, crypto::PrivateKey::from_pem(Secret(std::string(both.substr(0, border)))));
  TRY(crypto::PrivateKey next, crypto::PrivateKey::from_pem(Secret(std::string(both.substr(border)))));
  if (current.public_key().kind() != crypto::KeyKind::kRsa || next.public_key().kind() != crypto::KeyKind::kRsa)
    return Fail(internal_error(ErrorCode::kCorrupt, "the signing keys are not RSA keys"));
  return SigningKeys(std::move(current), std::move(next));
}

Secret SigningKeys::to_text() const {
  const Secret first = current_.to_pem();
  const Secret second = next_.to_pem();
  std::string both;
  both.reserve(first.reveal().size() + second.reveal().size());
  both += first.reveal();
  both += second.reveal();
  return Secret(std::move(both));
}

Result<SigningKeys> SigningKeys::rotated() const {
  TRY(crypto::PrivateKey fresh, crypto::PrivateKey::generate_rsa(kSigningKeyBits));
  return SigningKeys(next_, std::move(fresh));
}

std::string SigningKeys::kid_of(const crypto::PrivateKey& key) { return crypto::to_base64url(crypto::as_text(key.public_key().thumbprint())); }

std::string SigningKeys::key_set(std::string_view issuer) const {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().begin_array("keys");
  for (const crypto::PrivateKey* key : {&current_, &next_}) {
    const std::string members(key->public_key().jwk());  // {"e":…,"kty":"RSA","n":…}
    std::string one = members.substr(0, members.size() - 1);
    std::string more;
    json::Writer more_writer(more);
    more_writer.begin_object().string("kid", kid_of(*key)).string("use", "sig").string("alg", "RS256");
    if (!issuer.empty()) more_writer.string("issuer", issuer);
    more_writer.end_object();
    one += "," + more.substr(1);
    writer.raw(one);
  }
  writer.end_array().end_object();
  return out;
}

}  // namespace wye::issuer
