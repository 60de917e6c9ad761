// For tests: the issuer on a real loop, a client beside it, and a reader of what it signs.
#pragma once

#include <gtest/gtest.h>

#include "foundation/http/client.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "identity/issuer/documents.hpp"
#include "identity/issuer/issuer.hpp"
#include "identity/issuer/pages.hpp"
#include "identity/token/jws.hpp"

namespace wye::issuer {

inline constexpr std::string_view kOwnerKey = "owner-key-of-this-test";

struct Ask {
  std::string_view method = "GET";
  std::string path{};
  std::string form{};
  std::string_view bearer{};
  std::string host{};  // empty: as it should be
  std::string_view content_type = "application/x-www-form-urlencoded";
};

struct Reply {
  int status = 0;
  std::string body{};
  std::string location{};
  std::string policy{};
  /// A member of the JSON object; empty where there is none.
  std::string member(std::string_view name) const {
    json::Document document;
    if (!document.parse(body) || !document.root().is_object()) return {};
    const auto value = document.root().find(name);
    if (!value) return {};
    return value->is_string() ? value->text() : std::string(value->raw());
  }
};

class Rig {
 public:
  Rig() : app_key(*crypto::PrivateKey::generate_rsa(kSigningKeyBits)) {
    auto listener = *loop_->listen(net::Endpoint::loopback(0));
    port = listener->local().port;
    authority = "http://127.0.0.1:" + std::to_string(port);
    IssuerOptions options{.authority = authority,
                          .port = port,
                          .directory = *parse_directory(default_directory()),
                          .owner_key = crypto::sha256(kOwnerKey),
                          .app_key = app_key.public_key(),
                          .keep_keys = [this](const Secret& text) -> Result<void> {
                            kept = std::string(text.reveal());
                            if (disk_full) return Fail(internal_error(ErrorCode::kIo, "disk full"));
                            return {};
                          }};
    handler_ = std::make_unique<LaptopIssuer>(IssuerParts{*loop_, offload_, clock}, std::move(options), *SigningKeys::generate());
    server_ = std::make_unique<http::Server>(*loop_, clock, *handler_, count_, std::move(listener), http::ServerOptions{.listener_name = "issuer"});
    server_->start();
    origin_ = std::make_unique<http::Origin>(*loop_, resolver_, net::DialTarget{.host = "127.0.0.1", .port = port});
  }

  Reply ask(const Ask& ask) {
    Reply reply;
    net::Scope scope;
    loop_->post([&] { scope.spawn(run(ask, reply)); });
    loop_->run();
    return reply;
  }
  Reply get(std::string_view path) { return ask({.path = below(path)}); }
  Reply post(std::string_view path, std::string form, std::string_view bearer = {}) {
    return ask({.method = "POST", .path = below(path), .form = std::move(form), .bearer = bearer});
  }
  static std::string below(std::string_view path) { return url_below({}, path); }

  /// The payload of a token that a published key has signed; fails the test where none has.
  std::string payload_of(const std::string& token) {
    const token::JwsRules rules{{crypto::SignatureAlgorithm::kRs256}};
    const auto keys = token::KeySet::parse(get(kKeysPath).body, {});
    const auto jws = token::parse_jws(token, rules);
    if (!keys || !jws) {
      ADD_FAILURE() << "no token: " << token;
      return "{}";
    }
    const auto payload = token::verify_jws(*jws, *keys->keys, rules);
    EXPECT_TRUE(payload) << payload.error().detail;
    return payload ? std::string(payload->bytes()) : "{}";
  }

  ManualClock clock;
  crypto::PrivateKey app_key;
  std::string kept;
  std::atomic<bool> disk_full{false};
  uint16_t port = 0;
  std::string authority;

 private:
  net::Task<void> run(const Ask& ask, Reply& reply) {
    const std::string host = ask.host.empty() ? "127.0.0.1:" + std::to_string(port) : ask.host;
    std::string text = std::string(ask.method) + " " + ask.path + " HTTP/1.1\r\nhost: " + host + "\r\n";
    if (!ask.bearer.empty()) text += "authorization: Bearer " + std::string(ask.bearer) + "\r\n";
    if (ask.method == "POST")
      text += "content-type: " + std::string(ask.content_type) + "\r\ncontent-length: " + std::to_string(ask.form.size()) + "\r\n";
    text += "\r\n" + ask.form;
    const iovec piece = net::piece(text);
    {
      const net::Bound bound{loop_->after(std::chrono::seconds(20)), nullptr};
      http::ClientCall call(*origin_);
      const auto exchanged = co_await call.exchange({{&piece, 1}, false}, bound, false);
      EXPECT_TRUE(exchanged) << exchanged.error().detail;
      if (exchanged) {
        reply.status = call.head().status;
        reply.location = call.head().value("location");
        reply.policy = call.head().value("content-security-policy");
        for (bool last = false; !last;) {
          const auto read = co_await call.read(bound);
          if (!read) break;
          reply.body += read->bytes;
          last = read->last;
        }
      }
    }
    loop_->stop();
  }

  std::unique_ptr<net::Loop> loop_ = *net::make_epoll_loop(clock);
  net::Offload offload_{1, 4};
  net::TableResolver resolver_;
  http::ConnectionCount count_{16};
  std::unique_ptr<LaptopIssuer> handler_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Origin> origin_;
};

/// A form from names and values.
inline std::string form_of(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string out;
  for (const auto& [name, value] : fields) append_field(out, name, value);
  return out;
}

}  // namespace wye::issuer
