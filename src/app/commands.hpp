// The commands of `wye`, one function each. Exit codes: 0 done, 1 failed or a check found errors, 2 usage, 3 configuration refused,
// 4 not allowed, 5 instance not reachable, 6 conflict, 130 interrupted.
#pragma once

#include "app/host.hpp"

namespace wye::app {

enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kUsageError = 2,
  kConfigRefused = 3,
  kNotAllowed = 4,
  kNotReachable = 5,
  kConflictExit = 6,
  kInterrupted = 130
};

struct GatewayOptions {
  std::vector<std::filesystem::path> config;
  std::string data;
  std::string gateway;
  size_t threads = 0;  // 0: one a core
  std::optional<uint16_t> port;
  std::optional<uint16_t> admin_port;
};
int run_gateway(const GatewayOptions& options, const Outside& outside);

struct CheckOptions {
  std::vector<std::filesystem::path> paths;
  std::string output = "table";
};
int run_check(const CheckOptions& options, const Outside& outside);

/// Which instance a command talks to; admin_client.hpp says in which order they count.
struct AdminTarget {
  std::string data;      // its folder, on this machine
  std::string server;    // its URL, elsewhere
  std::string instance;  // `up`, `gateway-1` … where several run on the folder
  std::string ca_file;   // PEM to trust for `server`; empty: the system's
};

struct KeysOptions {
  enum class Verb : uint8_t { kCreate, kList, kRotate, kRevoke } verb = Verb::kList;
  AdminTarget target;
  std::string tenant;
  std::vector<std::string> routes;
  std::string owner;
  std::string expires = "90d";
  std::string grace = "7d";
  std::string id;
  std::string output = "table";
};
int run_keys(const KeysOptions& options, const Outside& outside);

struct PlanOptions {
  AdminTarget target;
  std::filesystem::path folder;
  bool exit_code = false;
  std::string output = "table";
};
int run_plan(const PlanOptions& options, const Outside& outside);

struct ApplyOptions {
  AdminTarget target;
  std::filesystem::path folder;
  bool accept_widening = false;
  std::string if_match;  // empty: what the plan was made on
};
int run_apply(const ApplyOptions& options, const Outside& outside);

struct RollbackOptions {
  AdminTarget target;
  std::string digest;  // empty: the one before
  bool accept_widening = false;
};
int run_rollback(const RollbackOptions& options, const Outside& outside);

struct GetOptions {
  AdminTarget target;
  std::string kind;
  std::string name;  // empty: all
  std::string output = "table";
};
int run_get(const GetOptions& options, const Outside& outside);

struct AccessOptions {
  AdminTarget target;
  bool who_can = false;
  std::string subject;
  std::string action;
  std::string resource;
  std::string output = "table";
};
int run_access(const AccessOptions& options, const Outside& outside);

struct AuditOptions {
  AdminTarget target;
  std::string output = "table";
};
int run_audit_verify(const AuditOptions& options, const Outside& outside);

struct UpOptions {
  std::vector<std::filesystem::path> config;  // empty: the one in the data folder, made at the first start
  std::string data;
  size_t threads = 0;  // 0: one a core
  std::optional<uint16_t> port;
  std::optional<uint16_t> admin_port;
  bool detach = false;
  bool detached = false;  // we are the program that `--detach` started
};
int run_up(const UpOptions& options, const Outside& outside);
/// Starts `up` again in a session of its own and waits until it is ready or has ended.
int run_up_detached(const UpOptions& options, const Outside& outside);

struct InstanceOptions {
  std::string data;
  std::string instance{};  // `status`: where several run on the folder
  std::string output = "table";
};
int run_down(const InstanceOptions& options, const Outside& outside);
int run_status(const InstanceOptions& options, const Outside& outside);
int run_env(const InstanceOptions& options, const Outside& outside);

struct ChatOptions {
  std::string data;
  std::string route;  // empty: the first that chats
};
int run_chat(const ChatOptions& options, const Outside& outside);

struct LoginOptions {
  std::string issuer;     // empty: the laptop issuer of the instance
  std::string client_id;
  std::string scope;
  std::string ca_file;    // empty: of the laptop issuer its own, else the system's
  std::string data;
  std::string key_file;        // a program signs in: one of these three
  std::string assertion_file;
  std::string secret_file;
  bool browser = false;
  bool persist = false;   // keep a refresh token
  bool forget = false;    // end the sign-in that is kept
};
int run_login(const LoginOptions& options, const Outside& outside);

struct TokenOptions {
  std::string data;
  std::string user;
  std::string output = "token";
  bool laptop = false;
  bool app = false;
  bool v1 = false;
  bool overage = false;
  bool wrong_audience = false;
  bool expired = false;
  bool cae = false;
  bool assertion = false;  // not a token: what the laptop's application proves itself with
  /// Whether something was asked for that only the laptop issuer does.
  bool wants_laptop() const {
    return laptop || !data.empty() || !user.empty() || app || v1 || overage || wrong_audience || expired || cae || assertion;
  }
};
int run_token(const TokenOptions& options, const Outside& outside);
/// New signing keys for the laptop issuer.
int run_token_rotate(const InstanceOptions& options, const Outside& outside);

struct CredentialsTestOptions {
  std::string name;
  std::vector<std::filesystem::path> config;  // empty: the one in the data folder
  std::string data;
  std::string output = "table";
};
int run_credentials_test(const CredentialsTestOptions& options, const Outside& outside);

/// Prints `error: WHAT` and, where there is one, `  help: WHAT TO DO` on standard error; gives the exit code of the Error.
int report(const Error& error, std::string_view help = {});

}  // namespace wye::app
