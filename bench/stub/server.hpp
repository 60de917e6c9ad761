#pragma once
// The stub upstream: one thread, edge-triggered epoll, a heap of what is due. Answers POST /v1/chat/completions (unary and SSE),
// GET /v1/models and GET /stub/stats. Output that does not fit the socket waits in the connection's buffer; a stream keeps its
// schedule and may catch up in bursts.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../wire/message.hpp"
#include "answer.hpp"
#include "options.hpp"
#include "request.hpp"
#include "stats.hpp"

namespace wye::bench::stub {

class Server {
 public:
  explicit Server(const Options& options) : options_(options), draw_(static_cast<uint64_t>(options.seed) * 2654435769U + 1) {}
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  bool listen();  // prints the reason on failure
  uint16_t port() const;
  void run(const volatile int& stop);
  const Stats& stats() const { return stats_; }

 private:
  enum class Phase : uint8_t { kReading, kWaiting, kStreaming };

  struct Connection final : MessageSink {
    void on_head(const Head& head) override;
    void on_body(std::string_view bytes) override { body.append(bytes); }

    int fd = -1;
    uint32_t generation = 0;  // so that what is due for an earlier connection in this place is not done
    Phase phase = Phase::kReading;
    MessageReader reader{MessageKind::kRequest};
    std::string method, target, authorization, body, out;
    size_t sent = 0;
    bool close_after = false, expect_continue = false;
    AnswerFacts facts;
    Directives directives;
    bool stream = false;
    int next_chunk = 0, cut_at = -1;  // cut_at: before this chunk, or for unary 0
    int64_t due_ns = 0;
  };

  struct Due {
    int64_t at_ns;
    uint32_t slot, generation;
    bool operator>(const Due& other) const { return at_ns > other.at_ns; }
  };

  void accept_all();
  void on_event(uint32_t slot, uint32_t events);
  bool read_some(Connection& c, uint32_t slot, bool hung_up);
  bool take_request(Connection& c, uint32_t slot);
  void begin_chat(Connection& c, uint32_t slot);
  void answer_unary(Connection& c, uint32_t slot);
  void step_stream(Connection& c, uint32_t slot);
  void end_answer(Connection& c);
  void schedule(Connection& c, uint32_t slot, int64_t at_ns);
  void run_due(int64_t now);
  bool flush(Connection& c, uint32_t slot);
  void close_connection(uint32_t slot);
  void protocol_error(const char* what);
  bool draw(double share);

  Options options_;
  Stats stats_;
  int epoll_ = -1, listener_ = -1;
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<uint32_t> free_;
  std::vector<Due> due_;
  std::string scratch_;
  uint64_t draw_;
};

}  // namespace wye::bench::stub
