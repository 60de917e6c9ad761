#include "app/admin_client.hpp"
#include "app/instance_slot.hpp"
#include "app/local_admin.hpp"
#include "foundation/json/writer.hpp"

namespace wye::app {
namespace {

constexpr std::string_view kHeader = "ID            TENANT            ROUTES            STATE    EXPIRES\n";

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text() : std::string();
}

std::string row_of(json::Value record) {
  const auto column = [](std::string text, size_t width) { return text.size() < width ? text + std::string(width - text.size(), ' ') : text + " "; };
  std::string routes;
  if (const auto list = record.find("routes")) {
    for (const json::Value route : list->elements()) routes += (routes.empty() ? "" : ",") + route.text();
  }
  return column(text_of(record, "id"), 14) + column(text_of(record, "tenant"), 18) + column(routes, 18) + column(text_of(record, "state"), 9) +
         text_of(record, "expiresAt").substr(0, 10) + "\n";
}

/// The answer of a key's birth: `{"key":…,"record":…}`.
int tell_issued(const std::string& answer, const KeysOptions& options) {
  json::Document document;
  if (const auto parsed = document.parse(answer); !parsed) return report(parsed.error());
  std::string text = options.output == "json" ? answer : text_of(document.root(), "key");
  text += '\n';
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  if (options.output == "json") return kDone;
  std::fputs("This is the only time the key is shown. A running instance takes it within two seconds.\n", stderr);
  if (options.verb == KeysOptions::Verb::kRotate) std::fputs(("The key before ends in " + options.grace + " at the latest.\n").c_str(), stderr);
  return kDone;
}

// A running instance: over its API.

std::string create_body(const KeysOptions& options) {
  std::string body;
  json::Writer writer(body);
  writer.begin_object().string("tenant", options.tenant).string("expires", options.expires);
  if (!options.owner.empty()) writer.string("owner", options.owner);
  if (!options.routes.empty()) {
    writer.begin_array("routes");
    for (const std::string& route : options.routes) writer.string(route);
    writer.end_array();
  }
  writer.end_object();
  return body;
}

int list_remote(const AdminClient& client, const KeysOptions& options) {
  std::string out = options.output == "json" ? "[" : std::string(kHeader);
  std::string path = "keys" + (options.tenant.empty() ? "" : "?tenant=" + encoded(options.tenant));
  for (bool more = true, first = true; more;) {
    const Result<AdminReply> reply = client.call("GET", path);
    if (!reply) return report_unreachable(reply.error());
    if (reply->status != 200) return report_reply(*reply);
    json::Document document;
    if (const auto parsed = document.parse(reply->body); !parsed) return report(parsed.error());
    const auto keys = document.root().find("keys");
    if (!keys) break;
    for (const json::Value record : keys->elements()) {
      if (options.output == "json") out += (first ? "" : ",") + std::string(record.raw());
      else out += row_of(record);
      first = false;
    }
    const auto flag = document.root().find("more");
    more = flag && flag->boolean().value_or(false);
    path = "keys?after=" + encoded(text_of(document.root(), "after")) + (options.tenant.empty() ? "" : "&tenant=" + encoded(options.tenant));
  }
  if (options.output == "json") out += "]\n";
  std::fputs(out.c_str(), stdout);
  return kDone;
}

int run_remote(const AdminClient& client, const KeysOptions& options) {
  using enum KeysOptions::Verb;
  if (options.verb == kList) return list_remote(client, options);
  Result<AdminReply> reply = Fail(internal_error(ErrorCode::kUsage, ""));
  if (options.verb == kCreate) reply = client.call("POST", "keys", create_body(options));
  if (options.verb == kRotate) reply = client.call("POST", "keys/" + options.id + "/rotate", R"({"grace":")" + options.grace + "\"}");
  if (options.verb == kRevoke) reply = client.call("DELETE", "keys/" + options.id);
  if (!reply) return report_unreachable(reply.error());
  if (reply->status != 200 && reply->status != 201) return report_reply(*reply);
  if (options.verb != kRevoke) return tell_issued(reply->body, options);
  std::fputs("revoked\n", stdout);
  return kDone;
}

// Nothing runs: on the data folder itself, and into its audit trail.

struct Keys {
  DataFolder data;
  std::unique_ptr<store::SqliteTable> table;
  std::unique_ptr<token::Peppers> peppers;  // the store refers to it: it keeps its address
  std::optional<token::KeyStore> store;
  std::optional<InstanceSlot> slot;  // nobody starts while we are here
  std::unique_ptr<audit::Trail> trail;
};

Result<Keys> open_keys(DataFolder data, const Outside& outside) {
  CHECK_OK(data.make());
  Keys keys;
  keys.data = std::move(data);
  TRY(keys.table, store::SqliteTable::open(keys.data.state()));
  TRY(token::Peppers peppers, token::load_or_create_peppers(keys.data.pepper()));
  keys.peppers = std::make_unique<token::Peppers>(std::move(peppers));
  keys.store.emplace(*keys.table, *keys.peppers);
  TRY(InstanceSlot slot, take_slot(keys.data, true));
  keys.slot.emplace(std::move(slot));
  TRY(auto file, audit::open_chain_file(keys.slot->audit_file));
  TRY(keys.trail, audit::Trail::open({.chain = keys.slot->chain}, std::move(file), *keys.table, outside.clock));
  return keys;
}

