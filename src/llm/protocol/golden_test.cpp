// Whole streams from file to file: NAME.upstream.sse becomes what an OpenAI client sees, the unary answer and the Responses
// events. Each stream is also cut at every byte boundary.
#include "foundation/http/sse.hpp"
#include "llm/protocol/aggregate.hpp"
#include "llm/protocol/event_rewriter.hpp"
#include "llm/protocol/responses_bridge.hpp"
#include "llm/protocol/test_support.hpp"
#include "llm/protocol/unary_rewriter.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace wye::protocol {
namespace {

const std::filesystem::path kFolder = "src/llm/protocol/golden";

std::string load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Events of `stream`, received in two parts that are cut at `cut`.
std::vector<std::string> events_of(std::string_view stream, size_t cut) {
  http::SseScanner scanner;
  std::vector<std::string> events;
  for (const std::string_view part : {stream.substr(0, cut), stream.substr(cut)}) {
    EXPECT_TRUE(scanner.feed(part));
    while (const std::optional<http::SseEvent> event = scanner.next()) events.emplace_back(event->data);
  }
  scanner.finish();
  while (const std::optional<http::SseEvent> event = scanner.next()) events.emplace_back(event->data);
  return events;
}

std::string client_stream(std::span<const std::string> events) {
  EventRewriter rewriter;
  rewriter.start({.names = {"chatcmpl-golden", "route"}});
  std::string out;
  for (const std::string& event : events) {
    const Result<EventStep> step = rewriter.feed(event);
    EXPECT_TRUE(step);
    if (step && step->action != EventAction::kSwallow) out += "data: " + joined(step->pieces) + "\n\n";
  }
  EXPECT_TRUE(rewriter.complete());
  return out;
}

std::string unary_answer(std::span<const std::string> events) {
  StreamAggregator aggregator;
  aggregator.start({.names = {"chatcmpl-golden", "route"}});
  for (const std::string& event : events) EXPECT_TRUE(aggregator.feed(event));
  std::string out;
  EXPECT_TRUE(aggregator.write(out));
  // The answer is one that the unary path takes, with nothing left to rename.
  UnaryRewriter rewriter;
  const Result<UnaryAnswer> again = rewriter.rewrite(out, {.id = "chatcmpl-golden", .model = "route"});
  EXPECT_TRUE(again);
  if (again) {
    EXPECT_EQ(joined(again->pieces), out);
    EXPECT_EQ(again->usage, aggregator.usage());
    EXPECT_EQ(again->finish, aggregator.finish_reason());
  }
  return out + "\n";
}

constexpr WallTime kCreated{1'760'000'000'000'000'000};
constexpr std::string_view kRequest =
    R"({"model":"route","input":"hi","metadata":{"k":"v"},"temperature":0.5,"tools":[{"type":"function","name":"lookup","parameters":{}}],)"
    R"("stream":true})";

std::string responses_stream(std::span<const std::string> events) {
  Parsed parsed;
  EXPECT_TRUE(parsed.read(Operation::kResponses, kRequest));
  ResponsesBridge bridge;
  bridge.start(parsed.request, {.id_random = "golden", .model = "route", .created = kCreated});
  std::string out;
  for (const std::string& event : events) EXPECT_TRUE(bridge.feed(event, out));
  EXPECT_TRUE(bridge.complete());
  return out;
}

std::string whole_response(std::string_view answer) {
  Parsed parsed;
  EXPECT_TRUE(parsed.read(Operation::kResponses, kRequest));
  ResponsesBridge bridge;
  bridge.start(parsed.request, {.id_random = "golden", .model = "route", .created = kCreated});
  std::string out;
  EXPECT_TRUE(bridge.write_answer(answer, out));
  return out + "\n";
}

/// WYE_WRITE_GOLDEN=1 writes the files anew: then read the difference.
void compare(const std::string& name, const std::string& got) {
  if (std::getenv("WYE_WRITE_GOLDEN") != nullptr) std::ofstream(kFolder / name, std::ios::binary) << got;
  EXPECT_EQ(got, load(kFolder / name)) << name;
}

TEST(Golden, Streams) {
  size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".upstream.sse")) continue;
    ++found;
    const std::string name = file.substr(0, file.find('.'));
    const std::string stream = load(entry.path());
    const std::vector<std::string> events = events_of(stream, 0);
    ASSERT_GT(events.size(), 2U);
    compare(name + ".client.sse", client_stream(events));
    const std::string unary = unary_answer(events);
    compare(name + ".unary.json", unary);
    compare(name + ".responses.sse", responses_stream(events));
    compare(name + ".response.json", whole_response(std::string_view(unary).substr(0, unary.size() - 1)));
    for (size_t cut = 1; cut < stream.size(); ++cut) ASSERT_EQ(events_of(stream, cut), events) << name << " cut at " << cut;
  }
  EXPECT_EQ(found, 3U);
}

