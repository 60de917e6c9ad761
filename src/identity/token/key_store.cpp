#include "identity/token/key_store.hpp"

#include "identity/token/principal.hpp"

namespace wye::token {
namespace {

constexpr int kAttempts = 8;
constexpr std::string_view kGuardKey = "create";

Fail refuse(std::string_view message) { return Fail(public_error(ErrorCode::kInvalidRequest, std::string(message))); }
Fail no_such_key() { return Fail(public_error(ErrorCode::kNotFound, "There is no key with this id.")); }
Fail too_busy() { return Fail(internal_error(ErrorCode::kOverloaded, "keys: others changed the store each time")); }

/// Records keep milliseconds.
WallTime to_ms(WallTime t) { return {t.ns - t.ns % 1'000'000}; }
WallTime after(WallTime t, std::chrono::nanoseconds d) { return to_ms({t.ns + d.count()}); }

/// When a key stopped working, or will.
WallTime end_of(const KeyRecord& record) { return record.revoked_at ? std::min(*record.revoked_at, record.expires_at) : record.expires_at; }

store::Write write_of(const KeyRecord& record, store::Expect expect) {
  return {.collection = std::string(kKeyCollection), .key = std::string(record.id.text()), .value = encode_key_record(record), .expect = expect};
}

}  // namespace

Result<> KeyStore::each(const std::function<Result<>(const store::Record&)>& visit) {
  store::ListFrom from{.prefix = {}, .after = {}, .limit = store::kPageMax};
  while (true) {
    TRY(const store::Page page, table_.list(kKeyCollection, from));
    for (const store::Record& record : page.records) CHECK_OK(visit(record));
    if (!page.more) return {};
    from.after = page.records.back().key;
  }
}

Result<KeyStore::Stored> KeyStore::read(const KeyId& id) {
  TRY(const auto found, table_.get(kKeyCollection, id.text()));
  if (!found) return no_such_key();
  auto record = decode_key_record(id, found->value);
  if (!record) return Fail(internal_error(ErrorCode::kCorrupt, "keys: the record of " + std::string(id.text()) + " means nothing"));
  return Stored{std::move(*record), found->version};
}

/// Whether the limits leave room for one more. An unreadable record counts as one, of nobody.
Result<> KeyStore::check_room(const KeyRecord& fresh, WallTime now) {
  size_t all = 0;
  size_t of_owner = 0;
  size_t of_tenant = 0;
  CHECK_OK(each([&](const store::Record& stored) -> Result<> {
    ++all;
    const auto id = parse_key_id(stored.key);
    const auto record = id ? decode_key_record(*id, stored.value) : std::nullopt;
    if (!record || !record->live(now) || record->tenant != fresh.tenant) return {};
    ++of_tenant;
    if (record->owner == fresh.owner) ++of_owner;
    return {};
  }));
  if (of_owner >= kLiveKeysPerOwner) return refuse("This owner already has two live keys: revoke one first.");
  if (of_tenant >= kLiveKeysPerTenant) return refuse("This tenant already has 1,000 live keys: revoke some first.");
  if (all >= kKeysMax) return refuse("There are 100,000 keys: purge those that ended first.");
  return {};
}

Result<std::optional<IssuedKey>> KeyStore::try_issue(const NewKey& wanted, const Stored* predecessor, WallTime now) {
  // Read before the count: whoever creates in between changes the guard, and this attempt is not applied.
  TRY(const auto guard, table_.get(kKeyGuardCollection, kGuardKey));
  GeneratedKey generated = generate_api_key(wanted.environment);
  KeyRecord record;
  record.id = generated.id;
  record.kid = peppers_.current().kid;
  record.mac = peppers_.current().key.mac(generated.text.reveal());
  record.tenant = wanted.tenant;
  record.owner = wanted.owner.empty() ? "key:" + std::string(record.id.text()) : wanted.owner;
  record.routes = wanted.routes;
  record.created_by = wanted.created_by;
  record.created_at = record.not_before = to_ms(now);
  record.expires_at = after(now, wanted.lifetime);
  record.environment = wanted.environment;
  if (const auto fault = key_record_fault(record); !fault.empty()) return refuse(fault);
  CHECK_OK(check_room(record, now));
  std::vector<store::Write> batch;
  batch.push_back(write_of(record, store::Expect::absent()));
  batch.push_back({.collection = std::string(kKeyGuardCollection),
                   .key = std::string(kGuardKey),
                   .value = "",
                   .expect = guard ? store::Expect::at(guard->version) : store::Expect::absent()});
  if (predecessor != nullptr) batch.push_back(write_of(predecessor->record, store::Expect::at(predecessor->version)));
  TRY(const store::Written written, table_.write(batch));
  if (!written.applied) return std::optional<IssuedKey>();
  return std::optional(IssuedKey{std::move(record), std::move(generated.text)});
}

Result<IssuedKey> KeyStore::create(const NewKey& wanted, WallTime now) {
  if (wanted.lifetime < std::chrono::seconds(1) || wanted.lifetime > kKeyLifetimeMax) return refuse("A key lives from one second to 365 days.");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(auto issued, try_issue(wanted, nullptr, now));
    if (issued) return std::move(*issued);
  }
  return too_busy();
}

