#include "app/local_targets.hpp"

#include "app/loopback_call.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr size_t kRuntimeKeyDigits = 43;  // 256 bit

Result<runtime::HttpCallAnswer> call_child(const Clock& clock, const runtime::HttpCallRequest& request) {
  LoopbackCall call;
  call.target.host = "127.0.0.1";
  call.target.port = request.port;
  call.target.loopback_only = true;
  call.method = request.method;
  call.path = request.path;
  call.body = request.body;
  call.bearer = request.bearer;
  call.timeout = request.timeout;
  call.body_max = request.body_max;
  TRY(LoopbackAnswer answer, loopback_call(clock, call));
  return runtime::HttpCallAnswer{answer.status, std::move(answer.body)};
}

Result<std::string> hash_file(const std::filesystem::path& path, const std::stop_token& stop) {
  TRY(const crypto::FileDigest found, crypto::sha256_file(path, [&](uint64_t) { return !stop.stop_requested(); }));
  return crypto::to_hex(crypto::as_text(found.digest));
}

bool has_simulator(const config::Snapshot& snapshot) {
  return std::ranges::any_of(snapshot.targets(), [](const config::TargetEntry& target) {
    return target.kind == config::TargetEntry::Kind::kBackend && target.endpoint.simulator();
  });
}

}  // namespace

Result<void> check_artefacts(const config::Snapshot& snapshot, const LocalTargetsParts& parts) {
  if (!snapshot.models().empty()) CHECK_OK(check_artefact(parts.artefacts.llama_server(), Wanted::kProgram));
  if (has_simulator(snapshot)) CHECK_OK(check_artefact(parts.simulator, Wanted::kProgram));
  for (const runtime::RuntimeSpec& spec : control::runtime_specs(snapshot)) {
    // Another file is its owner's: without it that Model is broken and the others serve.
    if (spec.file.parent_path() == parts.artefacts.models()) CHECK_OK(check_artefact(spec.file, Wanted::kFile));
  }
  return {};
}

LocalTargets::LocalTargets(LocalTargetsParts parts)
    : parts_(std::move(parts)),
      random_(crypto::random_seed()),
      simulators_(
          {.program = parts_.simulator, .upstream_file = parts_.data.run() / "simulator-upstreams"}, parts_.clock, parts_.log,
          [this](const std::string& backend, const provider::LiveEndpoint& endpoint) { parts_.told(control::backend_label(backend), endpoint); }),
      models_(supervisor_options(), model_ports()) {}

LocalTargets::~LocalTargets() { stop(Nanos{}); }

runtime::SupervisorOptions LocalTargets::supervisor_options() const {
  runtime::SupervisorOptions options;
  options.llama_server = parts_.artefacts.llama_server();
  options.logs = parts_.data.logs();
  options.run = parts_.data.run();
  return options;
}

control::LocalModelsPorts LocalTargets::model_ports() {
  return {{.clock = parts_.clock,
           .random = random_,
           .log = parts_.log,
           .http = [this](const runtime::HttpCallRequest& request) { return call_child(parts_.clock, request); },
           .sha256_file = hash_file,
           .make_key = [] { return Secret(crypto::random_base62(kRuntimeKeyDigits)); },
           .changed = {},
           .in_flight = {}},
          parts_.metrics,
          [this](const std::string& label, const provider::LiveEndpoint& endpoint) {
            simulators_.set_model(label.substr(control::model_label("").size()), endpoint);
            parts_.told(label, endpoint);
          }};
}

Result<std::filesystem::path> LocalTargets::write_key(const control::SimulatedBackend& backend, const workload::CredentialSet& credentials) const {
  const Secret* key = backend.credential < 0 ? nullptr : credentials.key(static_cast<size_t>(backend.credential));
  if (key == nullptr) return parts_.data.simulator_key();  // as at Azure: without a key that it knows every request is refused
  std::filesystem::path file = parts_.data.run() / ("simulator-" + backend.backend + ".key");
  CHECK_OK(os::write_file_atomic(file, std::string(key->reveal()) + "\n"));
  return file;
}

Result<void> LocalTargets::apply(const config::Snapshot& snapshot, const workload::CredentialSet& credentials) {
  std::vector<SimulatorSpec> simulators;
  for (const control::SimulatedBackend& backend : control::simulated_backends(snapshot, kPreferredModel)) {
    TRY(std::filesystem::path key_file, write_key(backend, credentials));
    if (key_file != parts_.data.simulator_key() && std::ranges::find(key_files_, key_file) == key_files_.end()) key_files_.push_back(key_file);
    simulators.push_back({backend.backend, backend.deployment, backend.model, std::move(key_file)});
  }
  simulators_.apply(std::move(simulators));
  models_.apply(snapshot);
  return {};
}

std::string LocalTargets::simulator_url() const {
  const std::optional<uint16_t> port = simulators_.port();
  return port ? "http://127.0.0.1:" + std::to_string(*port) : std::string();
}

void LocalTargets::stop(Nanos limit) {
  simulators_.stop(std::min(limit, Nanos(std::chrono::seconds(5))));
  models_.stop(limit);
  std::error_code error;
  for (const std::filesystem::path& file : key_files_) std::filesystem::remove(file, error);
  key_files_.clear();
  std::filesystem::remove(parts_.data.run() / "simulator-upstreams", error);
}

}  // namespace wye::app
