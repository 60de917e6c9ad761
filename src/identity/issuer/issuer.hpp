// The issuer that `wye up` runs on a laptop: Microsoft Entra's endpoints, on loopback, for one tenant.
// Sources: RFC 6749, RFC 7636 (PKCE), RFC 7523 (client assertions), RFC 8252 (native apps), RFC 8628 (devices), OpenID Connect Core.
//
// Who gets a token: whoever can read the data folder's secrets, and nobody else. There is no password.
//   * the owner's key (`secrets/laptop-owner.key`) lets `wye token` ask for any token, and stands on the pages where a person signs in;
//   * the application's key (`secrets/laptop-app.pem`) signs its client assertions (client_credentials).
// What is not asked for by a name of this machine's loopback is refused (421): a page elsewhere can not reach it through a name of its own.
//
// Threads: those of one loop. Lifetime: everything referred to outlives it; it outlives its server.
#pragma once

#include "foundation/http/server.hpp"
#include "foundation/net/offload.hpp"
#include "identity/issuer/form.hpp"
#include "identity/issuer/sign_ins.hpp"
#include "identity/issuer/token_maker.hpp"

namespace wye::issuer {

struct IssuerOptions {
  std::string authority;        // `https://127.0.0.1:8082`
  uint16_t port = 0;            // of the same
  Directory directory;
  crypto::Digest owner_key{};   // SHA-256 of the owner's key
  crypto::PublicKey app_key;    // of the application
  /// Writes the keys down after a rotation, on a thread of the pool. Errors: kIo; then nothing was rotated.
  std::function<Result<void>(const Secret&)> keep_keys;
};

struct IssuerParts {
  net::Loop& loop;
  net::Offload& offload;
  const Clock& clock;
};

class LaptopIssuer final : public http::Handler {
 public:
  LaptopIssuer(const IssuerParts& parts, IssuerOptions options, SigningKeys keys);

  net::Task<void> answer(http::ServerCall& call) override;
  net::Task<void> refuse(http::ServerCall& call, Error error) override;

 private:
  /// An answer in the making.
  struct Reply {
    int status = 200;
    std::string body{};
    std::string_view type = "application/json";
    std::string location{};  // of a redirect
  };
  /// What the scopes of a request mean. Absent: something that the one API has not.
  struct Scopes {
    bool openid = false;
    bool offline = false;
    bool api = false;
    bool is_default = false;  // `.default`
  };
  using Method = net::Task<Reply> (LaptopIssuer::*)(http::ServerCall&);
  struct Place {
    std::string_view path;
    http::Method method;
    Method answer;
  };
  static std::span<const Place> places();

  net::Task<Reply> discovery_v1(http::ServerCall& call);
  net::Task<Reply> discovery_v2(http::ServerCall& call);
  net::Task<Reply> keys_v1(http::ServerCall& call);
  net::Task<Reply> keys_v2(http::ServerCall& call);
  net::Task<Reply> token(http::ServerCall& call);
  net::Task<Reply> device_code(http::ServerCall& call);
  net::Task<Reply> authorize(http::ServerCall& call);
  net::Task<Reply> authorize_decided(http::ServerCall& call);
  net::Task<Reply> device_login(http::ServerCall& call);
  net::Task<Reply> device_decided(http::ServerCall& call);
  net::Task<Reply> owner_token(http::ServerCall& call);
  net::Task<Reply> owner_rotate(http::ServerCall& call);

  Reply token_for_app(const Form& form);
  Reply token_for_code(const Form& form);
  Reply token_for_device(const Form& form);
  Reply token_for_refresh(const Form& form);
  Reply token_for_user(const Consent& consent, std::string refresh_token);
  Reply owner_wish(const Form& form);
  Reply sign_in(const Form& form, bool decided);

  static Reply oauth_error(int status, std::string_view error, std::string_view description);
  static Reply owner_only();
  static std::optional<Scopes> read_scopes(std::string_view text);
  bool is_local_host(http::ServerCall& call) const;
  bool owner_asks(http::ServerCall& call) const;
  bool is_owner_key(std::string_view text) const;
  WallTime now() const { return parts_.clock.wall(); }
  net::Task<Result<Form>> read_form(http::ServerCall& call);
  net::Task<void> send(http::ServerCall& call, Reply reply);

  IssuerParts parts_;
  const IssuerOptions options_;
  std::shared_ptr<const SigningKeys> keys_;
  SignIns sign_ins_;
  bool rotating_ = false;
};

}  // namespace wye::issuer
