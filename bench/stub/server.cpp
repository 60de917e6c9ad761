#include "server.hpp"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "../wire/time.hpp"

namespace wye::bench::stub {
namespace {

constexpr uint64_t kListenerTag = ~uint64_t{0};
constexpr uint32_t kHangUp = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr size_t kScratch = 64 * 1024;
constexpr size_t kBodyMax = 64 * 1024 * 1024;

}  // namespace

void Server::Connection::on_head(const Head& head) {
  method.assign(head.method);
  target.assign(head.target);
  authorization.assign(head.authorization);
  close_after = head.close;
  expect_continue = head.expect_continue;
  body.clear();
}

Server::~Server() {
  for (const auto& c : slots_) {
    if (c->fd >= 0) close(c->fd);
  }
  if (listener_ >= 0) close(listener_);
  if (epoll_ >= 0) close(epoll_);
}

bool Server::listen() {
  scratch_.resize(kScratch);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  listener_ = listen_on(options_.listen, 4096);
  if (epoll_ < 0 || listener_ < 0 || !watch(epoll_, listener_, kListenerTag)) {
    std::fprintf(stderr, "error: cannot listen on %s: %s\n", to_text(options_.listen).c_str(), std::strerror(errno));
    return false;
  }
  return true;
}

uint16_t Server::port() const { return port_of(listener_); }

void Server::run(const volatile int& stop) {
  std::array<epoll_event, 512> events;
  while (stop == 0) {
    const int64_t now = now_ns();
    const int64_t wait = due_.empty() ? kNsPerSecond : std::clamp<int64_t>(due_.front().at_ns - now, 0, kNsPerSecond);
    const int n = wait_events(epoll_, events.data(), static_cast<int>(events.size()), wait);
    for (int i = 0; i < n; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == kListenerTag) accept_all();
      else on_event(static_cast<uint32_t>(event.data.u64), event.events);
    }
    run_due(now_ns());
  }
}

void Server::accept_all() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    set_no_delay(fd);
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(slots_.size()));
      slots_.push_back(std::make_unique<Connection>());
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    Connection& c = *slots_[slot];
    c.fd = fd;
    c.phase = Phase::kReading;
    c.reader.reset();
    c.body.clear();
    c.out.clear();
    c.sent = 0;
    ++stats_.connections;
    ++stats_.open_connections;
    if (!watch(epoll_, fd, slot)) close_connection(slot);
  }
}

void Server::on_event(uint32_t slot, uint32_t events) {
  Connection& c = *slots_[slot];
  if (c.fd < 0) return;
  if ((events & (EPOLLIN | kHangUp)) != 0 && !read_some(c, slot, (events & kHangUp) != 0)) return;
  if ((events & EPOLLOUT) != 0 && c.sent < c.out.size()) flush(c, slot);
}

// A short read ends the loop, but not after a hang-up: the end of the stream must be seen, and no other edge will come.
bool Server::read_some(Connection& c, uint32_t slot, bool hung_up) {
  while (true) {
    const ssize_t n = recv(c.fd, scratch_.data(), scratch_.size(), 0);
    if (n < 0 && errno == EAGAIN) return true;
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (c.phase == Phase::kReading && c.reader.begun()) protocol_error("the gateway closed in the middle of a request");
      if (c.phase != Phase::kReading) ++(c.stream ? stats_.client_gone_stream : stats_.client_gone_unary);
      close_connection(slot);
      return false;
    }
    const std::string_view in(scratch_.data(), static_cast<size_t>(n));
    if (c.phase != Phase::kReading) {
      protocol_error("bytes came while an answer was due");
      close_connection(slot);
      return false;
    }
    const size_t used = c.reader.feed(in, c);
    if (c.reader.failed() || c.body.size() > kBodyMax) {
      protocol_error(c.reader.failed() ? c.reader.error() : "body too large");
      close_connection(slot);
      return false;
    }
    if (c.expect_continue && !c.reader.done()) {
      c.expect_continue = false;
      c.out += "HTTP/1.1 100 Continue\r\n\r\n";
      if (!flush(c, slot)) return false;
    }
    if (c.reader.done()) {
      if (used < in.size()) protocol_error("bytes follow the request");
      if (!take_request(c, slot)) return false;
    }
    if (static_cast<size_t>(n) < scratch_.size() && !hung_up) return true;
  }
}

// Returns false where the connection is gone.
bool Server::take_request(Connection& c, uint32_t slot) {
  ++stats_.requests;
  c.phase = Phase::kWaiting;
  c.stream = false;
  const uint32_t generation = c.generation;
  if (c.target == "/stub/stats" && c.method == "GET") {
    append_json(c.out, to_json(stats_));
  } else if (!options_.authorization.empty() && c.authorization != options_.authorization) {
    ++stats_.unauthorized;
    append_error(c.out, 401, "authentication_error", "invalid_api_key", "the stub wants another Authorization value");
  } else if (c.target == "/v1/models" && c.method == "GET") {
    append_json(c.out, "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"created\":1790000000,\"owned_by\":\"stub\"}]}");
  } else if (c.target == "/v1/chat/completions" && c.method == "POST") {
    begin_chat(c, slot);
    return c.generation == generation;
  } else {
    protocol_error("unknown method or path");
    append_error(c.out, 404, "invalid_request_error", "not_found", "the stub serves chat completions, models and its own stats");
  }
  end_answer(c);
  return flush(c, slot);
}

