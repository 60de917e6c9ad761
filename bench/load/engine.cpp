#include "engine.hpp"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "../wire/time.hpp"

namespace wye::bench::load {
namespace {

constexpr size_t kScratch = 256 * 1024;
constexpr int64_t kSweepNs = 100 * kNsPerMs;
constexpr int64_t kForEver = INT64_MAX;
constexpr uint32_t kHangUp = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

int64_t to_ns(double seconds) { return static_cast<int64_t>(seconds * static_cast<double>(kNsPerSecond)); }

}  // namespace

Engine::Engine(const Options& options, const RequestText& request, const Expectation& expected, const Accounting& accounting)
    : options_(options),
      request_(request),
      accounting_(accounting) {
  const auto count = static_cast<size_t>(options.connections);
  connections_.reserve(count);
  idle_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    connections_.push_back(std::make_unique<Connection>(expected));
    connections_.back()->request = request.bytes;
  }
  scratch_.resize(kScratch);
  outcome_->first_failure.reserve(512);
  draw_ = static_cast<uint64_t>(options.seed) * 0x9e3779b97f4a7c15ULL + 1;
  nonce_ = draw_ << 20 & 0x0fffffffffffffffULL;
}

Engine::~Engine() {
  for (const auto& c : connections_) {
    if (c->fd >= 0) close(c->fd);
  }
  if (epoll_ >= 0) close(epoll_);
}

bool Engine::run() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return false;
  begin_ns_ = now_ns();
  const int64_t ramp = static_cast<int64_t>(options_.ramp_ms * static_cast<double>(kNsPerMs));
  for (size_t i = 0; i < connections_.size(); ++i) {
    connections_[i]->start_ns = begin_ns_ + ramp * static_cast<int64_t>(i) / static_cast<int64_t>(connections_.size());
  }
  phase_end_ns_ = begin_ns_ + to_ns(options_.warmup_s);
  while (!finished_) {
    const int64_t now = now_ns();
    run_phases(now);
    dispatch_due(now);
    if (now >= next_sweep_ns_) sweep(now);
    if (finished_) break;
    const int n = wait_events(epoll_, events_.data(), static_cast<int>(events_.size()), std::max<int64_t>(0, next_wake(now) - now_ns()));
    for (int i = 0; i < n; ++i) on_event(static_cast<size_t>(events_[static_cast<size_t>(i)].data.u64), events_[static_cast<size_t>(i)].events);
  }
  return true;
}

void Engine::run_phases(int64_t now) {
  if (phase_ == Phase::kWarmup && now >= phase_end_ns_) begin_window();
  if (phase_ == Phase::kWindow) {
    const bool all_done = options_.requests > 0 && issued_in_window_ >= options_.requests && in_flight_ == 0;
    if (all_done || now >= phase_end_ns_) end_window();
  }
  if (phase_ == Phase::kDrain) {
    finished_ = in_flight_ == 0 && !has_backlog();
    if (now >= phase_end_ns_ && !finished_) {
      outcome_->unanswered = in_flight_;
      while (has_backlog()) ++issued_open_, ++outcome_->unanswered;
      outcome_->failures += outcome_->unanswered;
      if (outcome_->first_failure.empty()) outcome_->first_failure = "no answer before the drain ended";
      finished_ = true;
    }
  }
}

void Engine::begin_window() {
  phase_ = Phase::kWindow;
  outcome_->begin = accounting_.sample();
  const int64_t now = now_ns();
  phase_end_ns_ = options_.seconds > 0 ? now + to_ns(options_.seconds) : kForEver;
}

void Engine::end_window() {
  outcome_->end = accounting_.sample();
  phase_ = Phase::kDrain;
  phase_end_ns_ = now_ns() + to_ns(options_.drain_s);
}

int64_t Engine::next_intended() const { return begin_ns_ + static_cast<int64_t>(static_cast<double>(issued_open_) * 1e9 / options_.rate); }

// Open loop: requests that the window owes because no connection was free; they are still sent, and their wait counts.
bool Engine::has_backlog() const {
  return options_.rate > 0 && phase_ == Phase::kDrain && options_.requests == 0 && next_intended() < outcome_->end.at_ns;
}

bool Engine::may_dispatch() const {
  if (phase_ == Phase::kDrain) return has_backlog();
  return phase_ == Phase::kWarmup || options_.requests == 0 || issued_in_window_ < options_.requests;
}

