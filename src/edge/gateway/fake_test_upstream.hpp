// For tests only: an upstream inside the simulation that does what a script says, byte by byte.
#pragma once

#include "foundation/net/engine_rig.hpp"

namespace wye::gateway {

/// One step of an upstream that has read a request.
struct Act {
  enum class Kind : uint8_t { kSend, kWait, kClose } kind = Kind::kClose;
  std::string bytes{};
  Nanos wait{};
};
using Script = std::vector<Act>;
inline Act send(std::string bytes) { return {Act::Kind::kSend, std::move(bytes)}; }
inline Act wait(Nanos d) { return {Act::Kind::kWait, {}, d}; }
inline Act close() { return {}; }
inline Act hang() { return wait(std::chrono::hours(2)); }

inline std::string json_answer(int status, std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\ncontent-type: application/json\r\n" + std::string(fields) +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}
inline std::string chunk(std::string_view bytes) {
  char hex[16];
  return std::string(hex, std::to_chars(hex, hex + sizeof hex, bytes.size(), 16).ptr) + "\r\n" + std::string(bytes) + "\r\n";
}
inline std::string event(std::string_view data) { return chunk("data: " + std::string(data) + "\n\n"); }
inline std::string stream_head(std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + std::string(fields) + "transfer-encoding: chunked\r\n\r\n";
}
inline std::string stream_end() { return event("[DONE]") + "0\r\n\r\n"; }

/// A request as the upstream saw it.
struct Asked {
  std::string head;
  std::string body;
  MonoTime at{};
};

class FakeUpstream {
 public:
  FakeUpstream(net::Loop& loop, uint16_t port) : loop_(loop), listener_(*loop.listen(net::Endpoint::loopback(port))) { scope_.spawn(accept_all()); }

  /// What follows each request; keeps the connection where it does not close.
  std::function<Script(const Asked&)> answer = [](const Asked&) { return Script{close()}; };
  std::vector<Asked> asked;
  size_t connections = 0;
  size_t sent = 0;             // payload bytes that the socket took
  size_t gone = 0;             // connections whose peer left while the script was not over
  MonoTime gone_at{};          // the last of them

 private:
  static constexpr std::chrono::hours kLong{3};
  net::Bound bound(Nanos d) { return {loop_.after(d), nullptr}; }

  net::Task<void> accept_all() {
    for (;;) {
      auto stream = co_await net::accept(*listener_, bound(kLong));
      if (stream == nullptr) continue;
      ++connections;
      scope_.spawn(serve(std::move(stream)));
    }
  }
  net::Task<void> serve(std::unique_ptr<net::Stream> stream) {
    std::string got;
    for (;;) {
      Asked request;
      if (!co_await read_request(*stream, got, request)) co_return;
      request.at = loop_.now();
      asked.push_back(request);
      const Script script = answer(request);
      for (const Act& act : script) {
        if (!co_await play(*stream, act)) co_return;
      }
    }
  }
  net::Task<bool> read_request(net::Stream& stream, std::string& got, Asked& request) {
    std::array<char, 4096> buffer;
    size_t end = 0;
    size_t length = 0;
    for (;;) {
      end = got.find("\r\n\r\n");
      if (end != std::string::npos) {
        const size_t at = got.find("content-length: ");
        length = at < end ? static_cast<size_t>(std::strtoul(got.c_str() + at + 16, nullptr, 10)) : 0;
        if (got.size() >= end + 4 + length) break;
      }
      const net::Io io = co_await net::receive_some(stream, buffer, bound(kLong));
      if (!io) co_return false;
      got.append(buffer.data(), io.n);
    }
    request.head = got.substr(0, end + 4);
    request.body = got.substr(end + 4, length);
    got.erase(0, end + 4 + length);
    co_return true;
  }
  net::Task<bool> play(net::Stream& stream, const Act& act) {
    if (act.kind == Act::Kind::kClose) co_return false;
    if (act.kind == Act::Kind::kWait) {
      std::array<char, 64> buffer;
      const net::Io io = co_await net::receive_some(stream, buffer, bound(act.wait));
      if (io.status == net::IoStatus::kTimeout) co_return true;
      note_gone();
      co_return false;
    }
    for (size_t at = 0; at < act.bytes.size();) {
      const std::string_view piece = std::string_view(act.bytes).substr(at, 16 << 10);
      if (co_await net::send_all(stream, piece, bound(kLong)) != net::IoStatus::kOk) {
        note_gone();
        co_return false;
      }
      at += piece.size();
      sent += piece.size();
    }
    co_return true;
  }
  void note_gone() {
    ++gone;
    gone_at = loop_.now();
  }

  net::Loop& loop_;
  std::unique_ptr<net::Listener> listener_;
  net::Scope scope_;
};

}  // namespace wye::gateway