void record_act(Keys& keys, std::string_view action, std::vector<audit::Fact> resource) {
  audit::Record record;
  record.event = "admin.act";
  record.action = action;
  record.principal.kind = "owner";
  record.listener = "folder";
  record.decision = audit::Decision::kAllow;
  record.resource = std::move(resource);
  keys.trail->record(std::move(record));
}

int tell_failed(const Error& error) {
  const int exit = report(error);
  // The terms of a key come from the command line.
  return error.code == ErrorCode::kInvalidRequest ? int{kUsageError} : exit;
}

int issue_local(Keys& keys, const KeysOptions& options, const Outside& outside) {
  const WallTime now = outside.clock.wall();
  Result<token::IssuedKey> issued = Fail(internal_error(ErrorCode::kUsage, ""));
  if (options.verb == KeysOptions::Verb::kCreate) {
    token::NewKey wanted;
    wanted.tenant = options.tenant;
    if (!options.routes.empty()) wanted.routes = options.routes;
    wanted.owner = options.owner;
    wanted.created_by = "owner";
    wanted.lifetime = parse_duration(options.expires).value_or(Nanos(0));
    issued = keys.store->create(wanted, now);
  } else {
    issued = keys.store->rotate(*token::parse_key_id(options.id), parse_duration(options.grace).value_or(Nanos(-1)), now);
  }
  if (!issued) return tell_failed(issued.error());
  const std::string id(issued->record.id.text());
  if (options.verb == KeysOptions::Verb::kCreate) record_act(keys, "keys.create", {{"key", id}, {"tenant", issued->record.tenant}});
  else record_act(keys, "keys.rotate", {{"key", options.id}, {"new_key", id}, {"tenant", issued->record.tenant}});
  std::string answer;
  json::Writer(answer).begin_object().string("key", issued->text.reveal()).raw("record", admin::key_document(issued->record, now)).end_object();
  return tell_issued(answer, options);
}

int list_local(Keys& keys, const KeysOptions& options, const Outside& outside) {
  constexpr uint32_t kPage = 200;
  const WallTime now = outside.clock.wall();
  std::string out = options.output == "json" ? "[" : std::string(kHeader);
  std::string after;
  for (bool more = true, first = true; more;) {
    Result<token::KeyPage> page = keys.store->list(options.tenant, after, kPage);
    if (!page) return report(page.error());
    for (const token::KeyRecord& record : page->records) {
      const std::string text = admin::key_document(record, now);
      json::Document document;
      if (options.output == "json") out += (first ? "" : ",") + text;
      else if (document.parse(text)) out += row_of(document.root());
      first = false;
    }
    after = page->after;
    more = page->more;
  }
  if (options.output == "json") out += "]\n";
  std::fputs(out.c_str(), stdout);
  return kDone;
}

int run_local(Keys& keys, const KeysOptions& options, const Outside& outside) {
  if (options.verb == KeysOptions::Verb::kList) return list_local(keys, options, outside);
  if (options.verb != KeysOptions::Verb::kRevoke) return issue_local(keys, options, outside);
  if (const Result<> revoked = keys.store->revoke(*token::parse_key_id(options.id), outside.clock.wall()); !revoked) return report(revoked.error());
  record_act(keys, "keys.revoke", {{"key", options.id}});
  std::fputs("revoked\n", stdout);
  return kDone;
}

/// What is wrong with the words themselves. kDone: nothing.
int check_words(const KeysOptions& options) {
  using enum KeysOptions::Verb;
  const bool names_one = options.verb == kRotate || options.verb == kRevoke;
  if (names_one && !token::parse_key_id(options.id))
    return report(public_error(ErrorCode::kUsage, "A key is named by its 12 characters, as `wye keys list` shows them."));
  if (options.verb == kCreate && !parse_duration(options.expires))
    return report(public_error(ErrorCode::kUsage, "--expires wants a duration such as 90d or 12h, not " + options.expires + "."));
  if (options.verb == kRotate && !parse_duration(options.grace))
    return report(public_error(ErrorCode::kUsage, "--grace wants a duration such as 7d or 12h, not " + options.grace + "."));
  return kDone;
}

}  // namespace

int run_keys(const KeysOptions& options, const Outside& outside) {
  if (const int wrong = check_words(options); wrong != kDone) return wrong;
  Result<std::optional<DataFolder>> data = local_folder(options.target, outside);
  if (!data) return report(data.error());
  if (*data && running_instances(**data).empty()) {
    Result<Keys> keys = open_keys(std::move(**data), outside);
    if (!keys) return report(keys.error());
    return run_local(*keys, options, outside);
  }
  AdminTarget target = options.target;
  // Whoever runs there: they share the store.
  if (*data && target.instance.empty()) target.instance = running_instances(**data).front().first;
  const Result<AdminClient> client = AdminClient::find(target, outside);
  if (!client) return report_unreachable(client.error());
  return run_remote(*client, options);
}

}  // namespace wye::app
