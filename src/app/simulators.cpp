#include "app/simulators.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>

#include "control/model_runtimes.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr Nanos kLongestSleep = std::chrono::seconds(5);
constexpr Nanos kEndGrace = std::chrono::seconds(2);
constexpr size_t kOutputKept = 4 << 10;
constexpr int kDoublingsMax = 10;

bool same(const provider::LiveEndpoint& a, const provider::LiveEndpoint& b) {
  return a.health == b.health && a.port == b.port && a.instance == b.instance && a.reason == b.reason;
}

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

std::optional<uint16_t> announced_port(std::string_view output) {
  constexpr std::string_view kWords = "listening on 127.0.0.1:";
  for (size_t begin = 0; begin < output.size();) {
    const size_t end = output.find('\n', begin);
    if (end == std::string_view::npos) return std::nullopt;  // the port may be cut
    const std::string_view line = output.substr(begin, end - begin);
    begin = end + 1;
    if (!line.starts_with(kWords)) continue;
    uint16_t port = 0;
    const std::string_view digits = line.substr(kWords.size());
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() && port != 0) return port;
  }
  return std::nullopt;
}

struct Simulators::State {
  struct One {
    SimulatorSpec spec;
    std::optional<os::ChildProcess> child;
    std::string output;
    std::string failure;  // why it does not run; empty: it never failed
    uint16_t port = 0;
    uint64_t instance = 0;
    int failures = 0;
    MonoTime deadline{0};  // of the announcement, or of the next start
    std::optional<provider::LiveEndpoint> told;
  };

  State(SimulatorsOptions o, const Clock& c, Log& l, Told t)
      : options(std::move(o)),
        clock(c),
        log(l),
        told(std::move(t)),
        wake_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_fd.get(), &one, sizeof one);
  }
  void run();
  bool take_wishes();
  void start(One& one);
  void look(One& one);
  void fail(One& one, std::string reason);
  void tell(One& one);
  void write_upstreams();
  void wait();

  const SimulatorsOptions options;
  const Clock& clock;
  Log& log;
  const Told told;
  const os::Fd wake_fd;

  mutable std::mutex mutex;  // guards what follows, up to the thread
  std::optional<std::vector<SimulatorSpec>> wanted;
  std::map<std::string, provider::LiveEndpoint> models;
  std::optional<uint16_t> first_port;
  bool stopping = false;
  Nanos grace = kEndGrace;
  std::thread thread;

  // The thread's own.
  std::vector<One> running;
  std::map<std::string, provider::LiveEndpoint> seen_models;
  std::string upstreams;
  bool upstreams_written = false;
  uint64_t last_instance = 0;
};

Simulators::Simulators(SimulatorsOptions options, const Clock& clock, Log& log, Told told)
    : state_(std::make_unique<State>(std::move(options), clock, log, std::move(told))) {
  // Signals belong to the threads that wait for them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Simulators::~Simulators() { stop(kEndGrace); }

void Simulators::apply(std::vector<SimulatorSpec> wanted) {
  const std::lock_guard lock(state_->mutex);
  state_->wanted = std::move(wanted);
  state_->wake();
}

void Simulators::set_model(const std::string& model, const provider::LiveEndpoint& endpoint) {
  const std::lock_guard lock(state_->mutex);
  state_->models[model] = endpoint;
  state_->wake();
}

std::optional<uint16_t> Simulators::port() const {
  const std::lock_guard lock(state_->mutex);
  return state_->first_port;
}

void Simulators::stop(Nanos grace) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->grace = grace;
    state_->wake();
  }
  if (state_->thread.joinable()) state_->thread.join();
}

void Simulators::State::run() {
  while (take_wishes()) {
    write_upstreams();
    for (One& one : running) {
      look(one);
      if (!one.child && clock.mono() >= one.deadline) start(one);
    }
    {
      const std::lock_guard lock(mutex);
      const auto up = std::ranges::find_if(running, [](const One& one) { return one.port != 0; });
      first_port = up == running.end() ? std::nullopt : std::optional(up->port);
    }
    for (One& one : running) tell(one);  // whoever hears that it lives may ask for its port
    wait();
  }
  for (One& one : running) {
    if (one.child) one.child->signal_group(SIGTERM);  // all at once, then one after the other
  }
  for (One& one : running) {
    if (one.child) one.child->terminate(grace);
  }
  running.clear();
}

