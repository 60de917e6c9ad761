// Command line, keys, limits, markers, faults and addresses, each on its own.
#include <gtest/gtest.h>

#include <fstream>

#include "foundation/net/sim_loop.hpp"
#include "simulator/azure/filter.hpp"
#include "simulator/azure/key_ring.hpp"
#include "simulator/azure/small_file.hpp"
#include "simulator/azure/token_counter.hpp"
#include "simulator/azure/upstreams.hpp"

namespace wye::simulator {
namespace {

using namespace std::chrono_literals;

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

TEST(SimulatorOptions, ReadsEveryFlag) {
  const auto o = parse_options(
      split("--port 8123 --upstream http://127.0.0.1:1 --deployment chat=smol@odd --deployment=emb=org/mini@http://[::1]:9/v1 --key-file k "
            "--fault 429=0.25 --fault=slow-first=0.5 --latency 20ms --slow-by 2s --seed 18446744073709551615 "
            "--tokens-per-minute 1000 --region swedencentral --model-version 2027-02-03 --api-version 2024-10-21 --with-parent "
            "--upstream-file where"));
  ASSERT_TRUE(o) << o.error().public_message;
  EXPECT_EQ(o->port, 8123);
  ASSERT_EQ(o->deployments.size(), 2u);
  EXPECT_EQ(o->deployments[0].model, "smol@odd");
  EXPECT_EQ(o->deployments[0].upstream, "");
  EXPECT_EQ(o->deployments[1].name, "emb");
  EXPECT_EQ(o->deployments[1].model, "org/mini");
  EXPECT_EQ(o->deployments[1].upstream, "http://[::1]:9/v1");
  ASSERT_EQ(o->faults.size(), 2u);
  EXPECT_EQ(o->faults[1].fault, Fault::kSlowFirst);
  EXPECT_EQ(o->latency, Nanos(20ms));
  EXPECT_EQ(o->slow_by, Nanos(2s));
  EXPECT_EQ(o->seed, UINT64_MAX);
  EXPECT_EQ(o->api_versions, std::vector<std::string>{"2024-10-21"});
  EXPECT_TRUE(o->with_parent);
  EXPECT_EQ(o->upstream_file, "where");
}

TEST(SimulatorOptions, RefusesWhatMakesNoSense) {
  const std::string good = "--key-file k --upstream http://h --deployment a=b ";
  ASSERT_TRUE(parse_options(split(good)));
  EXPECT_EQ(parse_options(split(good))->api_versions.size(), 8u);
  const std::array<std::string_view, 25> bad = {"--port 65536",
                                                "--port -1",
                                                "--port 1x",
                                                "--port",
                                                "--port=",
                                                "--nonsense",
                                                "extra",
                                                "--upstream https://h",
                                                "--upstream h:1",
                                                "--upstream http://h:0",
                                                "--deployment a",
                                                "--deployment a=",
                                                "--deployment =b",
                                                "--deployment a/b=c",
                                                "--deployment ..=c",
                                                "--deployment a=c",
                                                "--deployment x=b@http://",
                                                "--fault 429",
                                                "--fault 418=0.1",
                                                "--fault 429=1.5",
                                                "--fault 429=nan",
                                                "--fault 429=-0.1",
                                                "--fault 429=0.6 --fault cut=0.5",
                                                "--latency 5",
                                                "--tokens-per-minute 0"};
  for (const std::string_view more : bad) {
    const std::string line = good + std::string(more);
    const auto o = parse_options(split(line));
    ASSERT_FALSE(o) << more;
    EXPECT_EQ(o.error().code, ErrorCode::kUsage) << more;
    EXPECT_FALSE(o.error().public_message.empty()) << more;
  }
  for (const std::string_view lacking :
       {"", "--key-file k --upstream http://h", "--upstream http://h --deployment a=b", "--key-file k --deployment a=b"})
    EXPECT_FALSE(parse_options(split(lacking))) << lacking;
  EXPECT_TRUE(parse_options(split("--help"))->help);
  for (const std::string_view flag : {"--deployment", "--upstream", "--upstream-file", "--key-file", "--port", "--tokens-per-minute", "--fault",
                                      "--latency", "--slow-by", "--seed", "--model-version", "--region", "--api-version", "--with-parent"})
    EXPECT_NE(usage_text().find(flag), std::string_view::npos) << flag;
}

http::Head head_of(std::string_view fields, std::string& keep) {
  keep = "GET / HTTP/1.1\r\nhost: h\r\n" + std::string(fields) + "\r\n";
  http::HeadParser parser(http::HeadParser::Kind::kRequest);
  http::Head head;
  EXPECT_TRUE(parser.parse(keep, head));
  return head;
}

TEST(SimulatorKeys, BothHeadersAndNothingElse) {
  const Result<KeyRing> ring = KeyRing::parse("  first-key-0000 \r\n\n\tsecond-key-00\n");
  ASSERT_TRUE(ring);
  const std::array<std::pair<std::string_view, bool>, 11> cases = {{
      {"api-key: first-key-0000\r\n", true},
      {"API-Key: second-key-00\r\n", true},
      {"authorization: Bearer first-key-0000\r\n", true},
      {"authorization: bearer second-key-00\r\n", true},
      {"", false},
      {"api-key: \r\n", false},
      {"api-key: first-key-0001\r\n", false},
      {"api-key: first-key-000\r\n", false},
      {"authorization: Basic first-key-0000\r\n", false},
      {"authorization: Bearer \r\n", false},
      {"api-key: wrong-key\r\nauthorization: Bearer first-key-0000\r\n", false},
  }};
  std::string keep;
  for (const auto& [fields, good] : cases) EXPECT_EQ(ring->accepts(head_of(fields, keep)), good) << fields;
}

TEST(SimulatorKeys, RefusesFilesThatAreNone) {
  for (const std::string& text :
       {std::string(), std::string("\n \n"), std::string("short\n"), std::string("two words here\n"), std::string(513, 'k'), [] {
          std::string nine;
          for (int i = 0; i < 9; ++i) nine += "key-number-" + std::to_string(i) + "\n";
          return nine;
        }()}) {
    const Result<KeyRing> ring = KeyRing::parse(text);
    ASSERT_FALSE(ring) << text;
    EXPECT_EQ(ring.error().public_message.find("key-number"), std::string::npos);
  }
  EXPECT_FALSE(KeyRing::read("there-is-no-such-file"));
}

TEST(SimulatorLimits, TokensByTheMinuteRequestsByTheSlice) {
  const MonoTime start{5'000'000'000};
  TokenCounter counter(2000, start);
  EXPECT_TRUE(counter.admit(1500, start + 1s).admitted);
  Admission second = counter.admit(501, start + 20s);
  EXPECT_FALSE(second.admitted);
  EXPECT_TRUE(second.tokens_short);
  EXPECT_EQ(second.wait, Nanos(40s));
  EXPECT_EQ(second.tokens.remaining, 500u);
  EXPECT_EQ(second.requests.limit, 2u);
  EXPECT_EQ(second.requests.remaining, 1u);  // the refused one counts as a request, not as tokens
  EXPECT_TRUE(counter.admit(500, start + 21s).admitted);
  Admission third = counter.admit(0, start + 22s);
  EXPECT_FALSE(third.admitted);
  EXPECT_FALSE(third.tokens_short);
  EXPECT_EQ(third.wait, Nanos(8s));
  EXPECT_TRUE(counter.admit(0, start + 30s).admitted);
  EXPECT_FALSE(counter.admit(1, start + 59s).admitted);
  // A new minute, by the clock and not by the first request; a long silence skips whole windows.
  EXPECT_TRUE(counter.admit(2000, start + 60s).admitted);
  EXPECT_EQ(counter.admit(2000, start + 200s).tokens.reset, Nanos(40s));
  EXPECT_FALSE(counter.admit(2001, start + 600s).admitted);
  EXPECT_FALSE(counter.admit(UINT64_MAX, start + 700s).admitted);
}

TEST(SimulatorLimits, EstimateIsPromptAndAllOutput) {
  EXPECT_EQ(estimate_tokens(0, 10, 0), 10u);
  EXPECT_EQ(estimate_tokens(5, 10, 3), 32u);
}

TEST(SimulatorFilter, MarkersAreWholeWords) {
  const auto found = [](std::string_view text) {
    Markers markers;
    find_markers(text, markers);
    return markers;
  };
  EXPECT_TRUE(found("say wye-filter-hate.").blocked[static_cast<size_t>(Category::kHate)]);
  EXPECT_TRUE(found("wye-filter-self-harm").blocked[static_cast<size_t>(Category::kSelfHarm)]);
  for (const std::string_view text : {"", "wye-", "wye-filter-", "wye-filter-hateful", "wye-filter-hate-", "xwye-filter-hate", "wye-wye-filter-hate",
                                      "Wye-filter-hate", "wye-filter-completion", "wye-fault-cut"})
    EXPECT_FALSE(found(text).prompt_blocked()) << text;
  EXPECT_TRUE(found("(wye-filter-completion)").block_completion);
  EXPECT_EQ(found("wye-fault-slow-first, wye-fault-cut!").fault, Fault::kCut);
  EXPECT_EQ(found("wye-fault-nothing").fault, std::nullopt);
}

TEST(SimulatorFilter, MarkersAreSeenThroughEscapesAndDepthButNotInKeys) {
  json::Document document;
  ASSERT_TRUE(document.parse(std::string_view(R"([{"content":[{"type":"text","text":"wye\u002dfilter-violence"}]},{"wye-filter-hate":1}])")));
  Markers markers;
  find_markers(document.root(), markers);
  EXPECT_TRUE(markers.blocked[static_cast<size_t>(Category::kViolence)]);
  EXPECT_FALSE(markers.blocked[static_cast<size_t>(Category::kHate)]);
}

TEST(SimulatorFaults, SharesHoldAndSeedsRepeat) {
  const std::vector<FaultShare> shares = {{Fault::k429, 0.1}, {Fault::kCut, 0.2}};
  const auto draw = [&](uint64_t seed) {
    FaultDice dice(shares, seed);
    std::vector<std::optional<Fault>> out;
    for (int i = 0; i < 20'000; ++i) out.push_back(dice.draw());
    return out;
  };
  const auto drawn = draw(3);
  EXPECT_EQ(drawn, draw(3));
  EXPECT_NE(drawn, draw(4));
  EXPECT_NEAR(static_cast<double>(std::ranges::count(drawn, Fault::k429)), 2000, 200);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(drawn, Fault::kCut)), 4000, 300);
  EXPECT_EQ(FaultDice({}, 1).draw(), std::nullopt);
  FaultDice always({{Fault::kStall, 1}}, 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(always.draw(), Fault::kStall);
}

TEST(SimulatorUpstreams, Urls) {
  struct Case {
    std::string_view url, host, prefix;
    int port;  // 0: refused
  };
  const std::array<Case, 16> cases = {{{"http://127.0.0.1:8080", "127.0.0.1", "", 8080},
                                       {"http://localhost", "localhost", "", 80},
                                       {"http://[::1]:81/v1", "::1", "", 81},
                                       {"http://h:1/a/v1/", "h", "/a", 1},
                                       {"http://h/a/b", "h", "/a/b", 80},
                                       {"https://h", "", "", 0},
                                       {"http://", "", "", 0},
                                       {"http://:80", "", "", 0},
                                       {"http://h:", "", "", 0},
                                       {"http://h:99999", "", "", 0},
                                       {"http://h:8o", "", "", 0},
                                       {"http://u@h", "", "", 0},
                                       {"http://h/?q", "", "", 0},
                                       {"http://h/\r\nx: y", "", "", 0},
                                       {"http://[::1", "", "", 0},
                                       {"http://[::1]x", "", "", 0}}};
  for (const Case& one : cases) {
    const auto url = parse_upstream_url(one.url);
    ASSERT_EQ(url.has_value(), one.port != 0) << one.url;
    if (!url) continue;
    EXPECT_EQ(url->host, one.host) << one.url;
    EXPECT_EQ(url->prefix, one.prefix) << one.url;
    EXPECT_EQ(url->port, one.port) << one.url;
  }
}

TEST(SimulatorUpstreams, TheFileIsReadAnewAndWinsByModel) {
  net::SimLoop loop(1);
  net::TableResolver resolver;
  const auto folder = std::filesystem::path(::testing::TempDir());
  const auto file = folder / ("upstreams-" + std::to_string(::getpid()));
  Upstreams upstreams(loop, resolver, "http://common", file);
  const auto port = [&](const DeploymentSpec& spec) {
    const auto found = upstreams.find(spec);
    return found ? found->url.port : -1;
  };
  const auto write = [&](std::string_view text) { std::ofstream(file, std::ios::trunc) << text; };
  const DeploymentSpec plain{"d", "smol", ""};
  const DeploymentSpec own{"e", "mini", "http://h:7"};
  EXPECT_EQ(port(plain), 80);  // no file yet
  EXPECT_EQ(port(own), 7);
  write("# where\nhttp://h:5\nsmol http://h:6\r\n");
  EXPECT_EQ(port(plain), 6);
  EXPECT_EQ(port(own), 7);
  const auto before = upstreams.find(plain);
  EXPECT_EQ(upstreams.find(plain)->origin, before->origin);  // one pool an address
  write("http://h:5\nmini   http://h:8\n");
  EXPECT_EQ(port(plain), 5);
  EXPECT_EQ(port(own), 8);
  EXPECT_EQ(upstreams.find(plain)->key, nullptr);
  write("smol http://h:6 \t first-key \n");
  auto keyed = upstreams.find(plain);
  ASSERT_TRUE(keyed && keyed->key != nullptr);
  EXPECT_EQ(keyed->key->reveal(), "first-key");
  EXPECT_EQ(keyed->origin.get(), before->origin.get());
  keyed.reset();
  write("smol http://h:6 second-key\n");  // another process at the same port
  EXPECT_EQ(upstreams.find(plain)->key->reveal(), "second-key");
  write("smol http://h:6 two words\n");
  EXPECT_EQ(port(plain), -1);
  write("smol http://h:6 " + std::string(513, 'k') + "\n");
  EXPECT_EQ(port(plain), -1);
  write("smol nonsense\n");
  EXPECT_EQ(port(plain), -1);
  write(std::string(kSmallFileBytes + 1, '#'));
  EXPECT_EQ(port(plain), 80);
  for (int i = 1; i <= 300; ++i) {
    write("http://h:" + std::to_string(i));
    EXPECT_EQ(port(plain), i);
  }
  EXPECT_EQ(before->origin.use_count(), 1);  // forgotten by the pool, kept by the call
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace wye::simulator
