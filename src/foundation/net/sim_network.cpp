#include "foundation/net/sim_network.hpp"

namespace wye::net {
namespace {

class SimStream final : public Stream {
 public:
  SimStream(SimNetwork& network, SimConnectionRef connection, size_t side) : network_(network), connection_(std::move(connection)), side_(side) {}
  ~SimStream() override { network_.close(connection_, side_); }

  TryResult try_receive(std::span<char> buffer) override { return network_.receive(connection_, side_, buffer); }
  TryResult try_send(std::span<const iovec> pieces) override { return network_.send(connection_, side_, pieces); }
  WaitSlot& receive_slot() override { return end().receive; }
  WaitSlot& send_slot() override { return end().send; }
  void shutdown_send() override { network_.close_send(connection_, side_); }
  bool peer_closed() const override { return end().hung_up; }
  bool disturbed() const override { return end().hung_up || end().receive.ready; }
  void set_hangup_listener(HangupListener* listener) override { end().listener = listener; }
  Endpoint peer() const override { return end().peer; }
  bool connected() override { return end().connected && !end().reset; }
  std::string failure() const override { return end().failure; }

 private:
  SimEnd& end() const { return connection_->ends[side_]; }
  SimNetwork& network_;
  SimConnectionRef connection_;
  size_t side_;
};

class SimListener final : public Listener {
 public:
  SimListener(SimNetwork& network, std::shared_ptr<SimListenerCore> core) : network_(network), core_(std::move(core)) {}
  ~SimListener() override { network_.close_listener(core_); }
  std::unique_ptr<Stream> try_accept() override {
    if (core_->backlog.empty()) {
      core_->slot.ready = false;
      return nullptr;
    }
    auto connection = std::move(core_->backlog.front());
    core_->backlog.pop_front();
    return std::make_unique<SimStream>(network_, std::move(connection), 1);
  }
  WaitSlot& slot() override { return core_->slot; }
  Endpoint local() const override { return core_->local; }