/// Takes what other threads left; false when it is time to end.
bool Simulators::State::take_wishes() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(wake_fd.get(), &count, sizeof count);
  std::optional<std::vector<SimulatorSpec>> wishes;
  {
    const std::lock_guard lock(mutex);
    if (stopping) return false;
    wishes = std::exchange(wanted, std::nullopt);
    seen_models = models;
  }
  if (!wishes) return true;
  std::erase_if(running, [&](One& one) {
    if (std::ranges::find(*wishes, one.spec) != wishes->end()) return false;
    if (one.child) one.child->terminate(kEndGrace);
    return true;
  });
  for (SimulatorSpec& wish : *wishes) {
    if (std::ranges::find(running, wish, &One::spec) != running.end()) continue;
    One one;
    one.spec = std::move(wish);
    running.push_back(std::move(one));
  }
  return true;
}

void Simulators::State::start(One& one) {
  const SimulatorSpec& spec = one.spec;
  // A model's name stands in for an empty one: without a model the Backend stays broken, but says why.
  const std::string model = spec.model.empty() ? "none" : spec.model;
  Result<os::ChildProcess> child =
      os::ChildProcess::start({.arguments = {options.program.string(), "--port", "0", "--upstream-file", options.upstream_file.string(),
                                             "--deployment", spec.deployment + "=" + model, "--key-file", spec.key_file.string(), "--with-parent"},
                               .environment = {},
                               .folder = "/"});
  if (!child) return fail(one, child.error().detail);
  one.child.emplace(std::move(*child));
  one.output.clear();
  one.port = 0;
  one.instance = ++last_instance;
  one.deadline = clock.mono() + options.start_max;
}

void Simulators::State::look(One& one) {
  if (!one.child) return;
  one.child->try_read_output(one.output);
  if (one.output.size() > kOutputKept && one.port != 0) one.output.erase(0, one.output.size() - kOutputKept);
  if (const auto status = one.child->try_wait()) {
    one.child->try_read_output(one.output);
    return fail(one, "the simulator ended with " + os::to_string(*status) + (one.output.empty() ? "" : ": " + one_line(one.output)));
  }
  if (one.port != 0) return;
  if (const auto port = announced_port(one.output)) {
    one.port = *port;
    one.failures = 0;
    one.failure.clear();
    log.info("simulator.ready", {{"backend", one.spec.backend}, {"port", std::to_string(*port)}});
  } else if (clock.mono() >= one.deadline) {
    fail(one, "the simulator did not say where it listens");
  }
}

void Simulators::State::fail(One& one, std::string reason) {
  if (one.child) one.child->terminate(Nanos{});
  one.child.reset();
  one.port = 0;
  const Nanos wait = std::min(options.backoff_max, Nanos(options.backoff_first.count() << std::min(one.failures, kDoublingsMax)));
  one.failures = std::min(one.failures + 1, kDoublingsMax);
  one.deadline = clock.mono() + wait;
  one.failure = std::move(reason);
  log.warning("simulator.failed", {{"backend", one.spec.backend}, {"reason", one.failure}});
}

void Simulators::State::tell(One& one) {
  provider::LiveEndpoint where;
  if (one.port != 0) {
    where.health = provider::Health::kLive;
    where.host = "127.0.0.1";
    where.port = one.port;
    where.instance = one.instance;
  } else if (!one.failure.empty()) {
    where.health = provider::Health::kBroken;
    where.reason = one.failure;
  } else {
    where.reason = "the simulator starts";
  }
  const auto model = seen_models.find(one.spec.model);
  const provider::LiveEndpoint now =
      control::behind_simulator(where, one.spec.model, model == seen_models.end() ? provider::LiveEndpoint{} : model->second);
  if (one.told && same(*one.told, now)) return;
  one.told = now;
  told(one.spec.backend, now);
}

void Simulators::State::write_upstreams() {
  std::string text;
  for (const auto& [model, endpoint] : seen_models) {
    if (endpoint.health != provider::Health::kLive) continue;
    text += model + " http://" + endpoint.host + ":" + std::to_string(endpoint.port);
    if (endpoint.key != nullptr) text.append(" ").append(endpoint.key->reveal());
    text += "\n";
  }
  if (upstreams_written && text == upstreams) return;
  if (const Result<> written = os::write_file_atomic(options.upstream_file, text); !written) {
    log.error("simulator.upstreams_failed", {{"detail", written.error().detail}});
    return;
  }
  upstreams = std::move(text);
  upstreams_written = true;
}

void Simulators::State::wait() {
  std::vector<pollfd> fds = {{.fd = wake_fd.get(), .events = POLLIN, .revents = 0}};
  Nanos sleep = kLongestSleep;
  const MonoTime now = clock.mono();
  for (const One& one : running) {
    if (one.port == 0) sleep = std::min(sleep, std::max(Nanos{}, one.deadline - now));
    if (!one.child) continue;
    fds.push_back({.fd = one.child->exit_fd(), .events = POLLIN, .revents = 0});
    fds.push_back({.fd = one.child->output_fd(), .events = POLLIN, .revents = 0});
  }
  ::poll(fds.data(), fds.size(), static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(sleep).count()));
}

}  // namespace wye::app
