// The admin handler over the simulated network, with ports that tests turn. For tests only. Threads: one owner.
#pragma once

#include "admin/admin_handler.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/net/engine_rig.hpp"
#include "foundation/store/memory_table.hpp"
#include "identity/audit/verify.hpp"
#include "identity/token/challenge.hpp"
#include "identity/token/principal_issuer.hpp"

#include <gtest/gtest.h>

namespace wye::admin {

inline std::string test_config(std::string_view routes = "chat") {
  std::string text = R"(apiVersion: wye.dev/v1alpha1
kind: Gateway
metadata: {name: edge}
spec: {listeners: [{name: public, port: 0}], admin: {port: 0}}
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: team-a}
spec: {dataClassMax: internal}
---
apiVersion: wye.dev/v1alpha1
kind: Tenant
metadata: {name: team-b}
spec: {dataClassMax: internal}
---
apiVersion: wye.dev/v1alpha1
kind: Backend
metadata: {name: other}
spec:
  {provider: openAICompatible, endpoint: "http://127.0.0.1:1", deployment: m, network: {mode: loopback}, location: {path: custom},
   dataClassMax: internal, serves: {capabilities: [chat]}}
)";
  while (!routes.empty()) {
    const size_t blank = routes.find(' ');
    text += "---\napiVersion: wye.dev/v1alpha1\nkind: Route\nmetadata: {name: " + std::string(routes.substr(0, blank)) +
            "}\nspec: {dataClass: internal, candidates: [{backend: other}]}\n";
    routes = blank == std::string_view::npos ? std::string_view() : routes.substr(blank + 1);
  }
  return text;
}

/// Configurations in memory.
class TestConfigs final : public ConfigPort {
 public:
  TestConfigs() { running_ = check({{"a.yaml", test_config()}}).snapshot; }
  config::SnapshotPtr running() override {
    const std::lock_guard lock(mutex_);
    return running_;
  }
  config::Compiled check(const ConfigFiles& files) override {
    std::vector<config::NamedText> texts;
    for (const ConfigFile& file : files) texts.push_back({file.name, file.text});
    return config::compile(config::load_texts(texts), {});
  }
  Result<void> apply(const ConfigFiles& files, const std::string& expected, const std::string& by) override {
    const std::lock_guard lock(mutex_);
    if (refuse) return Fail(Error(*refuse));
    if (expected != running_->digest()) return Fail(internal_error(ErrorCode::kVersionExists, "changed"));
    stored.insert(stored.begin(), {files, {running_->digest(), WallTime{0}, by}});
    running_ = check(files).snapshot;
    return {};
  }
  Result<std::vector<StoredSnapshot>> snapshots() override {
    std::vector<StoredSnapshot> out;
    for (const auto& [files, snapshot] : known) out.push_back(snapshot);
    return out;
  }
  Result<ConfigFiles> snapshot_files(const std::string& digest) override {
    for (const auto& [files, snapshot] : known) {
      if (snapshot.digest == digest) return files;
    }
    return Fail(internal_error(ErrorCode::kNotFound, "snapshot"));
  }
  Result<std::string> snapshot_resources(const std::string& digest) override {
    CHECK_OK(snapshot_files(digest));
    return R"({"items":[]})";
  }
  std::optional<Error> refuse;
  std::vector<std::pair<ConfigFiles, StoredSnapshot>> stored;  // what apply was given
  std::vector<std::pair<ConfigFiles, StoredSnapshot>> known;   // what snapshots() gives

 private:
  std::mutex mutex_;
  config::SnapshotPtr running_;
};

/// Allows what it was told to: (action, owner).
class TestAccess final : public AccessPort {
 public:
  Result<std::string> tenant_of(const token::Principal& principal, std::string_view) override {
    if (principal.subject() == "nobody") return Fail(internal_error(ErrorCode::kForbidden, "tenant.none"));
    return std::string(principal.subject().substr(0, 6));
  }
  Verdict judge(const Caller& caller, config::Action action, std::string_view resource, std::string_view owner, WallTime) override {
    const bool of_instance = resource == "admin:instance" && !instance;
    const bool foreign = !owner.empty() && owner != caller.tenant;
    return Verdict{allowed.contains(action) && !of_instance && !foreign, {"role/test#1"}, "authz.no_grant"};
  }
  bool may_use_route(const Caller&, std::string_view route, WallTime) override { return route == "chat"; }
  Result<std::string> explain(std::string_view subject, std::string_view action, std::string_view resource) override {
    return "{\"asked\":\"" + std::string(subject) + "|" + std::string(action) + "|" + std::string(resource) + "\"}";
  }
  Result<std::string> who_can(std::string_view action, std::string_view) override {
    if (action != "chat.create") return Fail(public_error(ErrorCode::kInvalidRequest, "There is no such action."));
    return "{\"subjects\":[]}";
  }
  std::vector<std::string> gains(const config::Snapshot& before, const config::Snapshot& after) override {
    return after.routes().size() > before.routes().size() ? std::vector<std::string>{"team-a gains chat.create"} : std::vector<std::string>{};
  }
  config::ActionSet allowed{};
  bool instance = true;
};

