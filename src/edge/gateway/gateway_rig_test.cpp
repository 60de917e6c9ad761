// The rig itself: what the other tests of this room stand on.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

std::string doc(std::string_view kind, std::string_view name, std::string_view spec) {
  return "apiVersion: wye.dev/v1alpha1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) + "}\nspec: " + std::string(spec) +
         "\n---\n";
}
std::string backend(std::string_view name, uint16_t port, std::string_view path, std::string_view more) {
  return doc("Backend", name,
             "{endpoint: \"http://127.0.0.1:" + std::to_string(port) + std::string(path) + "\", dataClassMax: internal, network: {mode: loopback}, " +
                 std::string(more) + "}");
}
std::string credential(std::string_view name, uint16_t port, std::string_view header) {
  return doc("Credential", name,
             "{type: apiKey, origins: [\"http://127.0.0.1:" + std::to_string(port) + "\"], apiKey: {header: " + std::string(header) +
                 ", key: {env: KEY_X}}}");
}
std::string route(std::string_view name, std::string_view candidates, std::string_view more = "") {
  return doc("Route", name, "{dataClass: internal, candidates: " + std::string(candidates) + std::string(more) + "}");
}

std::string dechunk(std::string_view bytes, bool& whole) {
  std::string out;
  while (!bytes.empty()) {
    const size_t line = bytes.find("\r\n");
    if (line == std::string_view::npos) return out;
    size_t size = 0;
    std::from_chars(bytes.data(), bytes.data() + line, size, 16);
    if (size == 0) {
      whole = bytes == "0\r\n\r\n";
      return out;
    }
    if (bytes.size() < line + 2 + size + 2) return out + std::string(bytes.substr(line + 2));
    out += bytes.substr(line + 2, size);
    bytes.remove_prefix(line + 2 + size + 2);
  }
  return out;
}

/// The last answer in `bytes`: interim ones are skipped.
void understand(Reply& reply) {
  std::string_view rest = reply.bytes;
  for (;;) {
    const size_t end = rest.find("\r\n\r\n");
    if (end == std::string_view::npos || rest.size() < 12) return;
    reply.head = rest.substr(0, end + 4);
    reply.status = std::atoi(std::string(rest.substr(9, 3)).c_str());
    rest.remove_prefix(end + 4);
    if (reply.status >= 200) break;
  }
  if (reply.has("transfer-encoding: chunked")) {
    reply.body = dechunk(rest, reply.whole);
    return;
  }
  reply.body = rest;
  const size_t at = reply.head.find("content-length: ");
  reply.whole = at != std::string::npos && rest.size() == std::strtoul(reply.head.c_str() + at + 16, nullptr, 10);
}

}  // namespace

ConfigurationPtr configure(const std::string& text, WallTime now) {
  const std::array files = {config::NamedText{"test.yaml", text}};
  const config::Compiled compiled = config::compile(config::load_texts(files), {});
  EXPECT_NE(compiled.snapshot, nullptr) << config::to_text(compiled.findings);
  if (compiled.snapshot == nullptr) return nullptr;
  auto made = std::make_shared<Configuration>();
  made->snapshot = compiled.snapshot;
  std::vector<workload::CredentialSet::Fixed> keys;
  for (const config::CredentialEntry& entry : compiled.snapshot->credentials()) {
    const auto style = entry.header == config::KeyHeader::kBearer ? workload::HeaderStyle::kBearer : workload::HeaderStyle::kApiKey;
    keys.push_back({{entry.name, {}, entry.origins, style, false}, std::string(entry.name == "to-one" ? kSecretOfOne : kSecretOfAzure)});
  }
  made->credentials = workload::CredentialSet::of_keys(std::move(keys));
  made->trust.resize(compiled.snapshot->targets().size());
  auto rules = std::make_shared<token::AuthRules>();
  rules->api_keys = compiled.snapshot->gateway().auth.api_keys;
  for (const token::IssuerRulesPtr& issuer : compiled.snapshot->issuers()) rules->issuers.push_back(issuer);
  made->auth = std::move(rules);
  made->accepted_at = now;
  return made;
}

