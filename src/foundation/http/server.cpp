#include "foundation/http/server.hpp"

#include "foundation/http/connection.hpp"

namespace wye::http {
namespace {

/// When accepting fails for want of descriptors no edge tells that some came back: look again after a while.
constexpr std::chrono::seconds kAcceptLook{1};
constexpr std::chrono::seconds kTlsTime{5};

/// A connection's place in the count, however its coroutine ends.
struct Place {
  ConnectionCount& count;
  net::Endpoint peer;
  ~Place() { count.leave(peer); }
};

std::array<uint8_t, 17> address_key(const net::Endpoint& peer) {
  std::array<uint8_t, 17> key{};
  key[0] = peer.v6 ? 6 : 4;
  std::memcpy(key.data() + 1, peer.address.data(), 16);
  return key;
}

}  // namespace

bool ConnectionCount::enter(const net::Endpoint& peer) {
  if (count_.fetch_add(1, std::memory_order_relaxed) >= max_) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  if (peer.is_loopback()) return true;
  const std::lock_guard lock(mutex_);
  size_t& of_address = by_address_[address_key(peer)];
  if (of_address >= kConnectionsAnAddressMax) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  ++of_address;
  return true;
}

void ConnectionCount::leave(const net::Endpoint& peer) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (peer.is_loopback()) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_address_.find(address_key(peer));
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

Server::Server(net::Loop& loop, const Clock& clock, Handler& handler, ConnectionCount& count, std::unique_ptr<net::Listener> listener,
               ServerOptions options)
    : loop_(loop),
      date_(clock),
      handler_(handler),
      count_(count),
      listener_(std::move(listener)),
      local_(listener_->local()),
      options_(std::move(options)) {}

Server::~Server() = default;

void Server::start() { scope_.spawn(accept_loop()); }

net::Task<void> Server::accept_loop() {
  while (!stop_accepting_.requested()) {
    std::unique_ptr<net::Stream> stream = co_await net::accept(*listener_, {loop_.after(kAcceptLook), &stop_accepting_});
    if (stream != nullptr) admit(std::move(stream));
  }
}

void Server::admit(std::unique_ptr<net::Stream> stream) {
  if (count_.enter(stream->peer())) scope_.spawn(serve(std::move(stream)));
}

net::Task<void> Server::serve(std::unique_ptr<net::Stream> stream) {
  const Place place{count_, stream->peer()};
  if (options_.tls != nullptr) {
    // Kept here: a new one may come during the handshake.
    const std::shared_ptr<const net::TlsServerContext> tls = options_.tls;
    auto secured = co_await net::tls_accept(std::move(stream), *tls, {loop_.after(kTlsTime), &cut_});
    stream = secured ? std::move(*secured) : nullptr;
  }
  if (stream != nullptr) {
    Connection connection(*this, std::move(stream));
    co_await connection.run();
  }
}

std::unique_ptr<RequestMemory> Server::take_memory() {
  if (spare_.empty()) return std::make_unique<RequestMemory>();
  std::unique_ptr<RequestMemory> memory = std::move(spare_.back());
  spare_.pop_back();
  return memory;
}

/// Views of the request before point into a buffer that is gone.
void Server::give_memory(std::unique_ptr<RequestMemory> memory) {
  if (memory == nullptr || spare_.size() >= kMemoryKept) return;
  memory->head.clear();
  memory->target.clear();
  spare_.push_back(std::move(memory));
}

void Server::cut_all() {
  cut_.request();
  // A cut may end any connection, not only its own.
  for (Connection* c = connections_; c != nullptr; c = next_to_cut_) {
    next_to_cut_ = c->next;
    c->cut();
  }
}

net::Task<void> Server::drain(Nanos patience) {
  draining_ = true;
  stop_accepting_.request();
  // Whom the system has let in already would be reset by the end of the listener.
  while (std::unique_ptr<net::Stream> stream = listener_->try_accept()) admit(std::move(stream));
  listener_.reset();
  idle_.request();
  const auto cut = loop_.call_at(loop_.now() + patience, [this] { cut_all(); });
  co_await scope_.join();
  loop_.cancel_call(cut);
  // The last connection may have ended from within cut_all or a cancel of this server: let them return before anyone destroys it.
  co_await net::sleep(loop_, Nanos{});
}

}  // namespace wye::http
