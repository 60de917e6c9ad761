// The admin API below `/admin/v1`: what a request is, what it may give back, and the ports behind it.
//
// One table (api_routes.cpp) holds every route with its method, path, action and handler; the router, the authorisation, the audit trail
// and openapi.json all read that table, so none of them can know a route that the others do not.
// Threads: handlers run on threads that may block, several at once; what a port needs for that it does itself.
#pragma once

#include "config/kinds/action.hpp"
#include "config/snapshot/snapshot.hpp"
#include "foundation/http/head.hpp"
#include "identity/audit/reader.hpp"
#include "identity/audit/trail.hpp"
#include "identity/audit/verify.hpp"
#include "identity/token/key_store.hpp"

namespace wye::admin {

using PrincipalPtr = std::shared_ptr<const token::Principal>;

/// Who asks.
struct Caller {
  PrincipalPtr principal{};  // null: the owner of the process, over the local socket; may do everything
  std::string tenant{};      // in which the caller acts; empty for the owner
  std::string peer{};
  std::string listener{};
  bool owner() const { return principal == nullptr; }
  /// As the audit trail names him.
  audit::Who who() const;
};

/// One request, owned: its handler may outlive the connection.
struct ApiRequest {
  Caller caller{};
  std::vector<std::string> parameters{};  // of the pattern, in order
  std::string query{};                    // raw
  std::string body{};
  std::string if_match{};                 // a digest without quotes; empty: any
  std::string request_id{};
  WallTime now{};
  /// Facts for the audit record, added by the handler: ids and digests, never content.
  std::vector<audit::Fact> facts{};
  /// The value of a query parameter; absent where there is none.
  std::optional<std::string> parameter(std::string_view name) const;
};

/// A good answer; what goes wrong is an Error.
struct ApiAnswer {
  int status = 200;
  std::string body{};  // JSON
  std::string etag{};  // a digest; empty: none
};

/// A verdict over an action, with what explains it in the audit trail. Neither leaves in an answer.
struct Verdict {
  bool allowed = false;
  std::vector<std::string> rules{};
  std::string reason{};
};

/// Port: RBAC of the running configuration.
class AccessPort {
 public:
  virtual ~AccessPort() = default;
  /// The tenant in which the caller acts. Errors: kForbidden, kInvalidRequest (several: `project` has to name one).
  virtual Result<std::string> tenant_of(const token::Principal& principal, std::string_view project) = 0;
  /// `resource`: `admin:keys`, `admin:config` …; `owner`: the Tenant that the thing belongs to, empty: the instance.
  virtual Verdict judge(const Caller& caller, config::Action action, std::string_view resource, std::string_view owner, WallTime now) = 0;
  /// Whether the caller could send requests to that Route himself.
  virtual bool may_use_route(const Caller& caller, std::string_view route, WallTime now) = 0;
  /// JSON of one decision with its rules and reasons. Errors: kInvalidRequest (no such action, subject, resource).
  virtual Result<std::string> explain(std::string_view subject, std::string_view action, std::string_view resource) = 0;
  /// JSON of everybody who may.
  virtual Result<std::string> who_can(std::string_view action, std::string_view resource) = 0;
  /// One sentence for each subject that could do more under `after` than under `before`.
  virtual std::vector<std::string> gains(const config::Snapshot& before, const config::Snapshot& after) = 0;
};

/// A file of a configuration, named relative to its folder: `routes/chat.yaml`.
struct ConfigFile {
  std::string name{};
  std::string text{};
};
using ConfigFiles = std::vector<ConfigFile>;

struct StoredSnapshot {
  std::string digest{};
  WallTime accepted_at{};
  std::string accepted_by{};
};

/// Port: configurations of the instance.
class ConfigPort {
 public:
  virtual ~ConfigPort() = default;
  virtual config::SnapshotPtr running() = 0;
  /// Compiles as the instance would, with its secrets and trust files; changes nothing.
  virtual config::Compiled check(const ConfigFiles& files) = 0;
  /// Makes these files the configuration: in the folder that the instance reads, and in the running gateway, both or neither.
  /// Errors: kConfigChanged (`expected` is not what runs), kUsage (refused), kConflict (this instance's configuration can not be written), kIo.
  virtual Result<void> apply(const ConfigFiles& files, const std::string& expected, const std::string& by) = 0;
  /// The last accepted ones, newest first.
  virtual Result<std::vector<StoredSnapshot>> snapshots() = 0;
  /// The files of one. Errors: kNotFound, kCorrupt.
  virtual Result<ConfigFiles> snapshot_files(const std::string& digest) = 0;
  /// Its resources as canonical JSON.
  virtual Result<std::string> snapshot_resources(const std::string& digest) = 0;
};

/// What the API is made of. Everything outlives it.
struct ApiPorts {
  const Clock& clock;
  ConfigPort& config;
  AccessPort& access;
  token::KeyStore& keys;
  audit::Trail& trail;
  std::filesystem::path audit_file;
  std::function<Result<std::optional<audit::Head>>()> audit_head;
  std::function<std::string()> status;                                             // JSON
  std::function<void()> stop;
  std::function<Result<std::string>(const std::string& name)> test_credential;  // JSON; kNotFound
};

class Api;
using ApiHandler = Result<ApiAnswer> (*)(const ApiPorts& ports, ApiRequest& request);

/// What of a request is recorded: everything, or nothing where it was allowed (reads that scripts repeat).
enum class Trace : uint8_t { kAlways, kDenied };

/// One route.
struct ApiRoute {
  http::Method method;
  std::string_view pattern;   // `keys/{id}/rotate`
  config::Action action;      // what a caller needs
  std::string_view resource;  // on which: `admin:keys`
  std::string_view summary;
  ApiHandler handle;
  std::string_view body{};    // name of the schema of its body; empty: none
  Trace trace = Trace::kAlways;
  bool owner_only = false;    // only over the local socket
  bool quick = false;         // runs on the loop: no file, no store
};

/// The table, in the order of the reference.
std::span<const ApiRoute> api_routes();

/// A route and what its pattern took from the path.
struct RouteMatch {
  const ApiRoute* route = nullptr;  // null: no such path
  std::vector<std::string> parameters{};
  bool other_method = false;        // the path is one, with another method
};
RouteMatch match_route(http::Method method, std::string_view path);

/// A key as the API shows it: its terms, never its text nor its MAC.
std::string key_document(const token::KeyRecord& record, WallTime now);

/// The document, made of the table. Source: OpenAPI Specification 3.1.
std::string openapi_document();

}  // namespace wye::admin