Result<IssuedKey> KeyStore::rotate(const KeyId& id, std::chrono::nanoseconds grace, WallTime now) {
  if (grace.count() < 0 || grace > kRotationGraceMax) return refuse("The old key may live on for 0 to 30 days.");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(Stored old, read(id));
    if (!old.record.live(now)) return refuse("The key has ended: create a new one.");
    NewKey wanted{.tenant = old.record.tenant,
                  .routes = old.record.routes,
                  .created_by = old.record.created_by,
                  .owner = old.record.owner,
                  .environment = old.record.environment,
                  .lifetime = std::chrono::nanoseconds(old.record.expires_at.ns - old.record.created_at.ns)};
    wanted.lifetime = std::clamp<std::chrono::nanoseconds>(wanted.lifetime, std::chrono::seconds(1), kKeyLifetimeMax);
    old.record.expires_at = std::min(old.record.expires_at, std::max(after(now, grace), WallTime{old.record.not_before.ns + 1'000'000}));
    TRY(auto issued, try_issue(wanted, &old, now));
    if (issued) return std::move(*issued);
  }
  return too_busy();
}

Result<> KeyStore::revoke(const KeyId& id, WallTime now) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    TRY(Stored stored, read(id));
    if (stored.record.revoked_at) return {};
    stored.record.revoked_at = to_ms(now);
    const store::Write write = write_of(stored.record, store::Expect::at(stored.version));
    TRY(const store::Written written, table_.write({&write, 1}));
    if (written.applied) return {};
  }
  return too_busy();
}

Result<> KeyStore::add_last_use(KeyRecord& record) {
  TRY(const auto used, table_.get(kKeyUseCollection, record.id.text()));
  if (used) std::from_chars(used->value.data(), used->value.data() + used->value.size(), record.last_used_day);
  return {};
}

Result<KeyRecord> KeyStore::find(const KeyId& id) {
  TRY(Stored stored, read(id));
  CHECK_OK(add_last_use(stored.record));
  return std::move(stored.record);
}

Result<KeyPage> KeyStore::list(std::string_view tenant, std::string_view after_id, uint32_t limit) {
  TRY(const store::Page stored, table_.list(kKeyCollection, {.prefix = {}, .after = std::string(after_id), .limit = limit}));
  KeyPage page;
  page.more = stored.more;
  for (const store::Record& one : stored.records) {
    page.after = one.key;
    const auto id = parse_key_id(one.key);
    auto record = id ? decode_key_record(*id, one.value) : std::nullopt;
    if (!record || (!tenant.empty() && record->tenant != tenant)) continue;
    CHECK_OK(add_last_use(*record));
    page.records.push_back(std::move(*record));
  }
  return page;
}

Result<uint64_t> KeyStore::purge(WallTime before) {
  std::vector<std::string> ended;
  CHECK_OK(each([&](const store::Record& stored) -> Result<> {
    const auto id = parse_key_id(stored.key);
    const auto record = id ? decode_key_record(*id, stored.value) : std::nullopt;
    if (record && end_of(*record) < before) ended.push_back(stored.key);
    return {};
  }));
  for (const std::string& key : ended) {
    const std::vector<store::Write> batch{{.collection = std::string(kKeyCollection), .key = key, .value = std::nullopt, .expect = {}},
                                          {.collection = std::string(kKeyUseCollection), .key = key, .value = std::nullopt, .expect = {}}};
    TRY(const store::Written written, table_.write(batch));
    (void)written;
  }
  return ended.size();
}

}  // namespace wye::token
