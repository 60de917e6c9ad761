// The simulated resource between a client and a model that is played, all in one SimLoop: the real HTTP stack on both sides.
#pragma once

#include <gtest/gtest.h>

#include "foundation/http/client.hpp"
#include "foundation/json/document.hpp"
#include "foundation/net/sim_loop.hpp"
#include "simulator/azure/simulator.hpp"

namespace wye::simulator {

/// Plays an OpenAI-compatible server by script and remembers what it was asked.
class FakeModel final : public http::Handler {
 public:
  explicit FakeModel(net::Loop& loop) : loop_(loop) {}
  int status = 200;
  std::string type = "text/event-stream";
  std::vector<std::string> pieces;
  Nanos gap{};         // between pieces
  bool hang = false;   // after the pieces: nothing more, until the caller has gone
  bool cut = false;    // after the pieces: the connection ends
  std::vector<std::string> paths;
  std::vector<std::string> bodies;
  std::optional<MonoTime> gone_at;

  net::Task<void> answer(http::ServerCall& call) override {
    const Result<std::span<char>> body = co_await call.read_body(64 << 20);
    if (!body) co_return;
    paths.emplace_back(call.target().path());
    bodies.emplace_back(body->data(), body->size());
    if (pieces.empty()) {
      co_await wait_gone(call, std::chrono::hours(1));
      co_return;
    }
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (i > 0 && gap.count() > 0 && !co_await wait_gone(call, gap)) co_return;
      const iovec piece = net::piece(pieces[i]);
      if (i == 0) co_await call.start({status, type, {}}, {&piece, 1});
      else co_await call.write({&piece, 1});
    }
    if (hang) co_await wait_gone(call, std::chrono::hours(1));
    if (!hang && !cut) co_await call.finish({});
  }
  net::Task<void> refuse(http::ServerCall&, Error error) override {
    ADD_FAILURE() << "the simulator sent a malformed request: " << client_message(error);
    co_return;
  }

 private:
  net::Task<bool> wait_gone(http::ServerCall& call, Nanos duration) {
    const bool gone = co_await net::sleep(loop_, duration, &call.gone()) == net::IoStatus::kCancelled;
    if (gone) gone_at = loop_.now();
    co_return !gone;
  }
  net::Loop& loop_;
};

struct Ask {
  std::string_view method = "POST";
  std::string path = "/openai/v1/chat/completions";
  std::string fields = "api-key: first-key-0000\r\ncontent-type: application/json\r\n";
  std::string body;
  std::optional<Nanos> leave_after;  // the client closes then
};

struct Reply {
  int status = 0;               // 0: no answer came
  std::map<std::string, std::string> fields;
  std::string body;
  bool complete = false;        // the body ended as its framing says
  Nanos first_byte{}, total{};
};

class Rig {
 public:
  static constexpr uint16_t kModelPort = 7001;
  static constexpr uint16_t kPort = 7002;

  explicit Rig(std::vector<std::string_view> arguments = {})
      : random_(7),
        log_(log_lines, loop.clock()),
        model(loop),
        count_(1000),
        simulator_({loop, resolver_, loop.clock(), random_, log_}, options(std::move(arguments)), *KeyRing::parse("first-key-0000\nsecond-key-00\n")),
        model_server_(loop, loop.clock(), model, count_, *loop.listen(net::Endpoint::loopback(kModelPort)), {.listener_name = "model"}),
        server_(loop, loop.clock(), simulator_, count_, *loop.listen(net::Endpoint::loopback(kPort)), {.listener_name = "azure"}),
        origin_(loop, resolver_, {.host = "127.0.0.1", .port = kPort}) {
    model_server_.start();
    server_.start();
  }

  Reply ask(const Ask& ask) {
    Reply reply;
    net::Task<void> task = run(ask, reply);
    task.start();
    for (int i = 0; i < 4000 && !task.done(); ++i) loop.run_for(std::chrono::milliseconds(500));
    EXPECT_TRUE(task.done());
    // What a client that left has set off comes to rest.
    loop.run_for(std::chrono::milliseconds(200));
    return reply;
  }
  Reply post(std::string path, std::string body) {
    Ask one;
    one.path = std::move(path);
    one.body = std::move(body);
    return ask(one);
  }

  net::SimLoop loop{1};
  MemoryLogSink log_lines;

 private:
  static Options options(std::vector<std::string_view> arguments) {
    for (const std::string_view argument :
         {"--key-file=unused", "--upstream=http://127.0.0.1:7001", "--deployment=chat=smollm2", "--deployment=emb=minilm"})
      arguments.push_back(argument);
    Result<Options> parsed = parse_options(arguments);
    EXPECT_TRUE(parsed) << parsed.error().public_message;
    return *parsed;
  }
  net::Task<void> run(const Ask& ask, Reply& reply) {
    const std::string text = std::string(ask.method) + " " + ask.path + " HTTP/1.1\r\nhost: localhost\r\n" + ask.fields +
                             (ask.body.empty() ? "" : "content-length: " + std::to_string(ask.body.size()) + "\r\n") + "\r\n" + ask.body;
    const iovec piece = net::piece(text);
    const MonoTime begun = loop.now();
    const net::Bound bound{loop.after(ask.leave_after.value_or(std::chrono::minutes(30))), nullptr};
    http::ClientCall call(origin_);
    if (!co_await call.exchange({{&piece, 1}, false}, bound, false)) co_return;
    reply.status = call.head().status;
    reply.first_byte = loop.now() - begun;
    for (const http::Field& field : call.head().all()) reply.fields[std::string(field.name)] = field.value;
    for (;;) {
      const Result<http::ClientCall::Piece> got = co_await call.read(bound);
      if (!got) break;
      reply.body += got->bytes;
      if (!got->last) continue;
      reply.complete = true;
      break;
    }
    reply.total = loop.now() - begun;
  }

  net::TableResolver resolver_;
  SeededRandom random_;
  Log log_;

 public:
  FakeModel model;

 private:
  http::ConnectionCount count_;
  Simulator simulator_;
  http::Server model_server_;
  http::Server server_;
  http::Origin origin_;
};

/// A played chat stream: role, two pieces of text, the end, usage, [DONE].
inline std::string chat_event(std::string_view rest) {
  return R"(data: {"id":"up-1","object":"chat.completion.chunk","created":1760000000,"model":"smollm2","choices":)" + std::string(rest) + "}\n\n";
}
inline std::string chat_stream() {
  return chat_event(R"([{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}])") +
         chat_event(R"([{"index":0,"delta":{"content":"Hello"},"finish_reason":null}])") +
         chat_event(R"([{"index":0,"delta":{"content":" \"you\""},"finish_reason":null}])") +
         chat_event(R"([{"index":0,"delta":{},"finish_reason":"stop"}])") +
         chat_event(R"([],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7},"timings":{"prompt_n":5})") + "data: [DONE]\n\n";
}
inline std::string chat_body(std::string_view more = {}, std::string_view text = "Hi") {
  return R"({"model":"chat","messages":[{"role":"user","content":")" + std::string(text) + R"("}])" + std::string(more) + "}";
}

/// Ids are random: the 32 hex digits behind `prefix` become ID.
inline std::string with_plain_ids(std::string text, std::string_view prefix) {
  for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
    const size_t digits = at + prefix.size();
    if (text.find_first_not_of("0123456789abcdef", digits) >= digits + 32) text.replace(digits, 32, "ID");
  }
  return text;
}

}  // namespace wye::simulator