// Starts what is due: connections that have not begun, and the intended times of the open loop.
void Engine::dispatch_due(int64_t now) {
  while (not_started_ < connections_.size() && connections_[not_started_]->start_ns <= now && phase_ != Phase::kDrain) {
    Connection& c = *connections_[not_started_];
    const size_t slot = not_started_++;
    if (options_.rate > 0) {
      idle_.push_back(slot);
    } else if (may_dispatch()) {
      dispatch(c, slot, now_ns());
    }
  }
  if (options_.rate <= 0) return;
  while (may_dispatch()) {
    const int64_t intended = next_intended();
    if (intended > now || idle_.empty()) return;
    const size_t slot = idle_.back();
    idle_.pop_back();
    ++issued_open_;
    dispatch(*connections_[slot], slot, intended);
  }
}

bool Engine::open_connection(Connection& c, size_t slot) {
  c.fd = start_connect(options_.url);
  if (c.fd < 0 || !watch(epoll_, c.fd, slot)) return false;
  c.connecting = true;
  c.peer_gone = false;
  c.reader.reset();
  return true;
}

void Engine::dispatch(Connection& c, size_t slot, int64_t intended_ns) {
  if (phase_ == Phase::kWindow) ++issued_in_window_;
  ++in_flight_;
  c.busy = true;
  c.sent = 0;
  c.intended_ns = intended_ns;
  c.sent_ns = now_ns();
  if (c.sent_ns - intended_ns > kNsPerMs) ++outcome_->late_dispatch;
  c.last_chunk_ns = 0;
  c.chunks_counted = 0;
  c.abort_ns = 0;
  if (options_.abort_share > 0 && draw() < options_.abort_share) {
    c.abort_ns = c.sent_ns + static_cast<int64_t>(draw() * options_.abort_within_ms * static_cast<double>(kNsPerMs));
    next_sweep_ns_ = std::min(next_sweep_ns_, c.abort_ns);
  }
  std::array<char, kNonceDigits> digits{};
  write_hex(digits.data(), ++nonce_);
  for (const size_t at : {request_.nonce_at, request_.header_nonce_at}) {
    if (at != std::string::npos) std::memcpy(c.request.data() + at, digits.data(), digits.size());
  }
  c.check.begin({digits.data(), digits.size()});
  c.reader.reset();
  if (c.fd < 0 && !open_connection(c, slot)) return drop(c, slot, "cannot connect");
  if (!c.connecting) send_rest(c, slot);
}

void Engine::send_rest(Connection& c, size_t slot) {
  while (c.sent < c.request.size()) {
    const ssize_t n = send(c.fd, c.request.data() + c.sent, c.request.size() - c.sent, MSG_NOSIGNAL);
    if (n >= 0) {
      c.sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      return drop(c, slot, "connection broke while the request was sent");
    }
  }
}

void Engine::on_event(size_t slot, uint32_t events) {
  Connection& c = *connections_[slot];
  if (c.fd < 0) return;
  if (c.connecting) {
    if (const int error = socket_error(c.fd); error != 0) return drop(c, slot, "connection refused");
    if ((events & EPOLLOUT) == 0) return;
    c.connecting = false;
  }
  if ((events & EPOLLOUT) != 0 && c.busy && c.sent < c.request.size()) send_rest(c, slot);
  if (c.fd >= 0 && (events & (EPOLLIN | kHangUp)) != 0) receive(c, slot, (events & kHangUp) != 0);
}

// A short read means that no more is there, but for the end of the stream: after a hang-up it is read until that shows, for no
// other edge will come.
void Engine::receive(Connection& c, size_t slot, bool hung_up) {
  c.peer_gone = c.peer_gone || hung_up;
  const int fd = c.fd;
  while (c.fd == fd) {
    const ssize_t n = recv(c.fd, scratch_.data(), scratch_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      c.peer_gone = true;
      c.reader.closed();
      if (c.busy && c.reader.done()) return complete(c, slot);
      return drop(c, slot, c.busy ? "connection closed before the answer was whole" : nullptr);
    }
    if (!c.busy) return drop(c, slot, "bytes without a request");
    const std::string_view in(scratch_.data(), static_cast<size_t>(n));
    const size_t used = c.reader.feed(in, c.check);
    if (options_.body.stream) count_chunks(c, now_ns());
    if (c.reader.failed()) return drop(c, slot, c.reader.error());
    const bool wrong = c.check.failure() != nullptr && c.check.status() == options_.expect_status;  // another status: its body says why
    if (wrong && !c.reader.done()) return drop(c, slot, c.check.failure());
    if (c.reader.done()) {
      if (used < in.size()) return drop(c, slot, "bytes follow the answer");
      if (c.sent < c.request.size()) return drop(c, slot, "answered before the request was sent");
      complete(c, slot);
    }
    if (static_cast<size_t>(n) < scratch_.size() && !hung_up) return;
  }
}