std::string test_configuration(std::string_view gateway, std::string_view more) {
  const std::string azure =
      "provider: azureOpenAI, deployment: gpt-dep, auth: {credential: to-azure}, location: {sku: Standard, region: swedencentral}";
  return doc("Gateway", "g", "{listeners: [{name: main}], accessLog: {to: stdout}" + std::string(gateway) + "}") +
         doc("Tenant", "team-a", "{dataClassMax: internal}") + doc("Tenant", "team-b", "{dataClassMax: internal}") +
         credential("to-one", kOnePort, "bearer") +
         doc("Credential", "to-azure",
             "{type: apiKey, origins: [\"http://127.0.0.1:21003\", \"http://127.0.0.1:21004\"], apiKey: {header: api-key, key: {env: KEY_Y}}}") +
         backend("one", kOnePort, "/v1", "provider: openAICompatible, deployment: gpt-up, auth: {credential: to-one}") +
         backend("two", kTwoPort, "", "provider: openAICompatible, deployment: other-up") + backend("azure", kAzurePort, "", azure) +
         backend("dated", kDatedPort, "", azure + ", apiVersion: \"2024-10-21\"") +
         backend("chat-only", kTwoPort, "", "provider: openAICompatible, deployment: small, serves: {capabilities: [chat]}") +
         doc("Model", "llama",
             "{versions: [{name: v1, source: {file: m.gguf}, digest: \"sha256:" + std::string(64, 'a') +
                 "\"}], runtime: {type: llamaServer}, dataClassMax: internal, serves: {capabilities: [chat, completions, embeddings]}}") +
         route("duo", "[{backend: one}, {backend: two, tier: 1}]", more) + route("solo", "[{backend: one}]") +
         route("managed", "[{backend: azure}]") + route("dated", "[{backend: dated}]") + route("local", "[{model: llama}]") +
         route("bridged", "[{backend: chat-only}]") + route("hidden", "[{backend: one}]", ", constraints: {tenants: [team-b]}");
}

GatewayRig::GatewayRig(RigOptions options) : loop(options.seed, options.faults) {
  key = keys.create({.tenant = "team-a", .created_by = "test", .owner = "owner-a"}, loop.clock().wall());
  other_key = keys.create({.tenant = "team-b", .created_by = "test", .owner = "owner-b"}, loop.clock().wall());
  GatewayParts parts = identity.parts(loop.clock(), log, access, metrics, keys.index(), pseudonyms,
                                      {options.seed * 0x9E3779B97F4A7C15ull, 0xD1B54A32D192ED03ull, 3, 4});
  parts.requests = in_flight;
  const auto variable = [this](std::string_view name) -> std::optional<std::string> {
    const auto found = platform.find(name);
    return found == platform.end() ? std::nullopt : std::optional(found->second);
  };
  const workload::TrustMaker no_trust = [](const std::string&) -> Result<std::shared_ptr<const net::TlsClientContext>> {
    return Fail(internal_error(ErrorCode::kUsage, "no TLS here"));
  };
  platform = std::move(options.platform);
  credentials = std::make_unique<workload::Credentials>(loop, resolver, workload::CredentialParts{loop.clock(), variable, no_trust, options.seed});
  parts.credentials = credentials.get();
  gateway = std::make_unique<Gateway>(loop, resolver, parts);
  reload(options.configuration);
  server = std::make_unique<http::Server>(loop, loop.clock(), *gateway, count, *loop.listen(net::Endpoint::loopback(kGatePort)),
                                          http::ServerOptions{.listener_name = "main"});
  server->start();
  for (const uint16_t port : {kOnePort, kTwoPort, kAzurePort, kDatedPort, kLocalPort}) upstreams[port] = std::make_unique<FakeUpstream>(loop, port);
}

GatewayRig::~GatewayRig() {
  clients.reset();
  server.reset();
}

provider::EndpointSetPtr GatewayRig::endpoints() const {
  std::vector<provider::LiveEndpoint> live;
  for (const config::TargetEntry& target : configuration->snapshot->targets()) {
    const auto found = health.find(target.label);
    provider::LiveEndpoint at{.health = found == health.end() ? provider::Health::kLive : found->second};
    if (target.endpoint_is_live) {
      at.host = "127.0.0.1";
      at.port = kLocalPort;
      at.instance = 1;
      at.key = local_key;
    }
    live.push_back(std::move(at));
  }
  return std::make_shared<provider::EndpointSet>(configuration->snapshot->digest(), generation_, std::move(live));
}

/// With Credentials that fetch, where configuration has other ones than keys; keys are then those of `configure` no more.
ConfigurationPtr GatewayRig::with_tokens(const Configuration& plain) {
  std::vector<workload::CredentialWanted> wanted;
  for (const auto& document : plain.snapshot->resources().credentials) wanted.push_back({document.name, document.spec, {}, {}});
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i].origins = plain.snapshot->credentials()[i].origins;
  for (const config::TargetEntry& target : plain.snapshot->targets()) {
    if (target.credential >= 0) wanted[static_cast<size_t>(target.credential)].audiences = {target.token_audience};
  }
  std::vector<workload::CredentialFinding> findings;
  auto made = std::make_shared<Configuration>(plain);
  made->credentials = credentials->prepare(wanted, [](const std::string& name) { return std::optional("canary-key-of-" + name); }, findings);
  EXPECT_TRUE(findings.empty()) << findings.at(0).what;
  credentials->take(made->credentials);
  return made;
}

void GatewayRig::reload(const std::string& text) {
  ConfigurationPtr next = configure(text, {1'760'000'000'000'000'000});
  if (next == nullptr) return;
  const auto is_key = [](const config::CredentialEntry& entry) { return entry.type == config::CredentialType::kApiKey; };
  if (!std::ranges::all_of(next->snapshot->credentials(), is_key)) next = with_tokens(*next);
  configuration = std::move(next);
  ++generation_;
  gateway->take(configuration, endpoints());
}

