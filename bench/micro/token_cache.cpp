// A token that was verified before, beside a bare SHA-256 of the same bytes; and junk that the reader refuses without a signature.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "foundation/base/test_folder.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/private_key.hpp"
#include "foundation/net/sim_loop.hpp"
#include "identity/token/token_reader.hpp"
#include "measure.hpp"

namespace wye::bench::micro {
namespace {

constexpr size_t kTokenChars = 1'300;
constexpr size_t kDistinct = 4'096;

/// A reader whose keys come from a bundle file, so that no network is needed.
struct Rig {
  TestFolder folder;
  net::SimLoop loop{1};
  net::TableResolver resolver;
  SeededRandom random{1};
  MemoryLogSink sink;
  Log log{sink, loop.clock()};
  token::KeySets sets{{loop, resolver, loop.clock(), random, log}};
  token::TokenReader reader{loop, sets, loop.clock(), size_t{1} << 20};
  crypto::PrivateKey key = *crypto::PrivateKey::generate_rsa(2'048);

  Rig() {
    std::string jwk(key.public_key().jwk());
    jwk.insert(jwk.size() - 1, R"(,"kid":"bench","use":"jwt-svid")");
    const std::filesystem::path file = folder / "bundle.json";
    std::ofstream(file) << "{\"keys\":[" << jwk << "]}";
    config::Issuer issuer;
    issuer.type = config::IssuerType::kSpiffe;
    issuer.spiffe.emplace();
    issuer.spiffe->trust_domains = {"bench.example"};
    issuer.spiffe->bundle_file = {file.string(), file.string()};
    issuer.audiences = {"wye"};
    const auto rules = *token::make_issuer_rules("bench", issuer);
    sets.take(rules->sources);
    sets.refresh_files();
    reader.take({rules});
  }
  WallTime now() const { return loop.clock().wall(); }
  std::string sign(std::string_view audience, const std::string& padding) const {
    const std::string claims = R"({"sub":"spiffe://bench.example/caller","aud":")" + std::string(audience) + R"(","exp":)" +
                               std::to_string(now().seconds() + 3'600) + R"(,"pad":")" + padding + "\"}";
    return *crypto::sign_jws(key, crypto::SignatureAlgorithm::kRs256, R"("kid":"bench","typ":"JWT")", claims);
  }
  std::string token_of_size(std::string_view audience) const {
    return sign(audience, std::string((kTokenChars - sign(audience, "").size()) / 4 * 3, 'x'));
  }
  bool believes(std::string_view token) {
    const auto found = reader.try_verify(token, now());
    keep(found);
    return found && found->has_value();
  }
};

}  // namespace

std::string token_cache(const Effort& effort) {
  Rig rig;
  const std::string good = rig.token_of_size("wye");
  if (!rig.believes(good)) std::abort();
  // Right in all but one claim; each another text.
  std::vector<std::string> junk;
  const std::string other = rig.token_of_size("other");
  for (size_t i = 0; i < kDistinct; ++i) {
    std::string text = other;
    const std::string mark = crypto::to_hex(crypto::as_text(crypto::sha256(std::to_string(i)))).substr(0, 16);
    text.replace(text.rfind('.') + 5, mark.size(), mark);
    junk.push_back(std::move(text));
  }
  size_t next = 0;
  const std::vector<Timing> timings = compare({{"token_cached", [&] { return rig.believes(good); }},
                                               {"token_bare_sha256",
                                                [&] {
                                                  keep(crypto::sha256(good));
                                                  return true;
                                                }},
                                               {"token_junk_other_audience", [&] { return !rig.believes(junk[next++ % junk.size()]); }}},
                                              effort.rounds, effort.batch_ms);
  std::string out;
  for (const Timing& one : timings) (out += out.empty() ? "" : ",") += to_json(one);
  return out + ",\"cached_token_chars\":" + std::to_string(good.size());
}

}  // namespace wye::bench::micro