 private:
  SimNetwork& network_;
  std::shared_ptr<SimListenerCore> core_;
};

void tell_hangup(SimEnd& end) {
  if (!end.closed && end.listener != nullptr) std::exchange(end.listener, nullptr)->on_hangup();
}

}  // namespace

Nanos SimNetwork::latency() {
  const auto least = static_cast<uint64_t>(faults_.latency_min.count());
  const auto most = static_cast<uint64_t>(std::max(faults_.latency_min, faults_.latency_max).count());
  return Nanos(static_cast<int64_t>(least + random_.below(most - least + 1)));
}

void SimNetwork::trace(Event event, const SimConnection& connection, size_t side, std::string_view bytes) {
  const auto mix = [this](uint64_t word) {
    for (int i = 0; i < 8; ++i) trace_ = (trace_ ^ ((word >> (8 * i)) & 0xff)) * 0x100000001b3ull;
  };
  mix(static_cast<uint64_t>(loop_.now().ns));
  mix(static_cast<uint64_t>(event) << 8 | side);
  mix(connection.id);
  mix(bytes.size());
  for (const char c : bytes) trace_ = (trace_ ^ static_cast<uint8_t>(c)) * 0x100000001b3ull;
}

void SimNetwork::arrive(const SimConnectionRef& connection, size_t side, std::function<void(SimEnd&)> act) {
  SimEnd& end = connection->ends[side];
  end.last_arrival = std::max(end.last_arrival, loop_.now() + latency());
  loop_.call_at(end.last_arrival, [connection, side, act = std::move(act)] { act(connection->ends[side]); });
}

SimListenerCore* SimNetwork::find_listener(const Endpoint& endpoint) {
  for (const auto& core : listeners_) {
    const Endpoint& local = core->local;
    if (local == endpoint || (local.port == endpoint.port && local.v6 == endpoint.v6 && local.address == Endpoint{}.address)) return core.get();
  }
  return nullptr;
}

Result<std::unique_ptr<Listener>> SimNetwork::listen(Endpoint endpoint) {
  while (endpoint.port == 0) {
    endpoint.port = next_port_++;
    if (find_listener(endpoint) != nullptr) endpoint.port = 0;
  }
  if (find_listener(endpoint) != nullptr)
    return Fail(internal_error(ErrorCode::kConflict, "listen on " + to_string(endpoint) + ": Address already in use"));
  auto core = std::make_shared<SimListenerCore>(loop_.wheel(), endpoint);
  listeners_.push_back(core);
  return std::make_unique<SimListener>(*this, std::move(core));
}

void SimNetwork::close_listener(const std::shared_ptr<SimListenerCore>& core) {
  std::erase(listeners_, core);
  for (const SimConnectionRef& connection : core->backlog) {
    connection->ends[1].closed = true;
    send_reset(connection, 0, "Connection reset by peer");
  }
  core->backlog.clear();
}

std::unique_ptr<Stream> SimNetwork::open(const Endpoint& endpoint) {
  auto connection = std::make_shared<SimConnection>(++connections_, loop_.wheel());
  connection->ends[0].peer = endpoint;
  connection->ends[1].peer = Endpoint::loopback(static_cast<uint16_t>(32'768 + connections_ % 28'000));
  if (chance(faults_.cut)) {
    connection->until_cut = 1 + random_.below(faults_.cut_after_max);
    connection->cut_by_reset = chance(faults_.cut_by_reset);
  }
  if (std::ranges::find(swallowed_, endpoint) == swallowed_.end()) arrive(connection, 1, [this, connection](SimEnd&) { on_syn(connection); });
  return std::make_unique<SimStream>(*this, std::move(connection), 0);
}

void SimNetwork::on_syn(const SimConnectionRef& connection) {
  trace(Event::kSyn, *connection, 1);
  if (connection->ends[0].closed) return;
  SimListenerCore* listener = find_listener(connection->ends[0].peer);
  if (listener == nullptr || chance(faults_.refuse)) {
    arrive(connection, 0, [this, connection](SimEnd& end) {
      trace(Event::kRefused, *connection, 0);
      if (end.closed) return;
      end.failure = "Connection refused";
      end.reset = end.hung_up = true;
      end.receive.notify();
      end.send.notify();
      tell_hangup(end);
    });
    return;
  }
  connection->ends[1].connected = true;
  connection->ends[1].send.ready = true;
  arrive(connection, 0, [this, connection](SimEnd& end) {
    trace(Event::kConnected, *connection, 0);
    if (end.reset) return;
    end.connected = true;
    end.send.notify();
  });
  listener->backlog.push_back(connection);
  listener->slot.notify();
}

TryResult SimNetwork::receive(const SimConnectionRef& connection, size_t side, std::span<char> buffer) {
  SimEnd& me = connection->ends[side];
  SimEnd& other = connection->ends[1 - side];
  const size_t held = me.unread.size() - me.unread_from;
  if (held == 0) {
    if (me.reset) return {0, TryResult::State::kFailed};
    if (me.eof) return {0, TryResult::State::kEof};
    me.receive.ready = false;
    return {0, TryResult::State::kAgain};
  }
  size_t n = std::min(held, buffer.size());
  if (n > 1 && chance(faults_.short_move)) n = 1 + random_.below(n);
  std::memcpy(buffer.data(), me.unread.data() + me.unread_from, n);
  me.unread_from += n;
  if (me.unread_from == me.unread.size()) {
    me.unread.clear();
    me.unread_from = 0;
    if (n < buffer.size() && !me.hung_up) me.receive.ready = false;
  }
  if (!other.send.ready && !other.closed) {
    arrive(connection, 1 - side, [this, connection, from = 1 - side](SimEnd& end) {
      trace(Event::kRoom, *connection, from);
      if (!end.closed) end.send.notify();
    });
  }
  return {n, TryResult::State::kMoved};
}

TryResult SimNetwork::send(const SimConnectionRef& connection, size_t side, std::span<const iovec> pieces) {
  SimEnd& me = connection->ends[side];
  SimEnd& to = connection->ends[1 - side];
  if (me.reset || me.send_closed) {
    if (me.failure.empty()) me.failure = "Broken pipe";
    return {0, TryResult::State::kFailed};
  }
  size_t total = 0;
  for (const iovec& p : pieces) total += p.iov_len;
  if (total == 0) return {0, TryResult::State::kMoved};
  const size_t held = to.held();
  size_t n = me.connected && held < faults_.pipe_bytes ? std::min(total, faults_.pipe_bytes - held) : 0;
  if (n == 0) {
    me.send.ready = false;
    return {0, TryResult::State::kAgain};
  }
  if (n > 1 && chance(faults_.short_move)) n = 1 + random_.below(n);
  const bool ends_here = n >= connection->until_cut;
  if (ends_here) n = connection->until_cut;
  if (connection->until_cut != SIZE_MAX) connection->until_cut -= n;
  std::string bytes;
  bytes.reserve(n);
  for (const iovec& p : pieces) bytes.append(static_cast<const char*>(p.iov_base), std::min(p.iov_len, n - bytes.size()));
  to.under_way += n;
  arrive(connection, 1 - side, [this, connection, side, bytes = std::move(bytes)](SimEnd&) { on_bytes(connection, 1 - side, bytes); });
  if (ends_here) cut(connection);
  return {n, TryResult::State::kMoved};
}

void SimNetwork::on_bytes(const SimConnectionRef& connection, size_t side, const std::string& bytes) {
  SimEnd& end = connection->ends[side];
  trace(Event::kBytes, *connection, side, bytes);
  end.under_way -= bytes.size();
  if (end.reset) return;
  if (end.closed) {
    send_reset(connection, 1 - side, "Connection reset by peer");
    return;
  }
  end.unread += bytes;
  end.receive.notify();
}

void SimNetwork::cut(const SimConnectionRef& connection) {
  connection->until_cut = SIZE_MAX;
  for (const size_t side : {size_t{0}, size_t{1}}) {
    if (connection->cut_by_reset) send_reset(connection, side, "Connection reset by peer");
    else close_send(connection, side);
  }
}

void SimNetwork::send_fin(const SimConnectionRef& connection, size_t to) {
  arrive(connection, to, [this, connection, to](SimEnd& end) {
    trace(Event::kFin, *connection, to);
    end.eof = end.hung_up = true;
    if (end.closed || end.reset) return;
    end.receive.notify();
    tell_hangup(end);
  });
}

void SimNetwork::send_reset(const SimConnectionRef& connection, size_t to, std::string_view failure) {
  arrive(connection, to, [this, connection, to, text = std::string(failure)](SimEnd& end) {
    trace(Event::kReset, *connection, to);
    if (end.closed || end.reset) return;
    end.reset = end.hung_up = true;
    end.failure = text;
    end.receive.notify();
    if (!end.closed) end.send.notify();
    tell_hangup(end);
  });
}

void SimNetwork::close_send(const SimConnectionRef& connection, size_t side) {
  if (std::exchange(connection->ends[side].send_closed, true)) return;
  send_fin(connection, 1 - side);
}

void SimNetwork::close(const SimConnectionRef& connection, size_t side) {
  SimEnd& me = connection->ends[side];
  me.closed = true;
  me.listener = nullptr;
  if (me.reset || (side == 0 && !me.connected && !connection->ends[1].connected)) return;
  // As a kernel does: bytes that nobody will read end the connection by a reset.
  if (me.unread_from < me.unread.size()) send_reset(connection, 1 - side, "Connection reset by peer");
  else close_send(connection, side);
}

}  // namespace wye::net
