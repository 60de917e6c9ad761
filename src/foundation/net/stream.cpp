#include "foundation/net/stream.hpp"

#include <arpa/inet.h>

namespace wye::net {

bool Endpoint::is_loopback() const {
  if (!v6) return address[0] == 127;
  constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address == kLoopback;
}

std::string address_text(const Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN];
  if (inet_ntop(endpoint.v6 ? AF_INET6 : AF_INET, endpoint.address.data(), text, sizeof text) == nullptr) return "?";
  return text;
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = address_text(endpoint);
  return (endpoint.v6 ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port);
}

std::optional<Endpoint> parse_address(std::string_view text, uint16_t port) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return std::nullopt;
  const std::string terminated(text);
  Endpoint endpoint;
  endpoint.port = port;
  if (inet_pton(AF_INET, terminated.c_str(), endpoint.address.data()) == 1) return endpoint;
  if (inet_pton(AF_INET6, terminated.c_str(), endpoint.address.data()) == 1) {
    endpoint.v6 = true;
    return endpoint;
  }
  return std::nullopt;
}

bool ReceiveSome::await_ready() {
  if (bound_.cancel != nullptr && bound_.cancel->requested()) {
    fail(IoStatus::kCancelled);
    return true;
  }
  return stream_.receive_slot().ready && attempt();
}

bool ReceiveSome::attempt() {
  const TryResult got = stream_.try_receive(buffer_);
  switch (got.state) {
    case TryResult::State::kMoved: io_ = {got.n, IoStatus::kOk}; return true;
    case TryResult::State::kEof: io_ = {0, IoStatus::kEof}; return true;
    case TryResult::State::kFailed: io_ = {0, IoStatus::kFailed}; return true;
    case TryResult::State::kAgain: return false;
  }
  return false;
}

bool SendGather::await_ready() {
  if (bound_.cancel != nullptr && bound_.cancel->requested()) {
    fail(IoStatus::kCancelled);
    return true;
  }
  size_t total = 0;
  for (const iovec& p : pieces_) total += p.iov_len;
  if (total == 0) return true;
  const TryResult sent = stream_.try_send(pieces_);
  if (sent.state == TryResult::State::kFailed || sent.state == TryResult::State::kEof) {
    io_.status = IoStatus::kFailed;
    return true;
  }
  io_.n = sent.n;
  if (sent.n == total) return true;
  size_t skip = sent.n;
  rest_.reserve(total - sent.n);
  for (const iovec& p : pieces_) {
    const size_t drop = std::min(skip, p.iov_len);
    rest_.append(static_cast<const char*>(p.iov_base) + drop, p.iov_len - drop);
    skip -= drop;
  }
  // A short write is no proof that the socket is full: it may take more at once.
  return attempt();
}

bool SendGather::attempt() {
  while (sent_of_rest_ < rest_.size()) {
    const iovec left = piece(std::string_view(rest_).substr(sent_of_rest_));
    const TryResult sent = stream_.try_send({&left, 1});
    if (sent.state == TryResult::State::kAgain) return false;
    if (sent.state != TryResult::State::kMoved) {
      io_.status = IoStatus::kFailed;
      return true;
    }
    sent_of_rest_ += sent.n;
    io_.n += sent.n;
  }
  return true;
}

bool AwaitReadable::await_ready() {
  if (bound_.cancel != nullptr && bound_.cancel->requested()) {
    fail(IoStatus::kCancelled);
    return true;
  }
  return stream_.receive_slot().ready;
}

bool AwaitConnected::await_ready() {
  if (bound_.cancel != nullptr && bound_.cancel->requested()) {
    fail(IoStatus::kCancelled);
    return true;
  }
  return stream_.send_slot().ready && attempt();
}

bool AwaitConnected::attempt() {
  status_ = stream_.connected() ? IoStatus::kOk : IoStatus::kFailed;
  return true;
}

}  // namespace wye::net
