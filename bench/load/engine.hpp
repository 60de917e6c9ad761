#pragma once
// The load itself: one thread, edge-triggered epoll, closed loop (every connection sends again as soon as its answer is proven) or
// open loop (requests have intended times; latency counts from those, so that a stalled server cannot hide the requests it delayed:
// "coordinated omission"). Allocates nothing once buffers have grown. Phases: warm-up, window, drain; answers of all three are checked.
#include <sys/epoll.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "../wire/histogram.hpp"
#include "../wire/message.hpp"
#include "accounting.hpp"
#include "check.hpp"
#include "options.hpp"

namespace wye::bench::load {

struct Outcome {
  Histogram latency;      // whole answer, of the window
  Histogram first_chunk;  // streams: sent to first content chunk
  Histogram chunk_gap;    // streams: between chunks
  Sample begin, end;      // of the window
  uint64_t completed = 0, completed_all = 0, chunks = 0, chunks_all = 0;  // in the window; from start to end
  uint64_t aborted = 0, reconnects = 0, failures = 0, unanswered = 0;
  uint64_t late_dispatch = 0;  // sent more than 1 ms after the intended time
  std::string first_failure;
};

class Engine {
 public:
  Engine(const Options& options, const RequestText& request, const Expectation& expected, const Accounting& accounting);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Returns false where the run could not begin; failures of single requests are in the outcome.
  bool run();
  const Outcome& outcome() const { return *outcome_; }

 private:
  enum class Phase : uint8_t { kWarmup, kWindow, kDrain };

  struct Connection {
    explicit Connection(const Expectation& expected) : check(expected) {}
    int fd = -1;
    bool connecting = false, busy = false;
    bool retired = false;    // pauses after a failure
    bool peer_gone = false;  // no further request on this connection
    std::string request;
    size_t sent = 0;
    int64_t start_ns = 0;     // not before
    int64_t intended_ns = 0;  // latency counts from here
    int64_t sent_ns = 0, last_chunk_ns = 0, abort_ns = 0;
    int chunks_counted = 0;
    MessageReader reader{MessageKind::kResponse};
    AnswerCheck check;
  };

  void run_phases(int64_t now);
  void begin_window();
  void end_window();
  bool may_dispatch() const;
  bool has_backlog() const;
  int64_t next_intended() const;
  void dispatch_due(int64_t now);
  bool open_connection(Connection& c, size_t slot);
  void dispatch(Connection& c, size_t slot, int64_t intended_ns);
  void send_rest(Connection& c, size_t slot);
  void on_event(size_t slot, uint32_t events);
  void receive(Connection& c, size_t slot, bool hung_up);
  void count_chunks(Connection& c, int64_t now);
  void complete(Connection& c, size_t slot);
  void release(Connection& c, size_t slot);
  void drop(Connection& c, size_t slot, const char* failure);
  void sweep(int64_t now);
  int64_t next_wake(int64_t now) const;
  double draw();

  const Options& options_;
  const RequestText& request_;
  const Accounting& accounting_;
  std::unique_ptr<Outcome> outcome_ = std::make_unique<Outcome>();
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<size_t> idle_;
  std::string scratch_;
  std::array<epoll_event, 512> events_{};
  int epoll_ = -1;
  Phase phase_ = Phase::kWarmup;
  int64_t begin_ns_ = 0, phase_end_ns_ = 0, next_sweep_ns_ = 0;
  size_t not_started_ = 0;
  uint64_t issued_open_ = 0;  // open loop: intended times handed out
  int64_t issued_in_window_ = 0;
  size_t in_flight_ = 0;
  bool finished_ = false;
  uint64_t nonce_ = 0, draw_ = 0;
};

}  // namespace wye::bench::load
