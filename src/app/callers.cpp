#include "app/callers.hpp"

#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

token::ProofMode mode_of(config::ProofOfPossession proof) {
  switch (proof) {
    case config::ProofOfPossession::kOff: return token::ProofMode::kOff;
    case config::ProofOfPossession::kAccept: return token::ProofMode::kAccept;
    case config::ProofOfPossession::kRequire: return token::ProofMode::kRequire;
  }
  return token::ProofMode::kRequire;
}

/// `Gateway.auth.issuers`; none named: all.
bool is_accepted(const config::Snapshot& snapshot, std::string_view issuer) {
  const std::vector<std::string>& named = snapshot.gateway().auth.issuers;
  return named.empty() || std::ranges::find(named, issuer) != named.end();
}

std::vector<token::KeySource> key_sources_of(const token::AuthRules& rules) {
  std::vector<token::KeySource> sources;
  for (const token::IssuerRulesPtr& issuer : rules.issuers) sources.insert(sources.end(), issuer->sources.begin(), issuer->sources.end());
  return sources;
}

std::vector<token::CertificateIssuerFiles> certificate_issuers_of(const config::Snapshot& snapshot) {
  std::vector<token::CertificateIssuerFiles> all;
  for (const config::Document<config::Issuer>& issuer : snapshot.resources().issuers) {
    if (!is_accepted(snapshot, issuer.name)) continue;
    if (auto files = token::certificate_issuer_files(issuer.name, issuer.spec)) all.push_back(std::move(*files));
  }
  return all;
}

Result<std::string> read_anchors(const std::filesystem::path& path) { return os::read_file(path, Bytes{token::kAnchorFileBytesMax}); }

}  // namespace

token::AuthRulesPtr make_auth_rules(const config::Snapshot& snapshot, const token::DpopNonces* nonces) {
  auto rules = std::make_shared<token::AuthRules>();
  rules->api_keys = snapshot.gateway().auth.api_keys;
  rules->proof = mode_of(snapshot.gateway().auth.proof_of_possession);
  rules->nonces = nonces;
  for (const token::IssuerRulesPtr& issuer : snapshot.issuers()) {
    if (is_accepted(snapshot, issuer->name)) rules->issuers.push_back(issuer);
  }
  return rules;
}

Callers::Callers(IdentityLoop& identity, const Clock& clock, Log& log, const std::array<uint64_t, 4>& seed, std::string_view nonce_key)
    : log_(log),
      random_(seed),
      nonces_(nonce_key),
      key_sets_({identity.loop(), identity.resolver(), clock, random_, log}),
      certificates_(read_anchors) {}

void Callers::report(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) log_.warning("issuer.anchors", {{"detail", problem}});
}

void Callers::take(const gateway::Configuration& configuration) {
  key_sets_.take(key_sources_of(*configuration.auth));
  key_sets_.refresh_files();
  report(certificates_.configure(certificate_issuers_of(*configuration.snapshot)));
}

void Callers::refresh() {
  key_sets_.refresh_files();
  report(certificates_.refresh());
}

bool Callers::starting() {
  if (!started_.load(std::memory_order_relaxed)) started_.store(!key_sets_.starting(), std::memory_order_relaxed);
  return !started_.load(std::memory_order_relaxed);
}

void Callers::show(Metrics& metrics, MetricShard& shard) {
  const Metrics::Family family =
      metrics.family(MetricKind::kGauge, "wye_issuer_state", "1 for the state that the keys of an Issuer are in.", {"issuer", "state"});
  std::set<std::array<std::string, 2>> now;
  for (const token::IssuerState& one : key_sets_.states()) now.insert({one.issuer, std::string(token::to_string(one.state))});
  for (const auto& old : shown_) {
    if (!now.contains(old)) shard.sub(metrics.series(family, {old[0], old[1]}));
  }
  for (const auto& fresh : now) {
    if (!shown_.contains(fresh)) shard.add(metrics.series(family, {fresh[0], fresh[1]}));
  }
  shown_ = std::move(now);
}

}  // namespace wye::app
