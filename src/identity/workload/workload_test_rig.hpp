// For tests only: a cloud in virtual time. IMDS, App Service, the agent of Arc, the token endpoint of Entra and a Key Vault, that take the
// documented request and nothing else, and fail as they are told.
#pragma once

#include <gtest/gtest.h>

#include "foundation/crypto/certificate_maker.hpp"
#include "foundation/http/server.hpp"
#include "foundation/net/scope.hpp"
#include "foundation/net/sim_loop.hpp"
#include "identity/workload/credential_reader.hpp"
#include "identity/workload/credentials.hpp"

namespace wye::workload {

using namespace std::chrono_literals;

/// A folder that goes with the test.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// Writes a file below it and gives its path.
  std::string write(const std::string& name, std::string_view content, unsigned mode = 0600) const;

 private:
  std::filesystem::path path_;
};

/// A request as a service saw it.
struct Seen {
  std::string service;
  std::string line;      // method and target
  std::string secret;    // the header that proves who asks
  std::map<std::string, std::string> form;
  MonoTime at{};
};

/// What a service does instead of giving a token.
struct Fails {
  int status = 500;
  std::string body{};
  std::string location{};
  bool hangs = false;
};

class TestCloud final : public http::Handler {
 public:
  enum class Numbers : uint8_t { kString, kNumber, kExpiresOnString, kExpiresOnNumber };

  explicit TestCloud(net::SimLoop& on) : loop(on) {}
  net::Task<void> answer(http::ServerCall& call) override;
  net::Task<void> refuse(http::ServerCall& call, Error error) override;
  size_t asked(std::string_view service) const {
    return static_cast<size_t>(std::ranges::count_if(seen, [&](const Seen& one) { return one.service == service; }));
  }

  net::SimLoop& loop;
  std::vector<Seen> seen;
  std::vector<std::string> wrong;   // what in a request is not as documented
  std::deque<Fails> fails;          // the next answers, one each
  bool down = false;                // every answer is a 503
  Numbers numbers = Numbers::kNumber;
  Nanos life = 1h;
  Nanos latency{0};
  bool same_token = false;          // a platform that caches: the same token again
  size_t issued = 0;
  std::string identity_header = "canary-identity-header";
  std::string arc_folder;           // the challenge names a file there
  std::string arc_key = "canary-arc-key";
  std::string vault_value = "canary-vault-key-1";

 private:
  std::string check_imds(http::ServerCall& call, bool arc);
  std::string check_app_service(http::ServerCall& call);
  std::string check_entra(http::ServerCall& call, std::string_view body);
  std::string check_vault(http::ServerCall& call);
  std::string token_json();
  net::Task<void> reply(http::ServerCall& call, int status, std::string body, std::string field, std::string value);
};

inline constexpr std::string_view kAuthority = "https://login.contoso.example";
inline constexpr std::string_view kTenant = "11111111-1111-4111-8111-111111111111";
inline constexpr std::string_view kClient = "22222222-2222-4222-8222-222222222222";
inline constexpr std::string_view kAudience = "https://cognitiveservices.azure.com";
inline constexpr std::string_view kOrigin = "https://contoso.openai.azure.com";
inline constexpr std::string_view kOther = "https://attacker.example";

class WorkloadRig {
 public:
  WorkloadRig();
  ~WorkloadRig();

  void set(const std::string& name, const std::string& value) { environment[name] = value; }
  /// The environment that the webhook of AKS injects; the file holds `assertion-1`.
  void set_aks();
  /// One Credential named `azure`; fails the test where it is refused.
  CredentialSetPtr take(config::Credential spec, std::vector<std::string> origins = {std::string(kOrigin)});
  /// What is wrong with it; empty where it is taken.
  std::string refusal_of(config::Credential spec);
  /// The slot of the Credential of `set`.
  CredentialReader::SlotPtr hold(const CredentialSetPtr& set, std::string_view audience = kAudience) { return reader->hold(set->find(0, audience)); }
  /// The header line for `origin` after waiting at most `limit`; the code of the error instead.
  std::string line(const CredentialReader::SlotPtr& slot, std::string_view origin = kOrigin, Nanos limit = 5s);
  CredentialState state() const { return credentials->states().at(0); }
  void run_for(Nanos d) { loop.run_for(d); }

  net::SimLoop loop{7};
  TestFolder folder;
  std::map<std::string, std::string, std::less<>> environment;
  net::TableResolver resolver;
  std::string roots;  // file of the authority that all services are under
  std::shared_ptr<const net::TlsServerContext> tls;
  TestCloud cloud{loop};
  http::ConnectionCount count{5000};
  std::vector<std::unique_ptr<http::Server>> servers;
  std::vector<std::string> told;
  std::unique_ptr<Credentials> credentials;
  std::unique_ptr<CredentialReader> reader;
  net::Scope tasks;

 private:
  void serve(const std::string& service, net::Endpoint at, bool secured);
};

config::Credential workload_identity();
config::Credential managed_identity(config::ManagedIdentitySource source = config::ManagedIdentitySource::kImds);
net::Endpoint address(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);

}  // namespace wye::workload