/// `Bearer NAME` is that subject.
class TestAuthentication final : public Authentication {
 public:
  net::Task<Result<PrincipalPtr>> authenticate(http::ServerCall& call) override {
    const std::string_view credential = call.head().value(http::Known::kAuthorization);
    if (credential.empty()) co_return Fail(internal_error(ErrorCode::kUnauthenticated, "auth.missing"));
    Error error = internal_error(ErrorCode::kUnauthenticated, "jws.alg");
    error.public_message = "The access token is not valid.";
    if (credential == "Bearer wrong") co_return Fail(std::move(error));
    error = internal_error(ErrorCode::kAuthUnavailable, "issuer.stale");
    error.retry_after = std::chrono::seconds(5);
    if (credential == "Bearer later") co_return Fail(std::move(error));
    token::PrincipalFields fields;
    fields.kind = token::PrincipalKind::kApp;
    fields.issuer = "corp";
    fields.subject = credential.substr(7);
    co_return std::make_shared<const token::Principal>(token::PrincipalIssuer::issue(fields));
  }
  std::vector<std::string> challenges(const Error& error) override {
    const token::Challenge challenge = token::challenge_for(error, token::ProofMode::kOff);
    return {challenge.bearer};
  }
  std::string nonce(const Error&) override { return {}; }
};

class AdminRig : public testing::Test {
 protected:
  AdminRig() {
    auto file = audit::open_chain_file(audit_file());
    trail_ = std::move(*audit::Trail::open({.chain = "audit"}, std::move(*file), table_, loop_.clock()));
    ports_ = std::make_shared<ApiPorts>(
        ApiPorts{loop_.clock(), configs_, access_, keys_, *trail_, audit_file(), [this] { return audit::stored_head(table_, "audit"); },
                 [] { return std::string(R"({"state":"serving","targets":[{"name":"backend/other"}]})"); }, [this] { stopped_ = true; },
                 [](const std::string& name) -> Result<std::string> {
                   if (name != "azure") return Fail(internal_error(ErrorCode::kNotFound, "credential"));
                   return std::string(R"({"steps":[]})");
                 }});
    handler_ = std::make_unique<AdminHandler>(AdminSources{[this] { return live_; }, [this] { return ready_; }, metrics_, ports_, authentication_,
                                                           loop_, nullptr, [this] { return "req_" + std::to_string(++requests_); }});
    open_ = make(8081, "admin");
    local_ = make(8082, kLocalListener);
    open_->start();
    local_->start();
  }
  std::filesystem::path audit_file() const { return folder_ / "audit.jsonl"; }
  std::unique_ptr<http::Server> make(uint16_t port, std::string_view name) {
    return std::make_unique<http::Server>(loop_, loop_.clock(), *handler_, count_, *loop_.listen(net::Endpoint::loopback(port)),
                                          http::ServerOptions{.listener_name = std::string(name)});
  }
  net::Task<void> converse(uint16_t port, std::string bytes, std::string& reply) {
    const net::Bound bound{loop_.after(std::chrono::seconds(60)), nullptr};
    auto stream = loop_.open(net::Endpoint::loopback(port));
    if (stream && co_await net::await_connected(**stream, bound) == net::IoStatus::kOk) {
      co_await net::send_all(**stream, bytes, bound);
      co_await net::receive_all(**stream, reply, bound);
    }
    loop_.stop();
  }
  std::string send(std::string bytes, uint16_t port) {
    std::string reply;
    net::Scope scope;
    scope.spawn(converse(port, std::move(bytes), reply));
    loop_.run();
    return reply;
  }
  struct Ask {
    std::string_view body{};
    std::string_view bearer{};  // over the network; else the owner
    std::string_view fields{};
    std::string_view type = "application/json";
  };
  std::string ask(std::string_view line, const Ask& ask) {
    std::string bytes = std::string(line) + " HTTP/1.1\r\nhost: any\r\nconnection: close\r\n" + std::string(ask.fields);
    if (!ask.bearer.empty() && ask.bearer != "-") bytes += "authorization: Bearer " + std::string(ask.bearer) + "\r\n";
    if (!ask.body.empty()) bytes += "content-type: " + std::string(ask.type) + "\r\ncontent-length: " + std::to_string(ask.body.size()) + "\r\n";
    return send(bytes + "\r\n" + std::string(ask.body), ask.bearer.empty() ? 8082 : 8081);
  }
  std::string ask(std::string_view line) { return ask(line, Ask{}); }
  static std::string body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }
  static int status_of(const std::string& reply) { return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3)); }
  static bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
  static std::string files(std::string_view yaml, std::string_view more = "") {
    std::string text;
    json::Writer(text).string(yaml);
    return R"({"files":[{"name":"a.yaml","text":)" + text + "}]" + std::string(more) + "}";
  }
  std::vector<audit::Sealed> trail() {
    EXPECT_TRUE(trail_->flush(std::chrono::seconds(5)));
    std::vector<audit::Sealed> out;
    EXPECT_TRUE(audit::each_line(audit_file(), [&](std::string_view line) {
      out.push_back(*audit::decode(line));
      return true;
    }));
    return out;
  }

  TestFolder folder_;
  net::SimLoop loop_{1};
  Metrics metrics_;
  Health live_{true, "ok"};
  Health ready_{false, "starting"};
  store::MemoryTable table_;
  token::Peppers peppers_{token::Pepper::from_bytes(std::string(token::kPepperBytes, 'p'))};
  token::KeyStore keys_{table_, peppers_};
  TestConfigs configs_;
  TestAccess access_;
  TestAuthentication authentication_;
  std::unique_ptr<audit::Trail> trail_;
  std::shared_ptr<ApiPorts> ports_;
  bool stopped_ = false;
  int requests_ = 0;
  http::ConnectionCount count_{100};
  std::unique_ptr<AdminHandler> handler_;
  std::unique_ptr<http::Server> open_;
  std::unique_ptr<http::Server> local_;
};

}  // namespace wye::admin
