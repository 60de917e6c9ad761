#include "identity/issuer/token_maker.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/json/writer.hpp"

namespace wye::issuer {
namespace {

constexpr size_t kTokenIdBytes = 16;

struct Times {
  int64_t issued = 0;
  int64_t expires = 0;
};

Times times_of(const TokenWish& wish, WallTime now) {
  const int64_t lifetime = (wish.cae ? kCaeLifetime : kTokenLifetime).count();
  if (!wish.expired) return {now.seconds(), now.seconds() + lifetime};
  const int64_t end = now.seconds() - kExpiredSince.count();
  return {end - lifetime, end};
}

void write_groups(json::Writer& writer, const TokenWish& wish, std::string_view authority) {
  const User& user = *wish.user;
  if (wish.overage) {
    // Where the list would be; nobody may fetch it for us, so nothing answers there.
    const std::string endpoint = std::string(authority) + "/" + std::string(kTenantId) + "/users/" + user.oid + "/getMemberObjects";
    writer.begin_object("_claim_names").string("groups", "src1").end_object();
    writer.begin_object("_claim_sources").begin_object("src1").string("endpoint", endpoint).end_object().end_object();
    return;
  }
  if (user.groups.empty()) return;
  writer.begin_array("groups");
  for (const std::string& group : user.groups) writer.string(group);
  writer.end_array();
}

void write_roles(json::Writer& writer, std::span<const std::string> roles) {
  if (roles.empty()) return;
  writer.begin_array("roles");
  for (const std::string& role : roles) writer.string(role);
  writer.end_array();
}

void write_person(json::Writer& writer, const User& user, bool v1) {
  writer.string("name", user.name);
  if (v1) writer.string("unique_name", user.login).string("upn", user.login);
  else writer.string("preferred_username", user.login);
}

Result<std::string> sign(const SigningKeys& keys, bool v1, std::string_view payload) {
  const std::string kid = keys.kid();
  std::string members = R"("typ":"JWT","kid":")" + kid + '"';
  if (v1) members += R"(,"x5t":")" + kid + '"';
  return crypto::sign_jws(keys.current(), crypto::SignatureAlgorithm::kRs256, members, payload);
}

}  // namespace

std::string issuer_v1(std::string_view authority) { return std::string(authority) + "/" + std::string(kTenantId) + "/"; }
std::string issuer_v2(std::string_view authority) { return issuer_v1(authority) + "v2.0"; }

std::string pairwise_subject(std::string_view oid, std::string_view client) {
  const std::string both = std::string(oid) + "/" + std::string(client);
  return crypto::to_base64url(crypto::as_text(crypto::sha256(both)));
}

Result<MadeToken> make_access_token(const SigningKeys& keys, std::string_view authority, const TokenWish& wish, WallTime now) {
  const Times times = times_of(wish, now);
  const std::string_view oid = wish.user != nullptr ? std::string_view(wish.user->oid) : kAppObjectId;
  const std::string_view audience = wish.wrong_audience ? kForeignAudience : wish.v1 ? kApiUri : kApiId;
  const std::string proof(1, static_cast<char>('0' + static_cast<int>(wish.proof)));
  std::string payload;
  json::Writer writer(payload);
  writer.begin_object().string("aud", audience).string("iss", wish.v1 ? issuer_v1(authority) : issuer_v2(authority));
  writer.integer("iat", times.issued).integer("nbf", times.issued).integer("exp", times.expires);
  writer.string(wish.v1 ? "appid" : "azp", wish.client).string(wish.v1 ? "appidacr" : "azpacr", proof);
  writer.string("oid", oid).string("tid", kTenantId);
  if (wish.user != nullptr) {
    write_person(writer, *wish.user, wish.v1);
    write_groups(writer, wish, authority);
    write_roles(writer, wish.user->roles);
    writer.string("scp", kUserScope).string("sub", pairwise_subject(oid, kApiId));
  } else {
    writer.string("idtyp", "app");
    write_roles(writer, std::array{std::string(kCallerRole)});
    writer.string("sub", oid);
  }
  if (wish.cae) writer.begin_array("xms_cc").string("cp1").end_array();
  writer.string("uti", crypto::to_base64url(crypto::random_bytes(kTokenIdBytes))).string("ver", wish.v1 ? "1.0" : "2.0").end_object();
  TRY(std::string text, sign(keys, wish.v1, payload));
  return MadeToken{std::move(text), std::chrono::seconds(times.expires - now.seconds())};
}

Result<std::string> make_id_token(const SigningKeys& keys, std::string_view authority, const User& user, std::string_view client,
                                  std::string_view nonce, WallTime now) {
  const Times times = times_of({}, now);
  std::string payload;
  json::Writer writer(payload);
  writer.begin_object().string("aud", client).string("iss", issuer_v2(authority));
  writer.integer("iat", times.issued).integer("nbf", times.issued).integer("exp", times.expires);
  if (!nonce.empty()) writer.string("nonce", nonce);
  writer.string("oid", user.oid).string("tid", kTenantId).string("sub", pairwise_subject(user.oid, client));
  write_person(writer, user, false);
  writer.string("ver", "2.0").end_object();
  return sign(keys, false, payload);
}

}  // namespace wye::issuer
