#include "foundation/http/server.hpp"

#include "foundation/http/connection.hpp"

namespace wye::http {
namespace {

/// When accepting fails for want of descriptors: wait for some to come back.
constexpr std::chrono::milliseconds kAcceptPause{100};

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

Server::Server(net::Loop& loop, const Clock& clock, Handler& handler, ConnectionCount& count, std::unique_ptr<net::Listener> listener, ServerOptions options)
    : loop_(loop), date_(clock), handler_(handler), count_(count), listener_(std::move(listener)), options_(std::move(options)) {}

Server::~Server() = default;

void Server::start() { scope_.spawn(accept_loop()); }

net::Task<void> Server::accept_loop() {
  while (!stop_accepting_.requested()) {
    std::unique_ptr<net::Stream> stream = co_await net::accept(*listener_, {loop_.after(kAcceptPause * 10), &stop_accepting_});
    if (stream == nullptr) continue;
    if (!count_.enter(stream->peer())) continue;
    scope_.spawn(serve(std::move(stream)));
  }
}

net::Task<void> Server::serve(std::unique_ptr<net::Stream> stream) {
  const net::Endpoint peer = stream->peer();
  if (options_.tls != nullptr) {
    auto secured = co_await net::tls_accept(std::move(stream), *options_.tls, {loop_.after(std::chrono::seconds(5)), &cut_});
    stream = secured ? std::move(*secured) : nullptr;
  }
  if (stream != nullptr) {
    Connection connection(*this, std::move(stream));
    co_await connection.run();
  }
  count_.leave(peer);
}

net::Task<void> Server::drain(Nanos patience) {
  draining_ = true;
  stop_accepting_.request();
  idle_.request();
  const auto cut = loop_.call_at(loop_.now() + patience, [this] {
    for (Connection* c = connections_; c != nullptr;) {
      Connection* following = c->next;
      c->cut();
      c = following;
    }
    cut_.request();
  });
  co_await scope_.join();
  loop_.cancel_call(cut);
}

}  // namespace wye::http
