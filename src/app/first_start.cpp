#include "app/first_start.hpp"

#include "config/load/default_config.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr size_t kSimulatorKeyChars = 32;
constexpr std::chrono::hours kDay{24};
constexpr auto kLifetime = 365 * kDay;
constexpr auto kRenewBefore = 30 * kDay;
constexpr std::string_view kTenant = "local";

std::string tenant_for(const config::Snapshot& snapshot) {
  if (snapshot.find_tenant(kTenant) != nullptr) return std::string(kTenant);
  return snapshot.tenants().empty() ? std::string() : snapshot.tenants().front().name;
}

}  // namespace

Result<void> write_default_config(const DataFolder& data, const Artefacts& artefacts) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(data.config(), error))) return {};
  // Beside its place first: a start that is cut off leaves no half of a configuration.
  const std::filesystem::path draft = data.config().string() + ".new";
  CHECK_OK(os::make_private_folder(draft));
  const std::vector<config::NamedText> texts = config::default_config(artefacts.models().string());
  for (const config::NamedText& text : texts) CHECK_OK(os::write_file_atomic(draft / text.file, text.text));
  const std::vector<std::filesystem::path> drafts = {draft};
  for (const auto& model : config::load_folder(drafts).resources.models) {
    for (const config::ModelVersion& version : model.spec.versions) CHECK_OK(check_artefact(version.source.file.resolved, Wanted::kFile));
  }
  std::filesystem::rename(draft, data.config(), error);
  if (error) return Fail(internal_error(ErrorCode::kIo, "rename " + draft.string() + ": " + error.message()));
  return {};
}

Result<void> make_simulator_key(const DataFolder& data) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(data.simulator_key(), error))) return {};
  return os::write_file_atomic(data.simulator_key(), crypto::random_base62(kSimulatorKeyChars) + "\n");
}

Secret read_laptop_key(const DataFolder& data) {
  Result<std::string> text = os::read_file(data.laptop_key(), 4_KiB);
  if (!text) return {};
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return Secret(std::move(*text));
}

Result<std::optional<LaptopKey>> load_or_make_laptop_key(Host& host, const DataFolder& data, WallTime now) {
  const config::Snapshot& snapshot = *host.configuration().snapshot;
  LaptopKey key{read_laptop_key(data), false};
  if (!key.text.empty()) {
    const std::optional<std::string> later = host.tenant_of_key(key.text.reveal(), WallTime{now.ns + Nanos(kRenewBefore).count()});
    const std::optional<std::string> tenant = host.tenant_of_key(key.text.reveal(), now);
    if (later && tenant && snapshot.find_tenant(*tenant) != nullptr) return std::optional(std::move(key));
  }
  token::NewKey wanted;
  wanted.tenant = tenant_for(snapshot);
  if (wanted.tenant.empty()) return std::optional<LaptopKey>();
  wanted.created_by = "wye up";
  wanted.lifetime = kLifetime;
  TRY(token::IssuedKey issued, host.keys().create(wanted, now));
  CHECK_OK(os::write_file_atomic(data.laptop_key(), std::string(issued.text.reveal()) + "\n"));
  return std::optional(LaptopKey{std::move(issued.text), true});
}

}  // namespace wye::app
