// For tests only: upstreams that send what the test wrote down, and calls to them.
#pragma once

#include "foundation/http/http_rig.hpp"

namespace wye::http {

/// What an upstream does for one request.
struct Act {
  std::vector<std::string> pieces;  // sent one after the other, a millisecond apart
  bool close = false;
  bool wait_for_request = true;
  bool read_body = true;
};

/// Connection by connection, request by request; further connections find nobody at home and are closed.
class Upstream {
 public:
  Upstream(Rig& rig, std::vector<std::vector<Act>> script)
      : rig_(rig),
        listener_(std::move(*rig.loop().listen(net::Endpoint::loopback(0)))),
        script_(std::move(script)) {
    scope_.spawn(accept_all());
  }
  ~Upstream() { stop_.request(); }
  net::Endpoint endpoint() const { return listener_->local(); }
  std::vector<std::string> requests;
  size_t connections = 0;
  size_t gone = 0;  // connections whose client has closed

 private:
  net::Task<void> accept_all() {
    while (!stop_.requested()) {
      auto stream = co_await net::accept(*listener_, {rig_.loop().after(1h), &stop_});
      if (stream != nullptr) scope_.spawn(serve(std::move(stream), connections++));
    }
  }
  net::Task<bool> receive(net::Stream& stream, std::string& text) {
    std::array<char, 8192> buffer;
    const net::Io got = co_await net::receive_some(stream, buffer, {rig_.loop().after(1h), &stop_});
    text.append(buffer.data(), got.n);
    co_return static_cast<bool>(got);
  }
  net::Task<void> serve(std::unique_ptr<net::Stream> stream, size_t index) {
    if (index >= script_.size()) co_return;
    std::string received;
    for (const Act& act : script_[index]) {
      while (act.wait_for_request && !received.contains("\r\n\r\n")) {
        if (!co_await receive(*stream, received)) {
          ++gone;
          co_return;
        }
      }
      const size_t end = received.find("\r\n\r\n");
      if (act.wait_for_request) requests.push_back(received.substr(0, end + 4));
      if (act.read_body && end != std::string::npos) received.erase(0, end + 4);
      for (const std::string& text : act.pieces) {
        const iovec piece = net::piece(text);
        co_await net::send_gather(*stream, {&piece, 1}, {rig_.loop().after(1h), &stop_});
        co_await net::sleep(rig_.loop(), 1ms, &stop_);
      }
      if (act.close) co_return;
    }
    while (co_await receive(*stream, received)) {}
    ++gone;
  }
  Rig& rig_;
  net::Cancel stop_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<std::vector<Act>> script_;
  net::Scope scope_;
};

struct Answer {
  Result<void> head;
  int status = 0;
  std::string body;
  std::optional<ErrorCode> error;  // of the head or the body
  CallStage stage = CallStage::kNotSent;
  bool reused = false;
};

inline const std::string kGet = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n";

/// One origin and what its calls need.
struct Caller {
  explicit Caller(Rig& r, const Upstream& upstream) : Caller(r, upstream.endpoint()) {}
  Caller(Rig& r, net::Endpoint to) : rig(r), origin(r.loop(), resolver, {.host = "127.0.0.1", .port = to.port}) {}
  net::Task<Answer> call(bool replayable = true, bool is_head = false, std::string request = kGet, Nanos limit = 10s) {
    Answer answer;
    ClientCall call(origin);
    const std::array pieces = {net::piece(std::string_view(request).substr(0, 10)), net::piece(std::string_view(request).substr(10))};
    answer.head = co_await call.exchange({pieces, is_head}, rig.in(limit), replayable);
    answer.reused = call.reused();
    answer.stage = call.stage();
    if (!answer.head) {
      answer.error = answer.head.error().code;
      co_return answer;
    }
    answer.status = call.head().status;
    for (bool last = false; !last;) {
      auto piece = co_await call.read(rig.in(limit));
      if (!piece) {
        answer.error = piece.error().code;
        answer.stage = call.stage();
        co_return answer;
      }
      last = piece->last;
      answer.body += piece->bytes;
    }
    answer.stage = call.stage();
    co_return answer;
  }
  Rig& rig;
  net::TableResolver resolver;
  Origin origin;
};

inline std::string ok(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
inline const std::string kChunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

}  // namespace wye::http
