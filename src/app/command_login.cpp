#include "app/commands.hpp"
#include "app/hardening.hpp"
#include "app/instance_record.hpp"
#include "app/laptop_issuer.hpp"
#include "app/local_admin.hpp"
#include "app/oauth_client.hpp"
#include "app/token_file.hpp"
#include "identity/issuer/directory.hpp"

namespace wye::app {
namespace {

/// What the options mean: at the laptop issuer everything has a default.
struct Where {
  std::string issuer;
  std::string client_id;
  std::string scope;
  std::filesystem::path ca_file;
  std::filesystem::path owner_key;  // of the laptop issuer: what its page asks for
};

Fail usage(std::string message) { return Fail(public_error(ErrorCode::kUsage, std::move(message))); }

Result<Where> find_issuer(const LoginOptions& options, const Outside& outside, bool program) {
  Where where{options.issuer, options.client_id, options.scope, options.ca_file, {}};
  if (!where.issuer.empty()) {
    if (where.client_id.empty()) return usage("--client-id is needed: the application that signs in.");
    if (where.scope.empty()) return usage("--scope is needed: what the token is for, for example api://APPLICATION-ID/.default.");
    return where;
  }
  TRY(const DataFolder data, find_data_folder(options.data, outside.environment));
  TRY(const InstanceRecord record, find_instance(data));
  if (record.issuer_url.empty()) return Fail(public_error(ErrorCode::kNotFound, "The instance on " + data.root.string() + " runs no issuer."));
  where.issuer = record.issuer_url;
  if (where.client_id.empty()) where.client_id = program ? issuer::kAppId : issuer::kCommandLineId;
  if (where.scope.empty()) where.scope = std::string(issuer::kApiUri) + "/" + (program ? ".default" : std::string(issuer::kUserScope));
  if (where.ca_file.empty()) where.ca_file = data.ca_file();
  where.owner_key = data.laptop_owner_key();
  return where;
}

int forget(const Outside& outside) {
  const Result<std::filesystem::path> path = token_file_path(outside.environment);
  if (!path) return report(path.error());
  std::error_code error;
  const bool removed = std::filesystem::remove(*path, error);
  if (error) return report(public_error(ErrorCode::kIo, path->string() + " can not be removed: " + error.message()));
  std::fputs(removed ? "The sign-in is forgotten.\n" : "Nobody had signed in.\n", stderr);
  return kDone;
}

Result<TokenAnswer> ask(const LoginOptions& options, const SignIn& sign_in, const IssuerFacts& facts) {
  const ProgramProof proof{options.key_file, options.assertion_file, options.secret_file};
  if (!proof.key_file.empty() || !proof.assertion_file.empty() || !proof.secret_file.empty()) return sign_in_as_program(sign_in, facts, proof);
  return options.browser ? sign_in_by_browser(sign_in, facts) : sign_in_by_device(sign_in, facts);
}

Result<void> keep(const Outside& outside, const Where& where, const IssuerFacts& facts, TokenAnswer answer, bool persist) {
  TRY(const std::filesystem::path path, token_file_path(outside.environment));
  StoredLogin login;
  login.issuer = where.issuer;
  login.client_id = where.client_id;
  login.scope = where.scope;
  login.token_endpoint = facts.token_endpoint;
  login.ca_file = where.ca_file.empty() ? where.ca_file : std::filesystem::absolute(where.ca_file);
  login.expires_at = WallTime{outside.clock.wall().ns + Nanos(answer.expires_in).count()};
  login.access_token = std::move(answer.access_token);
  if (persist) login.refresh_token = std::move(answer.refresh_token);
  CHECK_OK(save_login(path, login));
  std::string said = "Signed in at " + where.issuer + " until " + rfc3339(login.expires_at).substr(0, 19) + "Z";
  said += login.refresh_token.empty() ? ".\n" : ", and renewed from then on.\n";
  if (persist && login.refresh_token.empty()) said += "The issuer gave no refresh token: sign in again then.\n";
  std::fputs(said.c_str(), stderr);
  return {};
}

}  // namespace

int run_login(const LoginOptions& options, const Outside& outside) {
  harden();
  if (options.forget) return forget(outside);
  const bool program = !options.key_file.empty() || !options.assertion_file.empty() || !options.secret_file.empty();
  if (program && options.persist) return report(public_error(ErrorCode::kUsage, "A program needs no refresh token: it signs in again."));
  Result<Where> where = find_issuer(options, outside, program);
  if (!where) return report_unreachable(where.error());
  // RFC 6749 §6: a refresh token is asked for by name, and only where it will be kept.
  const std::string scope = options.persist ? where->scope + " offline_access" : where->scope;
  const auto tell = [&](const std::string& text) {
    std::string all = text + "\n";
    if (!where->owner_key.empty()) all += "The page asks for the key of the owner: " + where->owner_key.string() + " holds it.\n";
    std::fputs(all.c_str(), stderr);
  };
  const SignIn sign_in{outside.clock, where->client_id, scope, where->ca_file, tell};
  Result<IssuerFacts> facts = discover(sign_in, where->issuer);
  if (!facts) return report(facts.error());
  Result<TokenAnswer> answer = ask(options, sign_in, *facts);
  if (!answer) return report(answer.error());
  if (const auto kept = keep(outside, *where, *facts, std::move(*answer), options.persist); !kept) return report(kept.error());
  return kDone;
}

}  // namespace wye::app
