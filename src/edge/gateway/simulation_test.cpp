// Many clients, faulty networks, moody upstreams and reloads, by a seed. Whatever happens: each request ends once in the log, no answer
// reaches another client, nothing stays behind.
#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

using namespace std::chrono_literals;

std::string tag_in(std::string_view text) {
  const size_t at = text.find("tag-");
  return at == std::string_view::npos ? std::string() : std::string(text.substr(at, 10));
}

/// An upstream that echoes the tag of the request, or fails in one of many ways.
Script mood(SeededRandom& random, const Asked& asked) {
  const std::string tag = tag_in(asked.body);
  const bool streaming = asked.body.find("\"stream\":true") != std::string::npos;
  std::string good =
      streaming
          ? chat_stream(tag)
          : json_answer(
                200,
                R"({"id":"u","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":")" +
                    tag + R"("},"finish_reason":"stop"}]})");
  const auto slowly = [&] {
    Script script;
    for (size_t at = 0; at < good.size();) {
      const size_t n = 1 + random.below(200);
      script.push_back(send(good.substr(at, n)));
      script.push_back(wait(Nanos(static_cast<int64_t>(random.below(20'000'000)))));
      at += n;
    }
    return script;
  };
  switch (random.below(12)) {
    case 0: return {close()};
    case 1: return {send(json_answer(500, "{}"))};
    case 2: return {send(json_answer(429, "{}", "retry-after-ms: 120\r\n"))};
    case 3: return {send(good.substr(0, random.below(good.size()))), close()};
    case 4: return {wait(2s), send(good)};
    case 5: return {send(stream_head() + event(R"({"error":{"message":"x"}})") + "0\r\n\r\n")};
    case 6: return {send(good), close()};
    case 7: return {hang()};
    case 8:
    case 9: return slowly();
    default: return {send(good)};
  }
}

net::SimFaults faults(SeededRandom& random) {
  return {.latency_min = 10us,
          .latency_max = Nanos(20'000 + static_cast<int64_t>(random.below(5'000'000))),
          .pipe_bytes = 2000 + random.below(100'000),
          .short_move = random.below(2) == 0 ? 0.0 : 0.4,
          .refuse = random.below(2) == 0 ? 0.0 : 0.05,
          .cut = random.below(2) == 0 ? 0.0 : 0.1,
          .cut_after_max = 4000};
}

struct Client {
  std::string tag;
  Reply reply;
};

void check(GatewayRig& rig, const std::deque<Client>& clients, const std::set<std::string>& tags, std::map<std::string, size_t>& ends) {
  std::map<std::string, size_t> logged;
  for (const std::string& line : rig.log_lines()) ++logged[member(line, "request_id")];
  for (const auto& [id, times] : logged) EXPECT_EQ(times, 1u) << id;
  for (const Client& client : clients) {
    EXPECT_TRUE(client.reply.done);
    for (size_t at = client.reply.bytes.find("tag-"); at != std::string::npos; at = client.reply.bytes.find("tag-", at + 1)) {
      const std::string found = client.reply.bytes.substr(at, 10);
      if (tags.contains(found)) EXPECT_EQ(found, client.tag) << "an answer of another client";
    }
    if (client.reply.head.empty() || client.reply.status < 200) continue;
    const size_t at = client.reply.head.find("x-request-id: ");
    ASSERT_NE(at, std::string::npos) << client.reply.head;
    EXPECT_EQ(logged.count(client.reply.head.substr(at + 14, 36)), 1u) << client.reply.head;
    const bool success = client.reply.status == 200 && client.reply.whole && client.reply.body.find("\"error\"") == std::string::npos;
    if (success) EXPECT_NE(client.reply.body.find(client.tag), std::string::npos) << client.reply.body;
    ++ends[success ? "success" : client.reply.status == 200 ? "broken" : "refused"];
  }
  EXPECT_EQ(rig.in_flight->now(), 0u);
  std::istringstream metrics(rig.metrics.expose());
  for (std::string line; std::getline(metrics, line);) {
    if (line.starts_with("wye_in_flight{")) EXPECT_TRUE(line.ends_with(" 0")) << line;
  }
}

void simulate(uint64_t seed, std::map<std::string, size_t>& ends) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  SeededRandom random(seed);
  const std::string route = ", deadlines: {total: 20s, firstEvent: 3s, idle: 2s}";
  GatewayRig rig({.seed = seed, .faults = faults(random), .configuration = test_configuration("", route)});
  for (const uint16_t port : {kOnePort, kTwoPort}) rig.up(port).answer = [&random](const Asked& asked) { return mood(random, asked); };
  std::deque<Client> clients;
  std::set<std::string> tags;
  for (int i = 0; i < 60; ++i) {
    Client& client = clients.emplace_back();
    client.tag = "tag-" + std::to_string(100'000 + random.below(900'000));
    tags.insert(client.tag);
    const std::string body = std::string(R"({"model":"duo","stream":)") + (random.below(2) == 0 ? "true" : "false") +
                             R"(,"messages":[{"role":"user","content":")" + client.tag + std::string(random.below(3000), 'p') + "\"}]}";
    Manners manners;
    if (random.below(4) == 0) manners.leave_after = Nanos(static_cast<int64_t>(random.below(3'000'000'000)));
    if (random.below(8) == 0) manners.read_from = Nanos(static_cast<int64_t>(random.below(2'000'000'000)));
    rig.begin(rig.post("/v1/chat/completions", body), client.reply, manners);
    rig.run_for(Nanos(static_cast<int64_t>(random.below(100'000'000))));
    if (random.below(10) == 0) rig.reload(test_configuration(", limits: {total: " + std::to_string(30 + i) + "s}", route));
    if (random.below(10) == 0) rig.set_health("backend/one", random.below(2) == 0 ? provider::Health::kLive : provider::Health::kBroken);
  }
  rig.finish();
  rig.run_for(30s);
  check(rig, clients, tags, ends);
}

TEST(Simulation, NothingIsLostMixedUpOrLeftBehind) {
  std::map<std::string, size_t> ends;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    simulate(seed, ends);
    if (HasFailure()) break;
  }
  // The mix is one: enough of each to mean something.
  EXPECT_GT(ends["success"], 500u);
  EXPECT_GT(ends["broken"], 50u);
  EXPECT_GT(ends["refused"], 50u);
}

}  // namespace
}  // namespace wye::gateway
