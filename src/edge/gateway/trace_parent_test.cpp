#include "edge/gateway/trace_parent.hpp"

#include "edge/gateway/gateway_test_rig.hpp"

namespace wye::gateway {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00-" + std::string(kTrace) + "-00f067aa0ba902b7-01";

TEST(TraceParent, IsReadAsTheStandardSays) {
  EXPECT_EQ(trace_id_of(kParent), kTrace);
  EXPECT_EQ(trace_id_of("cc" + kParent.substr(2)), kTrace);                  // a later version
  EXPECT_EQ(trace_id_of("cc" + kParent.substr(2) + "-what-comes"), kTrace);  // with more behind
  std::string upper = kParent;
  upper[3] = 'B';
  const std::array<std::string, 12> bad = {"",
                                           kParent.substr(1),
                                           kParent + "-00",
                                           kParent + "0",
                                           "ff" + kParent.substr(2),
                                           "cc" + kParent.substr(2) + ".",
                                           upper,
                                           "00-" + std::string(32, '0') + kParent.substr(35),
                                           kParent.substr(0, 36) + std::string(16, '0') + "-01",
                                           kParent.substr(0, 53) + "0g",
                                           "00_" + kParent.substr(3),
                                           "0x" + kParent.substr(2)};
  for (const std::string& text : bad) EXPECT_EQ(trace_id_of(text), "") << text;
}

TEST(TraceParent, IsLoggedAndGoesUpstreamWhereTheRouteSaysSo) {
  GatewayRig rig;
  rig.up(kOnePort).answer = [](const Asked&) { return Script{send(json_answer(200, kChatAnswer))}; };
  const auto ask = [&](const std::string& parent) {
    rig.ask(rig.post("/v1/chat/completions", kChatBody, "traceparent: " + parent + "\r\ntracestate: a=b\r\n"));
    return rig.up(kOnePort).asked.back().head;
  };
  EXPECT_EQ(ask(kParent).find("trace"), std::string::npos);
  EXPECT_EQ(member(rig.log_lines().back(), "trace_id"), kTrace);
  rig.reload(test_configuration("", ", request: {forwardHeaders: [traceparent, tracestate]}"));
  EXPECT_NE(ask(kParent).find("traceparent: " + kParent + "\r\ntracestate: a=b\r\n"), std::string::npos);
  EXPECT_EQ(ask("canary-text").find("trace"), std::string::npos);
  EXPECT_EQ(member(rig.log_lines().back(), "trace_id"), "");
  EXPECT_EQ(rig.log_text().find("canary"), std::string::npos);
}

}  // namespace
}  // namespace wye::gateway
