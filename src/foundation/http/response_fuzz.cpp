// Any bytes as the answer of an upstream, through the real client on a simulated network, cut differently: the same end each time.
#include "foundation/http/client.hpp"
#include "foundation/http/framing_cases.hpp"
#include "foundation/http/head_cases.hpp"
#include "foundation/net/scope.hpp"
#include "foundation/net/sim_loop.hpp"

namespace {

using namespace wye::http;
namespace net = wye::net;
using namespace std::chrono_literals;

net::Task<void> upstream(net::Loop& loop, net::Listener& listener, std::string_view bytes, size_t cut) {
  const net::Bound bound{loop.after(10s), nullptr};
  auto stream = co_await net::accept(listener, bound);
  if (stream == nullptr) co_return;
  std::array<char, 512> request;
  co_await net::receive_some(*stream, request, bound);
  for (const std::string_view part : {bytes.substr(0, cut), bytes.substr(cut)}) {
    const iovec piece = net::piece(part);
    if (!co_await net::send_gather(*stream, {&piece, 1}, bound)) co_return;
    co_await net::sleep(loop, 1ms);
  }
  stream->shutdown_send();
  co_await net::receive_some(*stream, request, bound);
}

net::Task<void> call(net::Loop& loop, Origin& origin, std::string& meaning) {
  ClientCall call(origin);
  const iovec piece = net::piece("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  const net::Bound bound{loop.after(5s), nullptr};
  const wye::Result<void> head = co_await call.exchange({{&piece, 1}}, bound, true);
  if (!head) {
    meaning = "refused";
    co_return;
  }
  meaning = describe_response(call.head());
  for (;;) {
    const auto part = co_await call.read(bound);
    if (!part) {
      meaning += " cut";
      co_return;
    }
    meaning += part->bytes;
    if (part->last) break;
  }
  meaning += " done";
}

std::string meaning_of(std::string_view bytes, size_t cut) {
  net::SimLoop loop(1);
  auto listener = loop.listen(net::Endpoint::loopback(0));
  net::TableResolver resolver;
  Origin origin(loop, resolver, {.host = "127.0.0.1", .port = (*listener)->local().port});
  std::string meaning = "never";
  net::Scope scope;
  scope.spawn(upstream(loop, **listener, bytes, cut));
  scope.spawn(call(loop, origin, meaning));
  loop.run_for(20s);
  if (meaning == "never" || scope.size() != 0) __builtin_trap();
  return meaning;
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out;
    for (const HeadCase& c : response_head_cases()) {
      if (c.bytes.size() < 2000) out.push_back(c.bytes);
    }
    for (const BodyCase& c : chunked_body_cases()) {
      if (c.bytes.size() < 2000) out.push_back("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + c.bytes);
    }
    out.push_back("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    return out;
  }();
  return all;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max);

/// Now and then begins anew from a row of the tables.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  if (seed % 16 == 0) {
    const std::string& row = seeds()[seed / 16 % seeds().size()];
    size = std::min(row.size(), max);
    std::memcpy(data, row.data(), size);
  }
  return LLVMFuzzerMutate(data, size, max);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = meaning_of(input, size);
  if (size > 1 && meaning_of(input, 1 + size / 3) != whole) __builtin_trap();
  return 0;
}