void Engine::count_chunks(Connection& c, int64_t now) {
  const int seen = c.check.chunks_seen();
  const int fresh = seen - c.chunks_counted;
  if (fresh <= 0) return;
  outcome_->chunks_all += static_cast<uint64_t>(fresh);
  if (phase_ == Phase::kWindow) {
    outcome_->chunks += static_cast<uint64_t>(fresh);
    if (c.chunks_counted > 0 && c.last_chunk_ns >= outcome_->begin.at_ns) outcome_->chunk_gap.record(now - c.last_chunk_ns);
    if (c.chunks_counted == 0 && c.intended_ns >= outcome_->begin.at_ns) outcome_->first_chunk.record(now - c.intended_ns);
  }
  c.chunks_counted = seen;
  c.last_chunk_ns = now;
}

void Engine::complete(Connection& c, size_t slot) {
  if (const char* failure = c.check.finish()) return drop(c, slot, failure);
  const int64_t now = now_ns();
  ++outcome_->completed_all;
  const bool in_window = phase_ == Phase::kWindow;
  if (in_window) ++outcome_->completed;
  // Latency, closed loop: what begins and ends in the window. Open loop: what was intended in it, however late it came.
  const bool late = options_.rate > 0 && phase_ == Phase::kDrain && c.intended_ns < outcome_->end.at_ns;
  if ((in_window || late) && c.intended_ns >= outcome_->begin.at_ns) outcome_->latency.record(now - c.intended_ns);
  if (c.check.closes() || c.peer_gone) {
    close(c.fd);
    c.fd = -1;
    ++outcome_->reconnects;
  }
  c.busy = false;
  --in_flight_;
  release(c, slot);
}

// The connection is free for its next request.
void Engine::release(Connection& c, size_t slot) {
  if (options_.rate > 0) {
    idle_.push_back(slot);
  } else if (may_dispatch()) {
    const int64_t now = now_ns();
    if (phase_ == Phase::kWindow && now >= phase_end_ns_) return;
    dispatch(c, slot, now);
  }
}

// Ends a connection; with a failure its request counts as wrong. Null: an idle connection went, or the client leaves on purpose.
void Engine::drop(Connection& c, size_t slot, const char* failure) {
  if (failure != nullptr) {
    ++outcome_->failures;
    if (outcome_->first_failure.empty()) {
      outcome_->first_failure.assign(failure);
      outcome_->first_failure += " (status " + std::to_string(c.check.status()) + ", chunk " + std::to_string(c.check.chunks_seen()) + "): ";
      outcome_->first_failure.append(c.check.body().substr(0, 400));
    }
  }
  if (c.fd >= 0) close(c.fd);
  c.fd = -1;
  c.connecting = false;
  c.reader.reset();
  if (!c.busy) {
    ++outcome_->reconnects;
    return;
  }
  c.busy = false;
  --in_flight_;
  if (failure == nullptr) return release(c, slot);
  // A refusing server must not be hammered in a tight loop: this connection pauses.
  c.start_ns = now_ns() + 10 * kNsPerMs;
  c.retired = true;
  next_sweep_ns_ = std::min(next_sweep_ns_, c.start_ns);
}

// Time-outs, clients that leave, connections that pause after a failure.
void Engine::sweep(int64_t now) {
  next_sweep_ns_ = now + kSweepNs;
  for (size_t slot = 0; slot < not_started_; ++slot) {
    Connection& c = *connections_[slot];
    if (c.retired && c.start_ns <= now) {
      c.retired = false;
      release(c, slot);
    }
    if (!c.busy) continue;
    if (c.abort_ns > 0 && c.abort_ns <= now) {
      ++outcome_->aborted;
      drop(c, slot, nullptr);
    } else if (now - c.sent_ns > to_ns(options_.timeout_s)) {
      drop(c, slot, "no whole answer before the time-out");
    }
    if (c.busy && c.abort_ns > 0) next_sweep_ns_ = std::min(next_sweep_ns_, c.abort_ns);
  }
}

int64_t Engine::next_wake(int64_t now) const {
  int64_t wake = std::min({phase_end_ns_, next_sweep_ns_, now + kSweepNs});
  if (phase_ == Phase::kDrain && in_flight_ == 0 && !has_backlog()) return now;
  if (phase_ == Phase::kWindow && options_.requests > 0 && issued_in_window_ >= options_.requests && in_flight_ == 0) return now;
  if (phase_ == Phase::kDrain && !has_backlog()) return wake;
  if (not_started_ < connections_.size()) wake = std::min(wake, connections_[not_started_]->start_ns);
  if (options_.rate > 0 && !idle_.empty() && may_dispatch()) { wake = std::min(wake, next_intended()); }
  return wake;
}

double Engine::draw() {
  draw_ ^= draw_ << 13;
  draw_ ^= draw_ >> 7;
  draw_ ^= draw_ << 17;
  return static_cast<double>(draw_ >> 11) * 0x1.0p-53;
}

}  // namespace wye::bench::load
