// The load generator against the stub upstream, in one process: what both must agree on, and what the generator must notice.
#include "engine.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "../stub/server.hpp"
#include "../wire/json_scan.hpp"
#include "report.hpp"

namespace wye::bench::load {
namespace {

class RunningStub {
 public:
  explicit RunningStub(stub::Options options = {}) : server_(options) {
    EXPECT_TRUE(server_.listen());
    port_ = server_.port();
    thread_ = std::thread([this] { server_.run(stop_); });
  }
  ~RunningStub() { end(); }
  const stub::Stats& end() {  // the loop turns at least once a second
    stop_ = 1;
    if (thread_.joinable()) thread_.join();
    return server_.stats();
  }
  uint16_t port() const { return port_; }

 private:
  stub::Server server_;
  uint16_t port_ = 0;
  volatile int stop_ = 0;
  std::thread thread_;
};

Options requests(const RunningStub& stub, int64_t connections, int64_t count) {
  Options options;
  options.url.port = stub.port();
  options.connections = connections;
  options.requests = count;
  options.warmup_s = 0;
  options.ramp_ms = 0;
  options.body.directives = {6, 500, 1024};
  return options;
}

Outcome run(const Options& options) {
  RequestText request;
  EXPECT_TRUE(make_request(options, request));
  Expectation expected;
  expected.stream = options.body.stream;
  expected.include_usage = options.body.include_usage;
  expected.chunks = options.body.directives.chunks;
  Accounting accounting(options);
  EXPECT_TRUE(accounting.open());
  Engine engine(options, request, expected, accounting);
  EXPECT_TRUE(engine.run());
  EXPECT_TRUE(JsonScan::is_complete(to_json(options, engine.outcome())));
  return engine.outcome();
}

TEST(Engine, UnaryAnswersAreAllProven) {
  RunningStub stub;
  const Outcome outcome = run(requests(stub, 8, 500));
  EXPECT_EQ(outcome.failures, 0U) << outcome.first_failure;
  EXPECT_EQ(outcome.completed_all, 500U);
  EXPECT_EQ(outcome.latency.count(), 500U);
  const stub::Stats& seen = stub.end();
  EXPECT_EQ(seen.unary, 500U);
  EXPECT_EQ(seen.protocol_errors, 0U) << seen.first_error;
  EXPECT_EQ(seen.connections, 8U) << "keep-alive";
}

TEST(Engine, LargeBodiesCrossManyReads) {
  RunningStub stub;
  Options options = requests(stub, 3, 12);
  options.body.bytes = 3 << 20;
  options.body.directives.answer_bytes = 2 << 20;
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.failures, 0U) << outcome.first_failure;
  EXPECT_EQ(outcome.completed_all, 12U);
}

TEST(Engine, StreamsAreAllProven) {
  for (const bool usage : {false, true}) {
    RunningStub stub;
    Options options = requests(stub, 20, 100);
    options.body.stream = true;
    options.body.include_usage = usage;
    const Outcome outcome = run(options);
    EXPECT_EQ(outcome.failures, 0U) << outcome.first_failure;
    EXPECT_EQ(outcome.chunks_all, 600U);
    const stub::Stats& seen = stub.end();
    EXPECT_EQ(seen.streams_finished, 100U);
    EXPECT_EQ(seen.active_streams, 0U);
  }
}

TEST(Engine, CutAndRefusedAnswersAreFailures) {
  for (const bool stream : {false, true}) {
    stub::Options faulty;
    faulty.cut_share = 0.2;
    faulty.error_share = 0.2;
    RunningStub stub(faulty);
    Options options = requests(stub, 4, 100);
    options.body.stream = stream;
    const Outcome outcome = run(options);
    const stub::Stats& seen = stub.end();
    EXPECT_GT(seen.injected_cuts, 3U);
    EXPECT_GT(seen.injected_errors, 3U);
    EXPECT_EQ(outcome.failures, seen.injected_cuts + seen.injected_errors);
    EXPECT_EQ(outcome.completed_all, 100 - outcome.failures);
  }
}

TEST(Engine, AWrongKeyIsAFailure) {
  stub::Options options;
  options.authorization = "Bearer right";
  RunningStub stub(options);
  Options wrong = requests(stub, 1, 3);
  wrong.headers = {"Authorization: Bearer wrong"};
  EXPECT_EQ(run(wrong).failures, 3U);
  Options right = requests(stub, 1, 3);
  right.headers = {"Authorization: Bearer right"};
  EXPECT_EQ(run(right).failures, 0U);
}

// The nonce of a header is renewed as that of the body is, so that every request carries another token.
TEST(Engine, AHeadersNonceIsRenewed) {
  const std::string value = "Bearer eyJ.eyJ.nonce-0000000000000000AA";
  stub::Options options;
  options.authorization = value;
  RunningStub strict(options), lenient;
  Options wanted = requests(strict, 2, 20);
  wanted.headers = {"X-Other: nonce-1", "Authorization: " + value};
  RequestText request;
  ASSERT_TRUE(make_request(wanted, request));
  EXPECT_EQ(request.bytes.substr(request.header_nonce_at, 18), "0000000000000000AA");
  EXPECT_GT(request.nonce_at, request.bytes.find("\r\n\r\n"));
  EXPECT_EQ(run(wanted).failures, 20U) << "none is sent as it was given";
  wanted.url.port = lenient.port();
  EXPECT_EQ(run(wanted).failures, 0U) << "the head stays whole";
  wanted.headers.pop_back();
  RequestText plain;
  ASSERT_TRUE(make_request(wanted, plain));
  EXPECT_EQ(plain.header_nonce_at, std::string::npos);
}

TEST(Engine, NobodyListening) {
  Options options;
  {
    RunningStub stub;
    options = requests(stub, 2, 4);
  }
  const Outcome outcome = run(options);
  EXPECT_EQ(outcome.failures, 4U);
  EXPECT_EQ(outcome.completed_all, 0U);
}

TEST(Engine, ClientsThatLeaveAreSeenUpstream) {
  for (const bool stream : {false, true}) {
    stub::Options slow;
    slow.latency_ms = 100;
    RunningStub stub(slow);
    Options options = requests(stub, 10, 100);
    options.body.stream = stream;
    options.abort_share = 0.5;
    options.abort_within_ms = 90;
    const Outcome outcome = run(options);
    EXPECT_EQ(outcome.failures, 0U) << outcome.first_failure;
    EXPECT_GT(outcome.aborted, 20U);
    EXPECT_EQ(outcome.aborted + outcome.completed_all, 100U);
    const stub::Stats& seen = stub.end();
    EXPECT_EQ(seen.client_gone_stream + seen.client_gone_unary, outcome.aborted);
    EXPECT_EQ(seen.active_streams, 0U);
  }
}

// One connection, 20 ms an answer, 100 requests a second wanted: half of them wait, ever longer. A closed loop cannot see that.
TEST(Engine, OpenLoopCountsTheWaitThatAStalledServerCauses) {
  stub::Options slow;
  slow.latency_ms = 20;
  RunningStub stub(slow);
  Options closed = requests(stub, 1, 0);
  closed.seconds = 1;
  Options open = closed;
  open.rate = 100;
  const Outcome unhurried = run(closed), owed = run(open);
  EXPECT_LT(unhurried.latency.quantile_ns(0.99), 100'000'000U);
  EXPECT_GT(owed.latency.quantile_ns(0.9), 500'000'000U);
  EXPECT_NEAR(static_cast<double>(owed.latency.count()), 100, 3) << "what the window owes is still sent and counted";
  EXPECT_GT(owed.late_dispatch, 50U);
  EXPECT_EQ(owed.failures, 0U) << owed.first_failure;
}

TEST(Engine, OpenLoopKeepsItsRate) {
  RunningStub stub;
  Options options = requests(stub, 8, 0);
  options.seconds = 1;
  options.rate = 400;
  const Outcome outcome = run(options);
  EXPECT_NEAR(static_cast<double>(outcome.latency.count()), 400, 8);
  EXPECT_EQ(outcome.failures, 0U) << outcome.first_failure;
}

TEST(Accounting, AProcessThatIsNotThereIsRefused) {
  Options options;
  options.watched = {{"gateway", {1 << 30}}};
  Accounting accounting(options);
  EXPECT_FALSE(accounting.open());
}

}  // namespace
}  // namespace wye::bench::load