/// Every prefix of a stream is a cut stream: an error, never a short answer.
TEST(Golden, CutStreamsAreErrors) {
  const std::vector<std::string> events = events_of(load(kFolder / "tools.upstream.sse"), 0);
  for (size_t n = 0; n < events.size(); ++n) {
    StreamAggregator aggregator;
    aggregator.start({.names = {"a", "b"}});
    Parsed parsed;
    ASSERT_TRUE(parsed.read(Operation::kResponses, kRequest));
    ResponsesBridge bridge;
    bridge.start(parsed.request, {.id_random = "x", .model = "route", .created = kCreated});
    std::string out;
    for (const std::string& event : std::span(events).first(n)) {
      EXPECT_TRUE(aggregator.feed(event));
      EXPECT_TRUE(bridge.feed(event, out));
    }
    EXPECT_FALSE(aggregator.write(out));
    EXPECT_FALSE(bridge.ended());
    bridge.fail(internal_error(ErrorCode::kUpstreamFailed, "secret"), out);
    bridge.fail(internal_error(ErrorCode::kUpstreamFailed, "secret"), out);
    EXPECT_TRUE(bridge.ended() && !bridge.complete());
    EXPECT_EQ(out.find("secret"), std::string::npos);
    EXPECT_EQ(out.find("event: response.failed"), out.rfind("event: response.failed"));
  }
}

/// A request over several lines must not break the lines of the events that repeat it.
TEST(Golden, LineEndsOfTheRequestStayOutOfEvents) {
  Parsed parsed;
  ASSERT_TRUE(parsed.read(Operation::kResponses, "{\"model\":\"m\",\r\n\"input\":\"x\",\"metadata\":{\n\n\"a\":\"data: [DONE]\"\n,\r\"b\":\"c\"}}"));
  ResponsesBridge bridge;
  bridge.start(parsed.request, {.id_random = "x", .model = "route", .created = kCreated});
  std::string out;
  bridge.fail(internal_error(ErrorCode::kUpstreamFailed, "x"), out);
  const std::vector<std::string> events = events_of(out, 0);
  ASSERT_EQ(events.size(), 3U);
  for (const std::string& event : events) {
    json::Document document;
    EXPECT_TRUE(document.parse(event)) << event;
  }
}

/// Several data lines are one event, and leave as one line.
TEST(Golden, SeveralDataLines) {
  const std::vector<std::string> events =
      events_of("data: {\"id\":\"u\",\"model\":\"m\",\ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n", 0);
  ASSERT_EQ(events.size(), 1U);
  EventRewriter rewriter;
  rewriter.start({.names = {"c", "r"}});
  const Result<EventStep> step = rewriter.feed(events[0]);
  ASSERT_TRUE(step);
  EXPECT_EQ(joined(step->pieces), R"({"id":"c","model":"r", "choices":[{"index":0,"delta":{"content":"a"}}]})");
}

/// Sequence numbers rise by one from 0, every event is JSON, and exactly one ends the stream.
TEST(Golden, ResponsesEventsAreOrdered) {
  for (const std::string_view name : {"text", "tools", "reasoning"}) {
    const std::vector<std::string> events = events_of(responses_stream(events_of(load(kFolder / (std::string(name) + ".upstream.sse")), 0)), 0);
    int64_t expected = 0;
    size_t ends = 0;
    for (const std::string& event : events) {
      json::Document document;
      ASSERT_TRUE(document.parse(event)) << event;
      EXPECT_EQ(document.root().find("sequence_number")->integer(), expected++);
      const std::string type = document.root().find("type")->text();
      ends += type == "response.completed" || type == "response.incomplete" || type == "response.failed" ? 1 : 0;
    }
    EXPECT_EQ(ends, 1U);
  }
}

}  // namespace
}  // namespace wye::protocol
