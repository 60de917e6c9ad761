// Any bytes at the simulated resource: refused or answered in Azure's way, and the next request is answered. The model behind it is played.
#include "foundation/net/wait.hpp"
#include "simulator/azure/test_rig.hpp"

namespace {

using namespace wye;
using namespace wye::simulator;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> all = [] {
    const auto post = [](std::string_view path, std::string_view body, std::string_view key = "api-key: first-key-0000") {
      return "POST " + std::string(path) + " HTTP/1.1\r\nhost: localhost\r\n" + std::string(key) +
             "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    };
    const std::string dated = "?api-version=2024-10-21";
    return std::vector<std::string>{
        post("/openai/v1/chat/completions", chat_body()),
        post("/openai/v1/chat/completions", chat_body(R"(,"stream":true,"stream_options":{"include_usage":true})")),
        post("/openai/deployments/chat/chat/completions" + dated, chat_body(), "authorization: Bearer second-key-00"),
        post("/openai/deployments/chat/completions" + dated, R"({"prompt":["a","b"],"max_tokens":3})"),
        post("/openai/deployments/emb/embeddings" + dated, R"({"input":["a","b"],"encoding_format":"base64"})"),
        post("/openai/v1/responses", R"({"model":"chat","input":"Hi","stream":true})"),
        post("/openai/v1/chat/completions", chat_body({}, "wye-simulator:filter=hate")),
        "GET /openai/models" + dated + " HTTP/1.1\r\nhost: localhost\r\napi-key: first-key-0000\r\n\r\n",
        "GET /openai/v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n",
    };
  }();
  return all;
}

net::Task<void> converse(net::Loop& loop, std::string_view bytes, std::string& heard) {
  auto stream = loop.open(net::Endpoint::loopback(Rig::kPort));
  const net::Bound bound{loop.after(std::chrono::seconds(30)), nullptr};
  if (!stream || co_await net::await_connected(**stream, bound) != net::IoStatus::kOk) co_return;
  const iovec piece = net::piece(bytes);
  if (!co_await net::send_gather(**stream, {&piece, 1}, bound)) co_return;
  std::array<char, 4096> buffer;
  for (;;) {
    const net::Io io = co_await net::receive_some(**stream, buffer, bound);
    if (!io) co_return;
    heard.append(buffer.data(), io.n);
  }
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max);

/// Now and then begins anew from a whole request.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  if (seed % 8 == 0) {
    const std::string& row = seeds()[seed / 8 % seeds().size()];
    size = std::min(row.size(), max);
    std::memcpy(data, row.data(), size);
  }
  return LLVMFuzzerMutate(data, size, max);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Rig rig;
  rig.model.pieces = {chat_stream()};
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  std::string heard;
  net::Task<void> task = converse(rig.loop, bytes, heard);
  task.start();
  for (int i = 0; i < 200 && !task.done(); ++i) rig.loop.run_for(std::chrono::milliseconds(500));
  require(task.done());
  require(heard.empty() || heard.starts_with("HTTP/1.1 "));
  require(heard.find("second-key-00") == std::string::npos);
  Ask ask;
  ask.body = chat_body();
  require(rig.ask(ask).status == 200);
  require(!testing::Test::HasFailure());
  return 0;
}
