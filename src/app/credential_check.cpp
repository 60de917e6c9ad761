#include "app/credential_check.hpp"

#include "app/identity_loop.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/net/dialer.hpp"
#include "foundation/net/epoll_loop.hpp"
#include "foundation/net/scope.hpp"
#include "identity/workload/credential_reader.hpp"
#include "identity/workload/file_sources.hpp"

namespace wye::app {
namespace {

using State = CredentialStep::State;

/// IMDS alone tries for 30 s.
constexpr std::chrono::seconds kTokenTime{45};
constexpr std::chrono::seconds kOriginTime{10};
/// What is shown of a token; the rest may name people.
constexpr std::array<std::string_view, 14> kClaims = {"iss",   "aud",   "sub", "appid", "azp", "oid", "tid",
                                                      "idtyp", "roles", "scp", "ver",   "iat", "nbf", "exp"};

/// What runs on the loop of this check.
struct Bench {
  std::unique_ptr<net::Loop> loop;
  std::unique_ptr<net::SystemResolver> resolver;
  std::unique_ptr<workload::Credentials> credentials;
  std::unique_ptr<workload::CredentialReader> reader;

  void run(net::Task<void> task) {
    net::Scope scope;
    scope.spawn(root(*loop, std::move(task)));
    loop->run();
  }