void Server::begin_chat(Connection& c, uint32_t slot) {
  ChatRequest request;
  request.directives = options_.directives;
  if (const char* error = read_chat_request(c.body, options_.strict_payload, request)) {
    protocol_error(error);
    append_error(c.out, 400, "invalid_request_error", "bad_request", error);
    end_answer(c);
    flush(c, slot);
    return;
  }
  c.facts.model.assign(request.model);
  c.facts.nonce.assign(request.nonce);
  c.facts.number = stats_.requests;
  c.facts.include_usage = request.include_usage;
  c.directives = request.directives;
  c.stream = request.stream;
  c.next_chunk = 0;
  c.cut_at = -1;
  if (options_.cut_share > 0 && draw(options_.cut_share)) c.cut_at = request.stream ? request.directives.chunks / 2 : 0;
  if (request.stream) {
    ++stats_.streams;
    ++stats_.active_streams;
    c.phase = Phase::kStreaming;
  } else {
    ++stats_.unary;
  }
  c.due_ns = now_ns() + static_cast<int64_t>(options_.latency_ms * static_cast<double>(kNsPerMs));
  if (options_.latency_ms > 0) schedule(c, slot, c.due_ns);
  else if (c.stream) step_stream(c, slot);
  else answer_unary(c, slot);
}

void Server::answer_unary(Connection& c, uint32_t slot) {
  if (options_.error_share > 0 && draw(options_.error_share)) {
    ++stats_.injected_errors;
    append_error(c.out, 500, "server_error", "injected", "an error of the stub's error share");
  } else {
    append_unary(c.out, c.facts, c.directives.answer_bytes);
    if (c.cut_at >= 0) {
      ++stats_.injected_cuts;
      c.out.resize(c.out.size() / 2);
      c.close_after = true;
    }
  }
  end_answer(c);
  flush(c, slot);
}

// Sends what is due of a stream now, and files the next chunk.
void Server::step_stream(Connection& c, uint32_t slot) {
  if (c.next_chunk == 0) {
    if (options_.error_share > 0 && draw(options_.error_share)) {
      ++stats_.injected_errors;
      --stats_.active_streams;
      append_error(c.out, 500, "server_error", "injected", "an error of the stub's error share");
      end_answer(c);
      flush(c, slot);
      return;
    }
    append_stream_head(c.out);
    append_stream_role(c.out, c.facts);
  }
  if (c.next_chunk == c.cut_at) {
    ++stats_.injected_cuts;
    c.close_after = true;
    --stats_.active_streams;
    end_answer(c);
    flush(c, slot);
    return;
  }
  append_stream_token(c.out, c.facts, c.next_chunk++);
  ++stats_.chunks;
  if (c.next_chunk == c.directives.chunks) {
    append_stream_end(c.out, c.facts, c.directives.chunks);
    --stats_.active_streams;
    ++stats_.streams_finished;
    end_answer(c);
    flush(c, slot);
    return;
  }
  if (!flush(c, slot)) return;
  c.due_ns += c.directives.spacing_us * kNsPerUs;
  schedule(c, slot, c.due_ns);
}

void Server::end_answer(Connection& c) {
  c.phase = Phase::kReading;
  c.reader.reset();
}

void Server::schedule(Connection& c, uint32_t slot, int64_t at_ns) {
  due_.push_back({at_ns, slot, c.generation});
  std::push_heap(due_.begin(), due_.end(), std::greater<>{});
}

void Server::run_due(int64_t now) {
  while (!due_.empty() && due_.front().at_ns <= now) {
    const Due due = due_.front();
    std::pop_heap(due_.begin(), due_.end(), std::greater<>{});
    due_.pop_back();
    Connection& c = *slots_[due.slot];
    if (c.fd < 0 || c.generation != due.generation) continue;
    if (c.stream) step_stream(c, due.slot);
    else answer_unary(c, due.slot);
  }
}

// Returns false where the connection was closed.
bool Server::flush(Connection& c, uint32_t slot) {
  while (c.sent < c.out.size()) {
    const ssize_t n = send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (n >= 0) {
      c.sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN) {
      return true;
    } else if (errno != EINTR) {
      if (c.phase != Phase::kReading) ++(c.stream ? stats_.client_gone_stream : stats_.client_gone_unary);
      close_connection(slot);
      return false;
    }
  }
  c.out.clear();
  c.sent = 0;
  if (c.phase == Phase::kReading && c.close_after && !c.reader.begun()) {
    close_connection(slot);
    return false;
  }
  return true;
}

void Server::close_connection(uint32_t slot) {
  Connection& c = *slots_[slot];
  if (c.phase == Phase::kStreaming) --stats_.active_streams;
  close(c.fd);
  c.fd = -1;
  c.phase = Phase::kReading;
  c.close_after = false;
  ++c.generation;
  --stats_.open_connections;
  free_.push_back(slot);
}

void Server::protocol_error(const char* what) {
  if (stats_.protocol_errors++ == 0) stats_.first_error = what;
}

bool Server::draw(double share) {
  draw_ ^= draw_ << 13;
  draw_ ^= draw_ >> 7;
  draw_ ^= draw_ << 17;
  return static_cast<double>(draw_ >> 11) * 0x1.0p-53 < share;
}

}  // namespace wye::bench::stub
