// For tests only: a whole gateway in simulation, between raw client bytes and scripted upstreams. Time is virtual: deadlines cost nothing.
#pragma once

#include "edge/gateway/fake_test_upstream.hpp"
#include "edge/gateway/test_identity.hpp"
#include "identity/token/test_keys.hpp"

#include <gtest/gtest.h>

namespace wye::gateway {

inline constexpr uint16_t kGatePort = 20'001;
inline constexpr uint16_t kOnePort = 21'001;
inline constexpr uint16_t kTwoPort = 21'002;
inline constexpr uint16_t kAzurePort = 21'003;
inline constexpr uint16_t kDatedPort = 21'004;
inline constexpr uint16_t kLocalPort = 21'005;

/// The parts of a configuration that every test has; `gateway` and `route` go into the Gateway and into the Route `duo`.
std::string test_configuration(std::string_view gateway = "", std::string_view route = "");

/// Compiles it; fails the test where it does not compile.
ConfigurationPtr configure(const std::string& text, WallTime now);

/// What a client got, and when.
struct Reply {
  std::string bytes;
  int status = 0;
  std::string head;
  std::string body;     // without chunked framing
  bool whole = false;   // the body ended as its framing says
  bool done = false;    // the conversation is over
  MonoTime begun{};
  MonoTime ended{};
  std::vector<std::pair<MonoTime, size_t>> arrivals;  // time, bytes so far
  bool has(std::string_view field) const { return head.find(field) != std::string::npos; }
};

/// How a client behaves.
struct Manners {
  std::optional<Nanos> leave_after{};  // closes the connection then
  Nanos read_from{};                   // reads nothing before
};

struct RigOptions {
  uint64_t seed = 1;
  net::SimFaults faults{};
  std::string configuration = test_configuration();
  std::map<std::string, std::string, std::less<>> platform{};
};

class GatewayRig {
 public:
  explicit GatewayRig(RigOptions options = {});
  ~GatewayRig();

  /// POST with the first key; `fields` are whole lines.
  std::string post(std::string_view path, std::string_view body, std::string_view fields = "") const;
  std::string get(std::string_view path, std::string_view fields = "") const;
  /// One conversation from begin to end.
  Reply ask(std::string bytes, Manners manners = {});
  /// Begins one; `reply` outlives it.
  void begin(std::string bytes, Reply& reply, Manners manners = {});
  void run_for(Nanos d) { loop.run_for(d); }
  /// Until no conversation is open.
  void finish();
  FakeUpstream& up(uint16_t port) { return *upstreams.at(port); }
  /// Takes another configuration, as a reload does.
  void reload(const std::string& text);
  void set_health(std::string_view label, provider::Health health);
  std::string log_text();
  std::vector<std::string> log_lines();

  net::SimLoop loop;
  net::TableResolver resolver;
  MemoryLogSink access;
  MemoryLogSink process;
  Log log{process, loop.clock()};
  Metrics metrics;
  token::TestKeys keys;
  std::map<std::string, std::string, std::less<>> platform;  // variables that a platform sets: where tokens for us come from
  std::unique_ptr<workload::Credentials> credentials;
  TestIdentity identity{loop, resolver, loop.clock(), log};
  crypto::HmacKey pseudonyms{std::string(32, 'h')};
  http::ConnectionCount count{1000};
  std::shared_ptr<InFlight> in_flight = std::make_shared<InFlight>();
  std::string key;        // of team-a, all routes
  std::string other_key;  // of team-b
  ConfigurationPtr configuration;
  std::map<std::string, provider::Health, std::less<>> health;
  std::shared_ptr<const Secret> local_key;  // of the process of the local Model; null: it asks for none
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<http::Server> server;
  std::map<uint16_t, std::unique_ptr<FakeUpstream>> upstreams;
  std::unique_ptr<net::Scope> clients = std::make_unique<net::Scope>();

 private:
  net::Task<void> converse(std::string bytes, Reply& reply, Manners manners);
  net::Task<void> listen(net::Stream& stream, Reply& reply, Manners manners);
  provider::EndpointSetPtr endpoints() const;
  ConfigurationPtr with_tokens(const Configuration& plain);
  size_t open_ = 0;
  uint64_t generation_ = 0;
};

/// The secrets that the upstreams are asked with.
inline constexpr std::string_view kSecretOfOne = "canary-upstream-key-one";
inline constexpr std::string_view kSecretOfAzure = "canary-upstream-key-azure";

inline constexpr std::string_view kChatBody = R"({"model":"duo","messages":[{"role":"user","content":"hi"}]})";
inline constexpr std::string_view kChatStreamBody = R"({"model":"duo","stream":true,"messages":[{"role":"user","content":"hi"}]})";
inline constexpr std::string_view kChatAnswer =
    R"({"id":"up-1","object":"chat.completion","created":1,"model":"gpt-up","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},)"
    R"("finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})";

/// One chunk of a chat stream.
std::string chat_delta(std::string_view delta, std::string_view finish = "null");
/// A whole, good chat stream that says `text`.
std::string chat_stream(std::string_view text, std::string_view fields = "");
/// The value of a member of a flat JSON line; empty where absent.
std::string member(std::string_view line, std::string_view name);

}  // namespace wye::gateway
