// The network inside a SimLoop. Private to foundation/net.
#pragma once

#include "foundation/net/sim_loop.hpp"

namespace wye::net {

class SimNetwork;

/// One end of a simulated connection, as its stream and the events under way see it.
struct SimEnd {
  explicit SimEnd(TimerWheel& wheel) : receive(wheel), send(wheel) {}
  WaitSlot receive;
  WaitSlot send;
  HangupListener* listener = nullptr;
  Endpoint peer;
  std::string unread;
  size_t unread_from = 0;
  size_t under_way = 0;  // bytes sent to this end that have not arrived
  MonoTime last_arrival{};
  std::string failure;
  bool connected = false;
  bool eof = false;
  bool reset = false;
  bool hung_up = false;
  bool send_closed = false;
  bool closed = false;  // its stream is gone
  size_t held() const { return under_way + unread.size() - unread_from; }
};

/// Both ends. Kept alive by its streams and by the events under way.
struct SimConnection {
  SimConnection(uint64_t number, TimerWheel& wheel) : id(number), ends{SimEnd(wheel), SimEnd(wheel)} {}
  uint64_t id;
  std::array<SimEnd, 2> ends;  // 0 connected, 1 accepted
  size_t until_cut = SIZE_MAX;
  bool cut_by_reset = false;
};
using SimConnectionRef = std::shared_ptr<SimConnection>;

struct SimListenerCore {
  SimListenerCore(TimerWheel& wheel, const Endpoint& bound) : slot(wheel), local(bound) {}
  WaitSlot slot;
  Endpoint local;
  std::deque<SimConnectionRef> backlog;
};

class SimNetwork {
 public:
  SimNetwork(Loop& loop, uint64_t seed, const SimFaults& faults) : loop_(loop), random_(seed), faults_(faults) {}

  Result<std::unique_ptr<Listener>> listen(Endpoint endpoint);
  std::unique_ptr<Stream> open(const Endpoint& endpoint);
  void swallow(const Endpoint& endpoint) { swallowed_.push_back(endpoint); }
  void set_faults(const SimFaults& faults) { faults_ = faults; }
  uint64_t trace_hash() const { return trace_; }

  TryResult receive(const SimConnectionRef& connection, size_t side, std::span<char> buffer);
  TryResult send(const SimConnectionRef& connection, size_t side, std::span<const iovec> pieces);
  void close_send(const SimConnectionRef& connection, size_t side);
  void close(const SimConnectionRef& connection, size_t side);
  void close_listener(const std::shared_ptr<SimListenerCore>& core);

 private:
  enum class Event : uint8_t { kSyn, kConnected, kRefused, kBytes, kFin, kReset, kRoom };
  bool chance(double probability) { return probability > 0 && random_.unit() < probability; }
  Nanos latency();
  void trace(Event event, const SimConnection& connection, size_t side, std::string_view bytes = {});
  /// Calls `act(end)` when a segment sent now reaches `side`: after all sent to it before.
  void arrive(const SimConnectionRef& connection, size_t side, std::function<void(SimEnd&)> act);
  void on_syn(const SimConnectionRef& connection);
  void on_bytes(const SimConnectionRef& connection, size_t side, const std::string& bytes);
  void send_fin(const SimConnectionRef& connection, size_t to);
  void send_reset(const SimConnectionRef& connection, size_t to, std::string_view failure);
  void cut(const SimConnectionRef& connection);
  SimListenerCore* find_listener(const Endpoint& endpoint);

  Loop& loop_;
  SeededRandom random_;
  SimFaults faults_;
  std::vector<std::shared_ptr<SimListenerCore>> listeners_;
  std::vector<Endpoint> swallowed_;
  uint64_t connections_ = 0;
  uint16_t next_port_ = 20'000;
  uint64_t trace_ = 0xcbf29ce484222325ull;  // FNV-1a
};

}  // namespace wye::net
