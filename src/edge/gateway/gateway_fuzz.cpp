// Any bytes at the whole gate: parsed, authenticated, decoded, sent to upstreams that are played, answered, logged. Nothing crashes, hangs,
// leaks or stays, and the gate serves the next caller. Seeds are the requests of golden/.
#include <fstream>

#include "edge/gateway/gateway_test_rig.hpp"

namespace {

using namespace wye::gateway;
using namespace std::chrono_literals;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

std::vector<std::string>& seeds() {
  static std::vector<std::string> all;
  return all;
}

/// The part of a transcript that the client sends, with line ends as they were; KEY stands for the key.
std::string request_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const size_t begin = text.find('\n') + 1;
  text = text.substr(begin, text.find("\n=== ", begin) - begin);
  const size_t head = text.find("\n\n");
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (head == std::string::npos || i <= head + 1)) out += '\r';
    out += text[i];
  }
  return out;
}

/// What the upstream answers, by the first byte of the input.
Script answer_of(uint8_t choice) {
  const std::string part = event(chat_delta(R"({"content":"Hel"})"));
  switch (choice % 8) {
    case 0: return {send(json_answer(200, kChatAnswer))};
    case 1: return {send(chat_stream("Hello"))};
    case 2: return {send(stream_head() + part), wait(1ms), close()};
    case 3: return {send(json_answer(429, R"({"error":{"code":"rate_limit_exceeded"}})", "retry-after: 1\r\n"))};
    case 4: return {send(json_answer(500, "{}"))};
    case 5: return {send(json_answer(200, R"({"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}]})"))};
    case 6: return {send("HTTP/1.1 200 OK\r\n"), hang()};
    default: return {close()};
  }
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max);

extern "C" int LLVMFuzzerInitialize(int*, char*** arguments) {
  // The program lies in the tree's build folder.
  for (std::filesystem::path folder = std::filesystem::absolute((*arguments)[0]); folder.has_relative_path(); folder = folder.parent_path()) {
    const std::filesystem::path golden = folder / "src/edge/gateway/golden";
    if (!std::filesystem::is_directory(golden)) continue;
    for (const auto& file : std::filesystem::directory_iterator(golden)) seeds().push_back(request_of(file.path()));
    break;
  }
  require(!seeds().empty());
  std::ranges::sort(seeds());
  return 0;
}

/// Now and then begins anew from a transcript.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  if (seed % 8 == 0) {
    const std::string& row = seeds()[seed / 8 % seeds().size()];
    size = std::min(row.size() + 1, max);
    data[0] = static_cast<uint8_t>(seed >> 16);
    std::memcpy(data + 1, row.data(), size - 1);
  }
  return LLVMFuzzerMutate(data, size, max);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  GatewayRig rig({.configuration = test_configuration("", ", deadlines: {total: 6s, firstEvent: 3s, idle: 2s}")});
  for (auto& [port, upstream] : rig.upstreams) upstream->answer = [&](const Asked&) { return answer_of(data[0]); };
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  replace_all(bytes, "KEY", rig.key);
  const Reply reply = rig.ask(bytes, {.leave_after = 30s});
  require(reply.bytes.empty() || reply.bytes.starts_with("HTTP/1.1 "));
  require(reply.ended - reply.begun < 31s);
  require(rig.in_flight->now() == 0);
  for (const std::string& text : {reply.bytes, rig.log_text(), rig.process.text(), rig.metrics.expose()})
    require(text.find(kSecretOfOne) == std::string::npos && text.find(kSecretOfAzure) == std::string::npos &&
            text.find(rig.key) == std::string::npos);
  for (auto& [port, upstream] : rig.upstreams) upstream->answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  rig.run_for(std::chrono::minutes(6));  // nobody is set aside any more
  require(rig.ask(rig.post("/v1/chat/completions", kChatBody)).status == 200);
  return 0;
}