 private:
  static net::Task<void> root(net::Loop& loop, net::Task<void> task) {
    co_await task;
    loop.stop();
  }
};

/// Which part of getting a token failed: where nothing answered, it is the source.
bool never_answered(std::string_view detail) {
  for (const std::string_view part : {"token.network", "token.tls", "token.file", "token.assertion", "token.endpoint", "no answer within"}) {
    if (detail.contains(part)) return true;
  }
  return false;
}

std::string_view help_for(std::string_view detail) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kHelp = {
      {{"AADSTS700213", "no federated credential of the application matches the token file: compare issuer, subject and audience"},
       {"AADSTS700211", "no federated credential of the application names this issuer; a missing trailing slash is enough"},
       {"AADSTS70021", "no federated credential matches yet; a new one takes some seconds"},
       {"AADSTS700016", "the application is not in that directory: check clientId and tenantId"},
       {"redirects", "name the place itself: redirects are not followed"},
       {"invalid_resource", "check tokenAudience of the Backend"},
       {"token.network", "check the address and the way there; no proxy is used"}}};
  for (const auto& [part, help] : kHelp) {
    if (detail.contains(part)) return help;
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> claims_of(std::string_view token) {
  std::vector<std::pair<std::string, std::string>> claims;
  const std::optional<std::string> payload = workload::unverified_payload(token);
  json::Document document;
  if (!payload || !document.parse(*payload) || !document.root().is_object()) return claims;
  for (const std::string_view name : kClaims) {
    if (const auto value = document.root().find(name)) claims.emplace_back(name, value->raw());
  }
  return claims;
}

net::Task<void> get_token(Bench& bench, workload::BadgePtr badge, std::string origin, Result<workload::PresentedPtr>& result) {
  const workload::CredentialReader::SlotPtr slot = bench.reader->hold(badge);
  Result<void> ready = co_await bench.reader->ready(slot, {bench.loop->after(kTokenTime), nullptr});
  if (!ready) result = Fail(std::move(ready).error());
  else result = bench.reader->attach(*slot, origin);
}

void check_token(Bench& bench, const workload::BadgePtr& badge, const std::string& place, CredentialReport& report) {
  Result<workload::PresentedPtr> got = workload::PresentedPtr();
  bench.run(get_token(bench, badge, badge->identity().origins.front(), got));
  const std::string& audience = badge->identity().audience;
  const std::string subject = audience.empty() ? "" : " for " + audience;
  constexpr std::string_view kPrefix = "credential.unavailable: ";
  std::string detail = got ? "" : got.error().detail;
  if (detail.starts_with(kPrefix)) detail.erase(0, kPrefix.size());
  if (!place.empty()) {
    const bool reached = got || !never_answered(detail);
    report.steps.push_back({reached ? State::kOk : State::kFailed, "source", reached ? place + " answers" : place + ": " + detail,
                            std::string(reached ? std::string_view() : help_for(detail))});
    if (!reached) return;
  }
  if (!got) {
    report.steps.push_back({State::kFailed, "token", "none" + subject + ": " + detail, std::string(help_for(detail))});
    return;
  }
  CredentialStep step{State::kOk, "token", "there is one" + subject};
  step.expires_at = (*got)->expires_wall;
  if (badge->identity().style == workload::HeaderStyle::kBearer) {
    std::string_view line = (*got)->line.reveal();
    line.remove_suffix(2);
    step.claims = claims_of(line.substr(line.rfind(' ') + 1));
  }
  report.steps.push_back(std::move(step));
}

struct Place {
  net::DialTarget target;
  std::unique_ptr<net::TlsClientContext> trust;
};

Result<Place> place_of(const config::Snapshot& snapshot, const std::string& origin, const Clock& clock) {
  TRY(const config::Endpoint endpoint, config::parse_endpoint(origin));
  std::string ca_file;
  Place place;
  place.target = {.host = endpoint.host, .port = endpoint.port, .server_name = endpoint.host};
  for (const config::TargetEntry& target : snapshot.targets()) {
    if (target.endpoint_is_live || target.endpoint.origin() != origin) continue;
    ca_file = target.ca_file;
    place.target.server_name = target.server_name;
    break;
  }
  if (endpoint.scheme != config::Endpoint::Scheme::kHttps) return place;
  TRY(place.trust, net::make_tls_client(ca_file, clock));
  place.target.tls = place.trust.get();
  return place;
}

net::Task<void> dial_once(Bench& bench, net::DialTarget target, CredentialStep& step) {
  net::DialResult dialled = co_await net::dial(*bench.loop, *bench.resolver, target, {bench.loop->after(kOriginTime), nullptr});
  if (!dialled) {
    step.state = State::kFailed;
    step.text += ": " + std::string(net::to_string(dialled.error().step)) + ": " + dialled.error().detail;
    co_return;
  }
  step.text += std::string(target.tls != nullptr ? ": TLS" : ": connected") + " at " + net::to_string((*dialled)->peer());
}

void check_origin(Bench& bench, const config::Snapshot& snapshot, const std::string& origin, const Clock& clock, CredentialReport& report) {
  CredentialStep step{State::kOk, "origin", origin};
  if (origin.starts_with("simulator://")) {
    step.state = State::kSkipped;
    step.text += ": runs under `wye up` only";
  } else if (Result<Place> place = place_of(snapshot, origin, clock); !place) {
    step.state = State::kFailed;
    step.text += ": " + place.error().public_message + place.error().detail;
  } else {
    bench.run(dial_once(bench, place->target, step));
  }
  report.steps.push_back(std::move(step));
}

const workload::CredentialWanted* find(const std::vector<workload::CredentialWanted>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &workload::CredentialWanted::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

CredentialReport check_credential(const config::Snapshot& snapshot, const std::string& name, const Clock& clock, const Environment& environment,
                                  const workload::TakeVariable& take) {
  CredentialReport report{name, {}};
  const std::vector<workload::CredentialWanted> all = credentials_wanted(snapshot);
  const workload::CredentialWanted* known = find(all, name);
  if (known == nullptr) {
    report.steps.push_back({State::kFailed, "configuration", "no Credential is named " + name});
    return report;
  }
  report.found = true;
  workload::CredentialWanted wanted = *known;
  if (wanted.audiences.empty()) wanted.audiences.push_back(config::BackendAuth{}.token_audience);  // no Backend names it yet
  std::string origins;
  for (const std::string& origin : wanted.origins) origins += (origins.empty() ? "" : " ") + origin;
  report.steps.push_back({State::kOk, "configuration", "Credential " + name + ", for " + origins});

  net::Offload offload(1, 64);
  Bench bench;
  Result<std::unique_ptr<net::Loop>> loop = net::make_epoll_loop(clock);
  if (!loop) {
    report.steps.push_back({State::kFailed, "source", loop.error().detail});
    return report;
  }
  bench.loop = std::move(*loop);
  bench.resolver = std::make_unique<net::SystemResolver>(*bench.loop, offload);
  bench.credentials =
      std::make_unique<workload::Credentials>(*bench.loop, *bench.resolver, credential_parts(clock, environment, crypto::random_seed()[0], nullptr));
  std::vector<workload::CredentialFinding> wrong;
  const workload::CredentialSetPtr set = bench.credentials->prepare({&wanted, 1}, take, wrong);
  if (set == nullptr) {
    report.steps.push_back({State::kFailed, "source", wrong.at(0).what});
    return report;
  }
  bench.reader = std::make_unique<workload::CredentialReader>(*bench.loop, bench.credentials.get());
  bench.credentials->take(set);
  for (const workload::CredentialState& state : bench.credentials->states()) check_token(bench, set->find(0, state.audience), state.place, report);
  for (const std::string& origin : wanted.origins) check_origin(bench, snapshot, origin, clock, report);
  return report;
}

std::string to_text(const CredentialReport& report, WallTime now) {
  std::string text;
  for (const CredentialStep& step : report.steps) {
    const std::string_view mark = step.state == State::kOk ? "ok     " : step.state == State::kFailed ? "failed " : "skipped";
    text += std::string(mark) + "  " + step.step + std::string(15 - std::min<size_t>(14, step.step.size()), ' ') + step.text;
    if (step.expires_at.ns != 0) {
      const int64_t minutes = (step.expires_at.ns - now.ns) / 60'000'000'000;
      text += ", until " + rfc3339(step.expires_at) + " (" + std::to_string(minutes) + " min)";
    }
    text += "\n";
    for (const auto& [name, value] : step.claims)
      text += "           " + name + std::string(8 - std::min<size_t>(7, name.size()), ' ') + value + "\n";
    if (!step.help.empty()) text += "  help: " + step.help + "\n";
  }
  return text;
}

std::string to_json(const CredentialReport& report) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object().string("credential", report.name).boolean("ok", report.ok()).begin_array("steps");
  for (const CredentialStep& step : report.steps) {
    constexpr std::array<std::string_view, 3> kNames = {"ok", "failed", "skipped"};
    writer.begin_object().string("step", step.step).string("state", kNames[static_cast<size_t>(step.state)]).string("text", step.text);
    if (!step.help.empty()) writer.string("help", step.help);
    if (step.expires_at.ns != 0) writer.string("expiresAt", rfc3339(step.expires_at));
    if (!step.claims.empty()) {
      writer.begin_object("claims");
      for (const auto& [name, value] : step.claims) writer.raw(name, value);
      writer.end_object();
    }
    writer.end_object();
  }
  writer.end_array().end_object();
  return text + "\n";
}

}  // namespace wye::app
