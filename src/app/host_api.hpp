// What the admin API sees of a Host: configurations, and who may come in. Private to app/.
// Threads: any that may block, but for the authentication, which is the admin loop's.
#pragma once

#include "admin/admin_handler.hpp"
#include "app/host.hpp"
#include "app/snapshot_store.hpp"
#include "identity/token/authenticator.hpp"

namespace wye::app {

/// Configurations of an instance: what runs, what would run, what ran.
class HostConfigs final : public admin::ConfigPort {
 public:
  HostConfigs(Host& host, SnapshotStore store) : host_(host), store_(std::move(store)) {}
  config::SnapshotPtr running() override { return host_.snapshot(); }
  config::Compiled check(const admin::ConfigFiles& files) override;
  Result<void> apply(const admin::ConfigFiles& files, const std::string& expected, const std::string& by) override;
  Result<std::vector<admin::StoredSnapshot>> snapshots() override { return store_.list(); }
  Result<admin::ConfigFiles> snapshot_files(const std::string& digest) override { return store_.files(digest); }
  Result<std::string> snapshot_resources(const std::string& digest) override { return store_.resources(digest); }

 private:
  Host& host_;
  SnapshotStore store_;
};

/// The credentials of the Gateway at the admin listener: keys, tokens, certificates, proofs, by the same rules.
class TokenAuthentication final : public admin::Authentication {
 public:
  /// `rules`: those of the running configuration; called on the loop. `tls`: of the listener.
  TokenAuthentication(const token::Authenticator::Parts& parts, std::function<token::AuthRulesPtr()> rules, bool tls)
      : authenticator_(parts),
        clock_(parts.clock),
        rules_(std::move(rules)),
        tls_(tls) {}
  net::Task<Result<admin::PrincipalPtr>> authenticate(http::ServerCall& call) override;
  std::vector<std::string> challenges(const Error& error) override;
  std::string nonce(const Error& error) override;

 private:
  token::Authenticator authenticator_;
  const Clock& clock_;
  std::function<token::AuthRulesPtr()> rules_;
  const bool tls_;
};

}  // namespace wye::app
