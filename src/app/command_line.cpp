#include "app/command_line.hpp"

#include <CLI/CLI.hpp>

namespace wye::app {
namespace {

/// A port from the command line: 0 is "any free", absent is "as configured".
struct Port {
  int value = -1;
  std::optional<uint16_t> get() const { return value < 0 ? std::nullopt : std::optional<uint16_t>(static_cast<uint16_t>(value)); }
  void add(CLI::App& command, const std::string& name, const std::string& text) {
    command.add_option(name, value, text)->check(CLI::Range(0, 65535));
  }
};

std::vector<std::filesystem::path> to_paths(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

/// What one command needs from the parser: its words, its options, and what to do when it was chosen.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

Command add_gateway(CLI::App& root, const Outside& outside) {
  struct Words {
    GatewayOptions options;
    std::vector<std::string> config;
    Port port, admin_port;
  };
  auto words = std::make_shared<Words>();
  CLI::App* command = root.add_subcommand("gateway", "Run the data plane alone, in the foreground");
  command->add_option("--config", words->config, "Folder or file of resources")->required();
  command->add_option("--data", words->options.data, "Data folder of the keys");
  command->add_option("--gateway", words->options.gateway, "Name of the Gateway where there are several");
  command->add_option("--threads", words->options.threads, "Threads that serve requests (default: one a core)")->check(CLI::Range(1, 256));
  words->port.add(*command, "--port", "Port of the first listener");
  words->admin_port.add(*command, "--admin-port", "Port of the admin listener");
  return {command, [words, &outside] {
            words->options.config = to_paths(words->config);
            words->options.port = words->port.get();
            words->options.admin_port = words->admin_port.get();
            return run_gateway(words->options, outside);
          }};
}

Command add_up(CLI::App& root, const Outside& outside) {
  struct Words {
    UpOptions options;
    std::vector<std::string> config;
    Port port, admin_port;
  };
  auto words = std::make_shared<Words>();
  CLI::App* command = root.add_subcommand("up", "Run everything on this machine: gateway, models, simulator");
  command->add_option("--config", words->config, "Folder or file of resources (default: the one in the data folder, made at the first start)");
  command->add_option("--data", words->options.data, "Data folder");
  command->add_option("--threads", words->options.threads, "Threads that serve requests (default: one a core)")->check(CLI::Range(1, 256));
  command->add_flag("--detach", words->options.detach, "Return once every Route is ready, and leave it running");
  command->add_flag("--detached", words->options.detached)->group("");  // how --detach starts it again
  words->port.add(*command, "--port", "Port of the first listener");
  words->admin_port.add(*command, "--admin-port", "Port of the admin listener");
  return {command, [words, &outside] {
            words->options.config = to_paths(words->config);
            words->options.port = words->port.get();
            words->options.admin_port = words->admin_port.get();
            return run_up(words->options, outside);
          }};
}

void add_instance(CLI::App& root, const Outside& outside, std::vector<Command>& commands) {
  const auto add = [&](const char* name, const char* text, int (*run)(const InstanceOptions&, const Outside&)) {
    auto options = std::make_shared<InstanceOptions>();
    CLI::App* command = root.add_subcommand(name, text);
    command->add_option("--data", options->data, "Data folder");
    commands.push_back({command, [options, run, &outside] { return run(*options, outside); }});
    return std::pair(command, options);
  };
  add("down", "End the instance of a data folder, letting requests finish", run_down);
  const auto [status, status_options] = add("status", "Show what runs and what does not", run_status);
  status->add_option("--instance", status_options->instance, "Which one, where several run on the data folder: up, gateway-1 …");
  status->add_option("-o", status_options->output, "table or json")->check(CLI::IsMember({"table", "json"}));
  add("env", "Print the exports that programs need: eval \"$(wye env)\"", run_env);
  auto chat_options = std::make_shared<ChatOptions>();
  CLI::App* chat = root.add_subcommand("chat", "Talk to a Route in the terminal");
  chat->add_option("ROUTE", chat_options->route, "Route (default: the first that chats)");
  chat->add_option("--data", chat_options->data, "Data folder");
  commands.push_back({chat, [chat_options, &outside] { return run_chat(*chat_options, outside); }});
}

Command add_check(CLI::App& root, const Outside& outside) {
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* command = root.add_subcommand("check", "Judge a configuration: every error with its place");
  command->add_option("DIR", *paths, "Folders or files of resources")->required();
  return {command, [paths, &outside] { return run_check({to_paths(*paths)}, outside); }};
}

Command add_login(CLI::App& root, const Outside& outside) {
  auto options = std::make_shared<LoginOptions>();
  CLI::App* command = root.add_subcommand("login", "Sign in at an issuer; `wye token` then gives the token");
  command->add_option("--issuer", options->issuer, "The issuer's URL (default: the laptop issuer of the instance)");
  command->add_option("--client-id", options->client_id, "The application that signs in");
  command->add_option("--scope", options->scope, "What the token is for");
  command->add_option("--ca", options->ca_file, "PEM bundle to trust instead of the system's")->check(CLI::ExistingFile);
  command->add_option("--data", options->data, "Data folder of the instance");
  CLI::App* who = command->add_option_group("who", "How it is proven who signs in (default: a code that a person types elsewhere)");
  who->add_flag("--browser", options->browser, "A person, in a browser on this machine");
  who->add_option("--assertion-key", options->key_file, "A program: the private key that signs its assertion (PEM)")->check(CLI::ExistingFile);
  who->add_option("--assertion-file", options->assertion_file, "A program: a token of another issuer (workload identity)")->check(CLI::ExistingFile);
  who->add_option("--insecure-secret", options->secret_file, "A program: a shared secret, in a file")->check(CLI::ExistingFile);
  who->add_flag("--forget", options->forget, "Remove the sign-in that is kept");
  who->require_option(0, 1);
  command->add_flag("--persist", options->persist, "Keep a refresh token, so that the sign-in outlives its first token");
  return {command, [options, &outside] { return run_login(*options, outside); }};
}

void add_token(CLI::App& root, const Outside& outside, std::vector<Command>& commands) {
  auto options = std::make_shared<TokenOptions>();
  CLI::App* command = root.add_subcommand("token", "Print a valid access token: of the sign-in that is kept, else of the laptop issuer");
  command->add_option("--data", options->data, "Data folder of the instance whose laptop issuer is asked");
  command->add_flag("--laptop", options->laptop, "Of the laptop issuer, whoever has signed in");
  command->add_option("--user", options->user, "For this laptop user (default: the owner)");
  command->add_flag("--app", options->app, "For the laptop's application, not for a person");
  command->add_flag("--v1", options->v1, "A v1.0 token");
  command->add_flag("--overage", options->overage, "With too many groups to list");
  command->add_flag("--wrong-audience", options->wrong_audience, "For somebody else");
  command->add_flag("--expired", options->expired, "That has ended");
  command->add_flag("--cae", options->cae, "Of a client that handles claims challenges");
  command->add_flag("--assertion", options->assertion, "Instead: the assertion with which the laptop's application signs in");
  command->add_option("-o", options->output, "token or json")->check(CLI::IsMember({"token", "json"}));
  auto rotate_options = std::make_shared<InstanceOptions>();
  CLI::App* rotate = command->add_subcommand("rotate", "New signing keys for the laptop issuer");
  rotate->add_option("--data", rotate_options->data, "Data folder");
  // The subcommand first: its parent is parsed as well.
  commands.push_back({rotate, [rotate_options, &outside] { return run_token_rotate(*rotate_options, outside); }});
  commands.push_back({command, [options, &outside] { return run_token(*options, outside); }});
}

/// The options that name an instance.
void add_target(CLI::App& command, AdminTarget& target) {
  command.add_option("--data", target.data, "Data folder of an instance on this machine");
  command.add_option("--server", target.server, "URL of the admin listener of an instance elsewhere");
  command.add_option("--instance", target.instance, "Which one, where several run on the data folder: up, gateway-1 …");
  command.add_option("--ca", target.ca_file, "PEM bundle to trust for --server")->check(CLI::ExistingFile);
}

void add_keys(CLI::App& root, const Outside& outside, std::vector<Command>& commands) {
  CLI::App* keys = root.add_subcommand("keys", "API keys of an instance");
  keys->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, KeysOptions::Verb verb) {
    auto options = std::make_shared<KeysOptions>();
    options->verb = verb;
    CLI::App* command = keys->add_subcommand(name, text);
    add_target(*command, options->target);
    command->add_option("-o", options->output, "table or json")->check(CLI::IsMember({"table", "json"}));
    commands.push_back({command, [options, &outside] { return run_keys(*options, outside); }});
    return std::pair(command, options);
  };
  const auto [create, create_options] = add("create", "Make a key; it is shown once", KeysOptions::Verb::kCreate);
  create->add_option("--tenant", create_options->tenant, "Tenant of the key")->required();
  create->add_option("--route", create_options->routes, "Routes it may use: a name, or a start and one *");
  create->add_option("--owner", create_options->owner, "Whom it is for; an owner has at most two live keys (default: a new owner)");
  create->add_option("--expires", create_options->expires, "How long it lives, at most 365d")->capture_default_str();
  const auto [list, list_options] = add("list", "Show the keys, never their text", KeysOptions::Verb::kList);
  list->add_option("--tenant", list_options->tenant, "Only those of one tenant");
  const auto [rotate, rotate_options] =
      add("rotate", "Make a second key of the same owner, and end the first after a while", KeysOptions::Verb::kRotate);
  rotate->add_option("ID", rotate_options->id, "The key's 12 characters")->required();
  rotate->add_option("--grace", rotate_options->grace, "How long the first key lives on, at most 30d")->capture_default_str();
  const auto [revoke, revoke_options] = add("revoke", "End a key", KeysOptions::Verb::kRevoke);
  revoke->add_option("ID", revoke_options->id, "The key's 12 characters")->required();
}

void add_configuration(CLI::App& root, const Outside& outside, std::vector<Command>& commands) {
  auto plan_options = std::make_shared<PlanOptions>();
  CLI::App* plan = root.add_subcommand("plan", "Show what a configuration would change, and who would gain by it");
  plan->add_option("DIR", plan_options->folder, "Folder of resources")->required();
  plan->add_flag("--exit-code", plan_options->exit_code, "End with 10 where something would change");
  plan->add_option("-o", plan_options->output, "table or json")->check(CLI::IsMember({"table", "json"}));
  add_target(*plan, plan_options->target);
  commands.push_back({plan, [plan_options, &outside] { return run_plan(*plan_options, outside); }});

  auto apply_options = std::make_shared<ApplyOptions>();
  CLI::App* apply = root.add_subcommand("apply", "Make a folder of resources the configuration of an instance");
  apply->add_option("DIR", apply_options->folder, "Folder of resources")->required();
  apply->add_flag("--accept-widening", apply_options->accept_widening, "Also where somebody could do more than before");
  apply->add_option("--if-match", apply_options->if_match, "Only if this is the digest of what runs (default: of what the plan was made on)");
  add_target(*apply, apply_options->target);
  commands.push_back({apply, [apply_options, &outside] { return run_apply(*apply_options, outside); }});

  auto rollback_options = std::make_shared<RollbackOptions>();
  CLI::App* rollback = root.add_subcommand("rollback", "Make an earlier configuration the configuration again");
  rollback->add_option("DIGEST", rollback_options->digest, "Which one (default: the one before)");
  rollback->add_flag("--accept-widening", rollback_options->accept_widening, "Also where somebody could do more than before");
  add_target(*rollback, rollback_options->target);
  commands.push_back({rollback, [rollback_options, &outside] { return run_rollback(*rollback_options, outside); }});

  auto get_options = std::make_shared<GetOptions>();
  CLI::App* get = root.add_subcommand("get", "Show resources of the running configuration, with every effective value");
  get->add_option("KIND", get_options->kind, "Route, Tenant, Model …")->required();
  get->add_option("NAME", get_options->name, "One of them");
  get->add_option("-o", get_options->output, "table, yaml or json")->check(CLI::IsMember({"table", "yaml", "json"}));
  add_target(*get, get_options->target);
  commands.push_back({get, [get_options, &outside] { return run_get(*get_options, outside); }});
}

void add_access(CLI::App& root, const Outside& outside, std::vector<Command>& commands) {
  CLI::App* access = root.add_subcommand("access", "Who may do what");
  access->require_subcommand(1);
  const auto add = [&](const char* name, const char* text, bool who_can) {
    auto options = std::make_shared<AccessOptions>();
    options->who_can = who_can;
    CLI::App* command = access->add_subcommand(name, text);
    if (!who_can) command->add_option("--as", options->subject, "Who")->required();
    command->add_option("--do", options->action, "Action, as chat.create")->required();
    command->add_option("--on", options->resource, "Resource, as route:chat-local")->required();
    command->add_option("-o", options->output, "table or json")->check(CLI::IsMember({"table", "json"}));
    add_target(*command, options->target);
    commands.push_back({command, [options, &outside] { return run_access(*options, outside); }});
  };
  add("explain", "A decision with its rules and reasons", false);
  add("who-can", "Everybody who may", true);

  CLI::App* audit = root.add_subcommand("audit", "The trail of who did, or was refused, what");
  audit->require_subcommand(1);
  auto options = std::make_shared<AuditOptions>();
  CLI::App* verify = audit->add_subcommand("verify", "Whether the trail is whole, and where it is not");
  verify->add_option("-o", options->output, "table or json")->check(CLI::IsMember({"table", "json"}));
  add_target(*verify, options->target);
  commands.push_back({verify, [options, &outside] { return run_audit_verify(*options, outside); }});
}

void add_credentials(CLI::App& root, const Outside& outside, std::vector<Command>& commands) {
  struct Words {
    CredentialsTestOptions options;
    std::vector<std::string> config;
  };
  auto words = std::make_shared<Words>();
  CLI::App* credentials = root.add_subcommand("credentials", "What Wye shows to those it calls");
  credentials->require_subcommand(1);
  CLI::App* test = credentials->add_subcommand("test", "Say step by step whether a Credential works; never shows a token");
  test->add_option("NAME", words->options.name, "Name of the Credential")->required();
  test->add_option("--config", words->config, "Folder or file of resources (default: the one in the data folder)");
  test->add_option("--data", words->options.data, "Data folder");
  test->add_option("-o", words->options.output, "table or json")->check(CLI::IsMember({"table", "json"}));
  commands.push_back({test, [words, &outside] {
                        words->options.config = to_paths(words->config);
                        return run_credentials_test(words->options, outside);
                      }});
}

}  // namespace

int run_command_line(int argc, char** argv, const Outside& outside) {
  CLI::App root("Wye: one gate for every model request, on two paths.", "wye");
  root.set_version_flag("--version", "wye 0.1.0");
  root.require_subcommand(1);
  std::vector<Command> commands;
  commands.push_back(add_up(root, outside));
  add_instance(root, outside, commands);
  commands.push_back(add_gateway(root, outside));
  commands.push_back(add_check(root, outside));
  add_keys(root, outside, commands);
  add_configuration(root, outside, commands);
  add_access(root, outside, commands);
  commands.push_back(add_login(root, outside));
  add_token(root, outside, commands);
  add_credentials(root, outside, commands);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) { return root.exit(error) == 0 ? kDone : kUsageError; }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return kUsageError;
}

}  // namespace wye::app
