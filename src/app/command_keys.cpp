#include "app/commands.hpp"
#include "foundation/base/json_line.hpp"

namespace wye::app {
namespace {

/// Store and peppers of a data folder, for as long as a command runs. The instance need not run.
struct Keys {
  std::unique_ptr<store::SqliteTable> table;
  std::unique_ptr<token::Peppers> peppers;  // the store refers to it: it keeps its address
  std::optional<token::KeyStore> store;
};

Result<Keys> open_keys(const std::string& flag, const Outside& outside) {
  TRY(const DataFolder data, find_data_folder(flag, outside.environment));
  CHECK_OK(data.make());
  Keys keys;
  TRY(keys.table, store::SqliteTable::open(data.state()));
  TRY(token::Peppers peppers, token::load_or_create_peppers(data.pepper()));
  keys.peppers = std::make_unique<token::Peppers>(std::move(peppers));
  keys.store.emplace(*keys.table, *keys.peppers);
  return keys;
}

std::string routes_text(const token::KeyRecord& record) {
  std::string out;
  for (const std::string& route : record.routes) out += (out.empty() ? "" : ",") + route;
  return out;
}

std::string state_of(const token::KeyRecord& record, WallTime now) {
  if (record.revoked_at) return "revoked";
  return now < record.expires_at ? "live" : "expired";
}

std::string json_of(const token::KeyRecord& record, WallTime now) {
  std::array<char, 8192> buffer;
  JsonLine line(buffer);
  line.text("id", record.id.text()).text("tenant", record.tenant).text("routes", routes_text(record)).text("state", state_of(record, now));
  line.time("createdAt", record.created_at).time("expiresAt", record.expires_at);
  std::string text(line.finish());
  text.pop_back();
  return text;
}

int create(Keys& keys, const KeysOptions& options, const Outside& outside) {
  const std::optional<Nanos> lifetime = parse_duration(options.expires);
  if (!lifetime) return report(public_error(ErrorCode::kUsage, "--expires wants a duration such as 90d or 12h, not " + options.expires + "."));
  token::NewKey wanted;
  wanted.tenant = options.tenant;
  if (!options.routes.empty()) wanted.routes = options.routes;
  wanted.created_by = "cli";
  wanted.lifetime = *lifetime;
  Result<token::IssuedKey> issued = keys.store->create(wanted, outside.clock.wall());
  if (!issued) {
    const int exit = report(issued.error());
    // The terms of a key come from the command line.
    return issued.error().code == ErrorCode::kInvalidRequest ? kUsageError : exit;
  }
  std::string text(issued->text.reveal());
  if (options.output == "json") text = R"({"key":")" + text + R"(","record":)" + json_of(issued->record, outside.clock.wall()) + "}";
  text += '\n';
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  if (options.output != "json") std::fputs("This is the only time the key is shown. A running instance takes it within two seconds.\n", stderr);
  return kDone;
}

int list(Keys& keys, const KeysOptions& options, const Outside& outside) {
  constexpr uint32_t kPage = 200;
  const WallTime now = outside.clock.wall();
  std::string out = options.output == "json" ? "[" : "ID            TENANT            ROUTES            STATE    EXPIRES\n";
  std::string after;
  for (bool more = true, first = true; more;) {
    Result<token::KeyPage> page = keys.store->list(options.tenant, after, kPage);
    if (!page) return report(page.error());
    for (const token::KeyRecord& record : page->records) {
      if (options.output == "json") {
        out += (first ? "" : ",") + json_of(record, now);
      } else {
        const auto column = [](std::string text, size_t width) {
          return text.size() < width ? text + std::string(width - text.size(), ' ') : text + " ";
        };
        out += column(std::string(record.id.text()), 14) + column(record.tenant, 18) + column(routes_text(record), 18) +
               column(state_of(record, now), 9) + rfc3339(record.expires_at).substr(0, 10) + "\n";
      }
      first = false;
      after = record.id.text();
    }
    more = page->more;
  }
  if (options.output == "json") out += "]\n";
  std::fputs(out.c_str(), stdout);
  return kDone;
}

int revoke(Keys& keys, const KeysOptions& options, const Outside& outside) {
  const std::optional<token::KeyId> id = token::parse_key_id(options.id);
  if (!id) return report(public_error(ErrorCode::kUsage, "A key is named by its 12 characters, as `wye keys list` shows them."));
  if (const Result<> revoked = keys.store->revoke(*id, outside.clock.wall()); !revoked) return report(revoked.error());
  std::fputs("revoked\n", stdout);
  return kDone;
}

}  // namespace

int run_keys(const KeysOptions& options, const Outside& outside) {
  Result<Keys> keys = open_keys(options.data, outside);
  if (!keys) return report(keys.error());
  switch (options.verb) {
    case KeysOptions::Verb::kCreate: return create(*keys, options, outside);
    case KeysOptions::Verb::kList: return list(*keys, options, outside);
    case KeysOptions::Verb::kRevoke: return revoke(*keys, options, outside);
  }
  return kUsageError;
}

}  // namespace wye::app
