// Credentials on a loop of its own, readers on others: values cross, readers come and go meanwhile.
#include <condition_variable>

#include "foundation/net/epoll_loop.hpp"
#include "identity/workload/workload_test_rig.hpp"

namespace wye::workload {
namespace {

class NoNames final : public net::Resolver {
 public:
  net::Task<Result<std::vector<net::Endpoint>>> resolve(std::string, uint16_t, net::Bound) override {
    co_return Fail(internal_error(ErrorCode::kNotFound, "no names here"));
  }
};

/// A loop and its thread.
struct Running {
  explicit Running(const Clock& clock) : loop(std::move(*net::make_epoll_loop(clock))) {}
  ~Running() { stop(); }
  void start() {
    thread = std::thread([this] { loop->run(); });
  }
  void stop() {
    if (!thread.joinable()) return;
    loop->stop();
    thread.join();
  }
  std::unique_ptr<net::Loop> loop;
  std::thread thread;
};

net::Task<void> follow(net::Loop& loop, CredentialReader& reader, CredentialReader::SlotPtr slot, std::string last, bool& seen) {
  const Deadline end = loop.after(20s);
  while (!seen && !end.passed(loop.now())) {
    const Result<PresentedPtr> presented = reader.attach(*slot, kOrigin);
    seen = presented && (*presented)->line.reveal().contains(last);
    if (!seen) co_await net::sleep(loop, 5ms);
  }
  loop.stop();
}

TEST(CredentialThreads, ValuesCrossToEveryReader) {
  const SystemClock clock;
  const TestFolder folder;
  NoNames resolver;
  Running fetching(clock);
  const Environment nothing = [](std::string_view) { return std::optional<std::string>(); };
  const TrustMaker no_trust = [](const std::string&) -> Result<std::shared_ptr<const net::TlsClientContext>> {
    return Fail(internal_error(ErrorCode::kUsage, "no TLS here"));
  };
  Credentials credentials(*fetching.loop, resolver, {clock, nothing, no_trust, 1});
  const std::string file = folder.write("key", "canary-key-1");
  config::Credential spec;
  spec.type = config::CredentialType::kApiKey;
  spec.api_key.emplace().key.file = {file, file};
  const std::array wanted = {CredentialWanted{"c", spec, {std::string(kOrigin)}, {}}};
  std::vector<CredentialFinding> findings;
  const CredentialSetPtr set = credentials.prepare(wanted, [](const std::string&) { return std::optional<std::string>(); }, findings);
  ASSERT_NE(set, nullptr);
  credentials.take(set);
  fetching.start();
  std::array<bool, 4> seen{};
  std::mutex mutex;
  std::condition_variable done;
  size_t ended = 0;  // guarded by mutex
  std::vector<std::thread> workers;
  for (bool& one : seen) {
    workers.emplace_back([&] {
      const std::unique_ptr<net::Loop> loop = std::move(*net::make_epoll_loop(clock));
      // Readers that come and go while values are published.
      for (int i = 0; i < 50; ++i) {
        CredentialReader passing(*loop, &credentials);
        static_cast<void>(passing.hold(set->find(0, "")));
      }
      CredentialReader reader(*loop, &credentials);
      net::Scope scope;
      scope.spawn(follow(*loop, reader, reader.hold(set->find(0, "")), "canary-key-2", one));
      loop->run();
      const std::lock_guard guard(mutex);
      ++ended;
      done.notify_one();
    });
  }
  folder.write("key", "canary-key-2");
  std::unique_lock lock(mutex);
  while (!done.wait_for(lock, 2ms, [&] { return ended == seen.size(); })) {
    credentials.take(set);  // looks at the file again
    static_cast<void>(credentials.states());
  }
  lock.unlock();
  for (std::thread& worker : workers) worker.join();
  for (const bool one : seen) EXPECT_TRUE(one);
  fetching.stop();
}

}  // namespace
}  // namespace wye::workload
