// Keys on a thread of their own, readers on theirs, over real sockets: what ThreadSanitizer is to look at.
#include "foundation/net/epoll_loop.hpp"
#include "identity/token/test_issuer.hpp"

namespace wye::token {
namespace {

constexpr size_t kWorkers = 3;
constexpr Nanos kPatience = 20s;

/// The thread of the keys.
class KeyThread {
 public:
  explicit KeyThread(const Clock& clock) : loop_(std::move(*net::make_epoll_loop(clock))), issuers_(*loop_, clock), log_(sink_, clock) {
    sets_ = std::make_unique<KeySets>(KeySets::Surroundings{*loop_, resolver_, clock, random_, log_});
  }
  ~KeyThread() {
    loop_->stop();
    thread_.join();
  }
  void start() {
    thread_ = std::thread([this] { loop_->run(); });
  }
  /// The issuers belong to the loop once it runs.
  FakeIssuers& issuers() { return issuers_; }
  void publish(std::string keys) {
    loop_->post([this, keys = std::move(keys)] { issuers_["fabrikam"].keys = keys; });
  }
  KeySets& sets() { return *sets_; }

 private:
  std::unique_ptr<net::Loop> loop_;
  net::TableResolver resolver_;
  SeededRandom random_{1};
  MemoryLogSink sink_;
  FakeIssuers issuers_;
  Log log_;
  std::unique_ptr<KeySets> sets_;
  std::thread thread_;
};

class Worker {
 public:
  Worker(const Clock& clock, KeySets& sets, IssuerRulesPtr rules)
      : clock_(clock),
        loop_(std::move(*net::make_epoll_loop(clock))),
        reader_(*loop_, sets, clock, 1 << 20) {
    reader_.take({std::move(rules)});
  }
  void run(const std::string& first, const std::string& second, std::atomic<size_t>& ready, const std::function<void()>& rotate) {
    net::Scope scope;
    scope.spawn(work(first, second, ready, rotate));
    loop_->run();
  }
  std::string outcome;
  size_t hits = 0;

 private:
  net::Task<void> work(std::string first, std::string second, std::atomic<size_t>& ready, std::function<void()> rotate) {
    const MonoTime end = loop_->now() + kPatience;
    outcome = "no keys";
    while (loop_->now() < end && outcome != "ok") {
      outcome = text(co_await reader_.verify(first, clock_.wall()));
      co_await net::sleep(*loop_, 5ms);
    }
    // All have keys; the last one to say so makes the issuer rotate them.
    if (ready.fetch_add(1) + 1 == kWorkers) rotate();
    while (loop_->now() < end && ready.load() < kWorkers) co_await net::sleep(*loop_, 5ms);
    if (outcome == "ok") outcome = text(co_await reader_.verify(second, clock_.wall()));
    if (outcome == "ok") outcome = text(co_await reader_.verify(second, clock_.wall()));
    hits = reader_.counts().hits;
    loop_->stop();
  }
  static std::string text(const Result<VerifiedToken>& result) { return result ? "ok" : result.error().detail; }

  const Clock& clock_;
  std::unique_ptr<net::Loop> loop_;
  TokenReader reader_;
};

TEST(KeySetsThreads, ReadersWaitForKeysOnTheirOwnLoops) {
  SystemClock clock;
  const std::string one = oidc(clock.wall()).compact();
  TestToken rotated = oidc(clock.wall());
  rotated.signer = &rsa_signer_2();
  rotated.header.text("kid", "rsa-2");
  const std::string two = rotated.compact();

  std::vector<std::unique_ptr<Worker>> workers;
  KeyThread keys(clock);
  const auto rules = keys.issuers().move_here(rules_of("fabrikam", oidc_config()), jwks({rsa_signer().jwk()}));
  keys.start();
  for (size_t i = 0; i < kWorkers; ++i) workers.push_back(std::make_unique<Worker>(clock, keys.sets(), rules));
  keys.sets().take(rules->sources);
  std::atomic<size_t> ready{0};
  const auto rotate = [&] { keys.publish(jwks({rsa_signer().jwk(), rsa_signer_2().jwk()})); };
  std::vector<std::thread> threads;
  for (const auto& worker : workers) {
    threads.emplace_back([&worker = *worker, &one, &two, &ready, &rotate] { worker.run(one, two, ready, rotate); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& worker : workers) {
    EXPECT_EQ(worker->outcome, "ok");
    EXPECT_GE(worker->hits, 1u);
  }
  EXPECT_EQ(keys.sets().fetches(), 2u) << "at the start, and one for the new kid of all workers";
  workers.clear();
}

}  // namespace
}  // namespace wye::token