void GatewayRig::set_health(std::string_view label, provider::Health to) {
  health[std::string(label)] = to;
  ++generation_;
  gateway->take(endpoints());
}

std::string GatewayRig::post(std::string_view path, std::string_view body, std::string_view fields) const {
  return "POST " + std::string(path) + " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + key +
         "\r\ncontent-type: application/json\r\nconnection: close\r\n" + std::string(fields) + "content-length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}
std::string GatewayRig::get(std::string_view path, std::string_view fields) const {
  return "GET " + std::string(path) + " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer " + key + "\r\nconnection: close\r\n" +
         std::string(fields) + "\r\n";
}

net::Task<void> GatewayRig::listen(net::Stream& stream, Reply& reply, Manners manners) {
  std::array<char, 8192> buffer;
  if (manners.read_from.count() > 0) co_await net::sleep(loop, manners.read_from);
  const Deadline end = manners.leave_after ? Deadline{reply.begun + *manners.leave_after} : loop.after(std::chrono::hours(3));
  for (;;) {
    const net::Io io = co_await net::receive_some(stream, buffer, {end, nullptr});
    if (!io) break;
    reply.bytes.append(buffer.data(), io.n);
    reply.arrivals.emplace_back(loop.now(), reply.bytes.size());
  }
}

net::Task<void> GatewayRig::converse(std::string bytes, Reply& reply, Manners manners) {
  reply.begun = loop.now();
  auto stream = loop.open(net::Endpoint::loopback(kGatePort));
  const net::Bound bound{loop.after(std::chrono::hours(1)), nullptr};
  if (stream && co_await net::await_connected(**stream, bound) == net::IoStatus::kOk) {
    const net::IoStatus sent = co_await net::send_all(**stream, bytes, bound);
    if (sent == net::IoStatus::kOk || sent == net::IoStatus::kFailed) co_await listen(**stream, reply, manners);
    stream->reset();
  }
  reply.ended = loop.now();
  understand(reply);
  reply.done = true;
  if (--open_ == 0) loop.stop();
}

void GatewayRig::begin(std::string bytes, Reply& reply, Manners manners) {
  ++open_;
  clients->spawn(converse(std::move(bytes), reply, manners));
}

void GatewayRig::finish() {
  if (open_ > 0) loop.run();
  run_for(std::chrono::milliseconds(300));
}

Reply GatewayRig::ask(std::string bytes, Manners manners) {
  Reply reply;
  begin(std::move(bytes), reply, manners);
  finish();
  return reply;
}

std::string GatewayRig::log_text() {
  run_for(std::chrono::milliseconds(300));
  return access.text();
}
std::vector<std::string> GatewayRig::log_lines() {
  std::vector<std::string> lines;
  std::istringstream in(log_text());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string chat_delta(std::string_view delta, std::string_view finish) {
  return R"({"id":"up-1","object":"chat.completion.chunk","created":1,"model":"gpt-up","choices":[{"index":0,"delta":)" + std::string(delta) +
         R"(,"finish_reason":)" + std::string(finish) + "}]}";
}
std::string chat_stream(std::string_view text, std::string_view fields) {
  return stream_head(fields) + event(chat_delta(R"({"role":"assistant","content":""})")) +
         event(chat_delta(R"({"content":")" + std::string(text) + "\"}")) + event(chat_delta("{}", "\"stop\"")) +
         event(R"({"id":"up-1","object":"chat.completion.chunk","created":1,"model":"gpt-up","choices":[],"usage":{"prompt_tokens":3,)"
               R"("completion_tokens":2,"total_tokens":5}})") +
         stream_end();
}

std::string member(std::string_view line, std::string_view name) {
  const std::string quoted = "\"" + std::string(name) + "\":";
  const size_t at = line.find(quoted);
  if (at == std::string_view::npos) return {};
  std::string_view rest = line.substr(at + quoted.size());
  if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
  return std::string(rest.substr(0, rest.find_first_of(",}")));
}

namespace {

using namespace std::chrono_literals;

TEST(GatewayRigTest, AChatGoesThere) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  const Reply reply = rig.ask(rig.post("/v1/chat/completions", kChatBody));
  EXPECT_EQ(reply.status, 200) << reply.bytes << rig.process.text();
  EXPECT_TRUE(reply.whole);
  EXPECT_EQ(rig.up(kOnePort).asked.size(), 1u);
  EXPECT_EQ(rig.log_lines().size(), 1u);
}

TEST(GatewayRigTest, AStreamGoesThere) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked&) { return Script{send(chat_stream("Hello"))}; };
  const Reply reply = rig.ask(rig.post("/v1/chat/completions", kChatStreamBody));
  EXPECT_EQ(reply.status, 200) << reply.bytes << rig.process.text();
  EXPECT_TRUE(reply.whole);
  EXPECT_TRUE(reply.body.ends_with("data: [DONE]\n\n")) << reply.body;
}

}  // namespace
}  // namespace wye::gateway
