// Who is believed, and who may do what: Issuers, Roles, Grants and Tenants in the forms that decide.
#include <fstream>

#include "config/snapshot/compiler.hpp"

namespace wye::config {
namespace {

constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo/";
constexpr size_t kZoneBytesMax = 1 << 20;

template <class Spec>
std::vector<access::Named<Spec>> named(const std::vector<Document<Spec>>& documents) {
  std::vector<access::Named<Spec>> out;
  out.reserve(documents.size());
  for (const Document<Spec>& document : documents) out.push_back({document.name, &document.spec});
  return out;
}

/// The compiled file of an IANA zone of this machine; absent where there is none.
std::optional<access::TimeZone> read_zone(const std::string& name) {
  std::ifstream file(std::string(kZoneFolder) + name, std::ios::binary);
  std::string bytes(kZoneBytesMax, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  Result<access::TimeZone> zone = access::TimeZone::parse(bytes);
  if (!zone) return std::nullopt;
  return std::move(*zone);
}

}  // namespace

void Compiler::compile_issuers() {
  for (const Document<Issuer>& document : out_->resources_.issuers) {
    const auto beyond = [](const ListenerEntry& listener) { return !is_loopback(listener.address); };
    if (document.spec.is_laptop() && (std::ranges::any_of(out_->gateway_.listeners, beyond) || !is_loopback(out_->gateway_.admin.address))) {
      error(document.source, "spec.entra.authority",
            "laptop://issuer vouches for the owner of this machine alone, and a listener is reached from elsewhere",
            "name a real authority, or listen on loopback only");
      continue;
    }
    if (document.spec.is_laptop() && options_.purpose == Purpose::kGateway) {
      error(document.source, "spec.entra.authority", "laptop://issuer exists under `wye up` only", "write the authority of your directory");
      continue;
    }
    // A check looks at what `wye up` will make; where its issuer listens is not known to it.
    const token::LaptopIssuer somewhere{.authority = "https://127.0.0.1:1", .ca_file = {}};
    const bool assumed = options_.purpose == Purpose::kCheck && options_.laptop == nullptr;
    Result<token::IssuerRulesPtr> rules = token::make_issuer_rules(document.name, document.spec, assumed ? &somewhere : options_.laptop.get());
    if (rules) out_->issuers_.push_back(std::move(*rules));
    else error(document.source, "spec", rules.error().detail.empty() ? rules.error().public_message : rules.error().detail);
  }
}

void Compiler::compile_policy() {
  access::PolicySources sources;
  sources.tenants = named(out_->resources_.tenants);
  sources.roles = named(out_->resources_.roles);
  sources.grants = named(out_->resources_.grants);
  for (const Document<Role>& document : out_->resources_.roles) {
    for (size_t i = 0; i < document.spec.rules.size(); ++i) {
      const auto& window = document.spec.rules[i].conditions.time_window;
      if (!window || window->time_zone == "UTC" || sources.zones.contains(window->time_zone)) continue;
      std::optional<access::TimeZone> zone = read_zone(window->time_zone);
      if (zone) sources.zones.emplace(window->time_zone, std::move(*zone));
      else
        error(document.source, "spec.rules[" + std::to_string(i) + "].conditions.timeWindow.timeZone",
              "this machine has no time zone " + window->time_zone, "install tzdata, or name a zone as Europe/Berlin");
    }
  }
  if (has_errors(findings_)) return;
  Result<access::Policy> policy = access::Policy::compile(std::move(sources));
  if (policy) out_->policy_.emplace(std::move(*policy));
  else findings_.push_back({Severity::kError, "", {}, "", policy.error().detail, ""});
}

}  // namespace wye::config
