// Verification of a token whose signature nobody has seen, beside OpenSSL's bare EVP_DigestVerify over the same signing input; and
// junk that is refused.
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <memory>

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "identity/token/jws.hpp"
#include "measure.hpp"

namespace wye::bench::micro {
namespace {

constexpr size_t kTokenChars = 1'300;  // what Microsoft Entra sends for an app with a few roles
constexpr size_t kDistinct = 4'096;
const token::JwsRules kRules = {.algorithms = {crypto::SignatureAlgorithm::kRs256}};

struct Rig {
  crypto::PrivateKey key = *crypto::PrivateKey::generate_rsa(2'048);
  std::shared_ptr<const token::KeySet> keys;
  std::string good;

  Rig() {
    std::string jwk(key.public_key().jwk());
    jwk.insert(jwk.size() - 1, R"(,"kid":"bench","use":"sig")");
    keys = token::KeySet::parse("{\"keys\":[" + jwk + "]}", {})->keys;
    std::string payload = R"({"iss":"https://login.example/11111111-2222-3333-4444-555555555555/v2.0","aud":"wye","exp":1760000000,"pad":")";
    const size_t fixed = crypto::sign_jws(key, crypto::SignatureAlgorithm::kRs256, R"("kid":"bench","typ":"JWT")", payload + "\"}")->size();
    payload += std::string((kTokenChars - fixed) / 4 * 3, 'x') + "\"}";
    good = *crypto::sign_jws(key, crypto::SignatureAlgorithm::kRs256, R"("kid":"bench","typ":"JWT")", payload);
  }
};

/// OpenSSL's own way, with nothing around it: the key is ready, each verification initialises its context.
class Bare {
 public:
  explicit Bare(const Rig& rig) {
    const std::string der = rig.key.public_key().spki_der();
    const auto* next = reinterpret_cast<const unsigned char*>(der.data());
    key_.reset(d2i_PUBKEY(nullptr, &next, static_cast<long>(der.size())));
    context_.reset(EVP_MD_CTX_new());
    ready_.reset(EVP_MD_CTX_new());
    EVP_DigestVerifyInit(ready_.get(), nullptr, EVP_sha256(), nullptr, key_.get());
    const size_t dot = rig.good.rfind('.');
    input_ = rig.good.substr(0, dot);
    signature_ = *crypto::from_base64url(rig.good.substr(dot + 1));
  }
  bool with_init() { return EVP_DigestVerifyInit(context_.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 && verify(); }
  /// The context is a copy of one that was initialised before: no algorithm is fetched.
  bool with_copy() { return EVP_MD_CTX_copy_ex(context_.get(), ready_.get()) == 1 && verify(); }

 private:
  bool verify() {
    const int good = EVP_DigestVerify(context_.get(), reinterpret_cast<const unsigned char*>(signature_.data()), signature_.size(),
                                      reinterpret_cast<const unsigned char*>(input_.data()), input_.size());
    EVP_MD_CTX_reset(context_.get());
    return good == 1;
  }
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<EVP_MD_CTX, Free> context_, ready_;
  std::string input_, signature_;
};

bool verifies(token::JwsReader& reader, const Rig& rig, std::string_view compact) {
  const auto jws = reader.read(compact, kRules);
  const auto payload = jws ? token::verify_jws(*jws, *rig.keys, kRules) : Result<token::VerifiedPayload>(Fail(jws.error()));
  keep(payload);
  return payload.has_value();
}

/// Distinct tokens of 1.3 KB, each refused. `text` is what a random number makes of itself.
std::vector<std::string> junk(const std::function<std::string(size_t number)>& text) {
  std::vector<std::string> all;
  for (size_t i = 0; i < kDistinct; ++i) all.push_back(text(i));
  return all;
}

Contender refusing(std::string name, token::JwsReader& reader, const Rig& rig, const std::vector<std::string>& tokens) {
  return {std::move(name), [&reader, &rig, &tokens, next = size_t{0}]() mutable { return !verifies(reader, rig, tokens[next++ % tokens.size()]); }};
}

}  // namespace

std::string jws_verification(const Effort& effort) {
  const Rig rig;
  Bare bare(rig);
  token::JwsReader reader;
  const size_t second = rig.good.rfind('.');
  const std::string claims = rig.good.substr(rig.good.find('.'), second - rig.good.find('.'));
  // Characters of a token without any sense; a header that names a key nobody has; the right header with a signature of its own.
  const auto noise = junk([](size_t number) {
    std::string text = crypto::to_hex(crypto::as_text(crypto::sha256(std::to_string(number))));
    while (text.size() < kTokenChars) text += text;
    text.resize(kTokenChars);
    text[400] = text[800] = '.';
    return text;
  });
  const auto strangers = junk([&](size_t number) {
    const std::string header = R"({"alg":"RS256","kid":"stranger )" + std::to_string(number) + R"(","typ":"JWT"})";
    return crypto::to_base64url(header) + claims + rig.good.substr(second);
  });
  const auto forgeries = junk([&](size_t number) {
    std::string signature;
    for (size_t i = 0; i < 8; ++i) signature += crypto::as_text(crypto::sha256(std::to_string(number * 8 + i)));
    signature[0] = static_cast<char>(signature[0] & 0x7F);
    return rig.good.substr(0, second + 1) + crypto::to_base64url(signature);
  });
  const std::vector<Timing> timings = compare({{"rs256_cold", [&] { return verifies(reader, rig, rig.good); }},
                                               {"rs256_bare_evp_digest_verify", [&] { return bare.with_init(); }},
                                               {"rs256_bare_evp_digest_verify_copied_context", [&] { return bare.with_copy(); }},
                                               refusing("junk_noise", reader, rig, noise),
                                               refusing("junk_unknown_kid", reader, rig, strangers),
                                               refusing("junk_forged_signature", reader, rig, forgeries)},
                                              effort.rounds, effort.batch_ms);
  std::string out;
  for (const Timing& one : timings) (out += out.empty() ? "" : ",") += to_json(one);
  return out + ",\"token_chars\":" + std::to_string(rig.good.size());
}

}  // namespace wye::bench::micro
