#include "serving/runtime/instance.hpp"

#include <csignal>

#include "foundation/os/file.hpp"
#include "foundation/os/machine_stats.hpp"
#include "serving/runtime/llama_command.hpp"

namespace wye::runtime {
namespace {

constexpr Nanos kHealthCallMax = std::chrono::seconds(5);
constexpr Nanos kIdleLook = std::chrono::milliseconds(100);
constexpr int kPortRetriesMax = 3;
constexpr size_t kOutputTakeMax = 256 << 10;

std::string reason_of(const Error& error) { return error.detail.empty() ? std::string(client_message(error)) : error.detail; }

/// The last lines, on one line.
std::string last_words(std::string_view text) {
  constexpr size_t kMax = 600;
  if (text.size() > kMax) text.remove_prefix(text.size() - kMax);
  std::string out(text);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

bool down(State state) { return state == State::kBackoff || state == State::kCrashLoop || state == State::kFailed; }

}  // namespace

Instance::Instance(uint64_t id, RuntimeSpec spec, bool has_previous, std::shared_ptr<LogSink> output, const InstancePorts& ports)
    : id_(id),
      spec_(std::move(spec)),
      ports_(ports),
      lifecycle_([&] {
        LifecycleLimits limits = ports.options.limits;
        limits.has_previous = has_previous;
        return limits;
      }()),
      output_(std::move(output)) {
  status_.model = spec_.model;
  status_.version = spec_.version;
  status_.instance = id_;
  status_.slots = spec_.slots;
}

void Instance::stop() {
  stopping_ = true;
  worker_.cancel();
  drive(Event::kStop, "told to stop");
}

void Instance::kill() {
  if (child_) child_->signal_group(SIGKILL);
}

void Instance::drive(Event event, std::string reason) {
  const State before = lifecycle_.state();
  const Action action = lifecycle_.apply(event, ports_.outside.clock.mono(), ports_.outside.random);
  const State now = lifecycle_.state();
  if (event == Event::kTick && down(now) && now != before && reason.empty()) reason = std::string(to_string(before)) + " took too long";
  if (!reason.empty()) status_.reason = std::move(reason);
  if (now != before || (event == Event::kExited && down(now))) describe(before);
  perform(action);
}

void Instance::describe(State before) {
  const State now = lifecycle_.state();
  const MonoTime mono = ports_.outside.clock.mono();
  status_.state = now;
  status_.restarts = lifecycle_.restarts();
  status_.retry_at.reset();
  if (down(now) && lifecycle_.deadline().ns != INT64_MAX)
    status_.retry_at = WallTime{ports_.outside.clock.wall().ns + (lifecycle_.deadline() - mono).count()};
  if (now == State::kReady) {
    status_.reason.clear();
    status_.load_time = mono - load_began_;
    if (const auto stats = os::process_stats(status_.pid)) status_.resident = stats->resident;
  }
  if (now == State::kProbing || down(now) || now == State::kStopped) remove_key();
  if (down(now) || now == State::kStopped) {
    status_.port = 0;
    status_.key.reset();
  }
  if (!lifecycle_.alive()) status_.pid = 0;
  const LogLevel level = now == State::kCrashLoop || now == State::kFailed ? LogLevel::kError
                         : now == State::kBackoff                          ? LogLevel::kWarning
                                                                           : LogLevel::kInfo;
  ports_.outside.log.write(
      level, "runtime.state",
      {{"model", spec_.model}, {"version", spec_.version}, {"from", to_string(before)}, {"state", to_string(now)}, {"reason", status_.reason}});
  ports_.publish(status_);
}

void Instance::perform(Action action) {
  switch (action) {
    case Action::kNone: return;
    case Action::kFetch: return drive(Event::kDone, {});  // the source is a local file: nothing to bring here
    case Action::kVerify: return verify_file();
    case Action::kSpawn: return start_program();
    case Action::kAwaitHealth: return await_health();
    case Action::kProbe: return probe();
    case Action::kAwaitIdle: return await_idle();
    case Action::kTerminate:
      worker_.cancel();
      if (child_) child_->signal_group(SIGTERM);
      return;
    case Action::kKill:
      worker_.cancel();
      kill();
      return;
  }
}

void Instance::start_job(std::function<JobAnswer(std::stop_token)> step) {
  worker_.start([step = std::move(step), post = ports_.post, id = id_, job = ++job_](const std::stop_token& stop) {
    JobAnswer answer = step(stop);
    if (stop.stop_requested()) return;
    answer.instance = id;
    answer.job = job;
    post(std::move(answer));
  });
}

void Instance::take(JobAnswer answer) {
  if (answer.job != job_) return;  // of a step that is over
  if (answer.verified) {
    verified_ = std::move(answer.verified);
    status_.digest = verified_->digest;
    status_.capabilities = verified_->capabilities;
    status_.embedding_length = verified_->facts.embedding_length;
  }
  if (answer.server) status_.context_tokens = answer.server->context_tokens;
  drive(answer.event, std::move(answer.reason));
}

void Instance::verify_file() {
  port_retries_ = 0;
  start_job([spec = spec_, &outside = ports_.outside](const std::stop_token& stop) {
    const auto free = os::free_memory();
    auto verified = verify(spec, free.value_or(Bytes{UINT64_MAX}), outside.sha256_file, stop);
    JobAnswer answer;
    if (verified) {
      answer.verified = std::move(*verified);
    } else {
      answer.event = Event::kFailed;
      answer.reason = reason_of(verified.error());
    }
    return answer;
  });
}

/// Every process has a key of its own: who had the one before has nothing.
Result<std::filesystem::path> Instance::write_key() {
  remove_key();
  auto key = std::make_shared<const Secret>(ports_.outside.make_key());
  std::filesystem::path file = ports_.options.run / ("runtime-" + spec_.model + "-" + std::to_string(id_) + ".key");
  CHECK_OK(os::write_file_atomic(file, key->reveal()));
  key_file_ = file;
  status_.key = std::move(key);
  return file;
}

/// A server reads it once, before it listens.
void Instance::remove_key() {
  if (key_file_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(key_file_, ignored);
  key_file_.clear();
}

Result<> Instance::spawn() {
  TRY(const uint16_t port, os::free_loopback_port());
  tail_.clear();
  child_.reset();
  TRY(std::filesystem::path key_file, write_key());
  LlamaProcess process{.port = port, .key_file = std::move(key_file), .environment = ports_.options.environment};
  TRY(os::ChildProcess child, os::ChildProcess::start(llama_command(ports_.options.llama_server, spec_, verified_->facts, std::move(process))));
  child_.emplace(std::move(child));
  status_.port = port;
  status_.pid = child_->pid();
  load_began_ = ports_.outside.clock.mono();
  return {};
}

void Instance::start_program() {
  if (const auto started = spawn(); !started) return drive(Event::kFailed, reason_of(started.error()));
  drive(Event::kDone, {});
}

void Instance::await_health() {
  start_job([port = status_.port, key = status_.key, every = ports_.options.health_every, &outside = ports_.outside](const std::stop_token& stop) {
    const Prober prober(outside.http, outside.clock, key);
    while (!prober.healthy(port, kHealthCallMax) && !sleep_or_stop(stop, every)) {}
    return JobAnswer{};
  });
}

void Instance::probe() {
  const bool ready = state() == State::kReady;
  start_job([spec = spec_, verified = *verified_, port = status_.port, limit = ports_.options.limits.probe_max, ready, last = last_slots_,
             key = status_.key, &outside = ports_.outside](const std::stop_token&) {
    const Prober prober(outside.http, outside.clock, key);
    const ProbeTarget target{.spec = spec, .verified = verified, .port = port};
    // A little less than the lifecycle allows, so that the reason is the call's own.
    const Nanos own_limit = limit * 9 / 10;
    JobAnswer answer;
    Result<> outcome;
    if (ready) {
      outcome = prober.look(target, own_limit, *last);
    } else {
      last->clear();
      const auto server = prober.prove(target, own_limit);
      if (server) answer.server = *server;
      else outcome = Fail(server.error());
    }
    if (!outcome) {
      answer.event = Event::kFailed;
      answer.reason = "probe failed: " + reason_of(outcome.error());
    }
    return answer;
  });
}

void Instance::await_idle() {
  start_job([port = status_.port, key = status_.key, status = status_, &outside = ports_.outside](const std::stop_token& stop) {
    const Prober prober(outside.http, outside.clock, key);
    // Twice in a row where only the server can say: a request may be on its way to it.
    for (int quiet = 0; quiet < 2;) {
      if (outside.in_flight) quiet = outside.in_flight(status) == 0 ? 2 : 0;
      else quiet = prober.idle(port, kHealthCallMax).value_or(false) ? quiet + 1 : 0;
      if (quiet < 2 && sleep_or_stop(stop, kIdleLook)) break;
    }
    JobAnswer answer;
    answer.event = Event::kIdle;
    return answer;
  });
}

void Instance::take_output() {
  if (!child_) return;
  std::string text;
  child_->try_read_output(text, kOutputTakeMax);
  tail_.append(text);
  if (output_) output_->write(text);
}

bool Instance::retry_other_port() {
  if (state() != State::kLoading || stopping_ || port_retries_ >= kPortRetriesMax || tail_.text().find("couldn't bind") == std::string_view::npos)
    return false;
  ++port_retries_;
  if (!spawn()) return false;
  await_health();
  return true;
}

void Instance::take_exit() {
  if (!child_) return;
  const auto status = child_->try_wait();
  if (!status) return;
  take_output();
  child_.reset();
  if (retry_other_port()) return;
  worker_.cancel();
  ++job_;  // whatever the worker still says is of a server that is gone
  std::string reason;
  if (!down(state()) && !stopping_) {
    reason = "llama-server ended with " + os::to_string(*status);
    if (const std::string words = last_words(tail_.text()); !words.empty()) reason += "; its last words: " + words;
  }
  drive(Event::kExited, std::move(reason));
}

}  // namespace wye::runtime
