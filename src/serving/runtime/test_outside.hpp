// What a Supervisor is given in tests: a loopback HTTP client, sha256sum, and a record of what it reports.
#pragma once

#include <condition_variable>

#include "foundation/os/child_process.hpp"
#include "serving/runtime/supervisor.hpp"

namespace wye::runtime {

/// A blocking HTTP/1.1 call to 127.0.0.1 over a plain socket.
Result<HttpCallAnswer> loopback_call(const HttpCallRequest& request);
/// By the program sha256sum.
Result<std::string> sha256sum(const std::filesystem::path& path, std::stop_token stop);

/// Takes the reports of a Supervisor and lets a test wait for them. Threads: any.
class Reports {
 public:
  void add(const RuntimeStatus& status);
  /// Waits for a report of `model` that `fits`, among all so far; fails the test with what came instead.
  RuntimeStatus wait(std::string_view model, const std::function<bool(const RuntimeStatus&)>& fits,
                     std::chrono::seconds limit = std::chrono::seconds(30));
  RuntimeStatus wait(std::string_view model, State state, std::chrono::seconds limit = std::chrono::seconds(30));
  /// All states that `model` went through.
  std::vector<State> states(std::string_view model) const;
  void forget();

 private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<RuntimeStatus> all_;
};

/// A folder, a clock, a log and the reports, and the ports made of them.
class TestOutside {
 public:
  TestOutside();
  ~TestOutside();
  TestOutside(const TestOutside&) = delete;
  TestOutside& operator=(const TestOutside&) = delete;
  SupervisorPorts ports();
  /// Writes a file into the folder.
  std::filesystem::path put(std::string_view name, std::string_view content, unsigned mode = 0600);
  const std::filesystem::path& folder() const { return folder_; }

  SystemClock clock;
  SeededRandom random{1};
  MemoryLogSink sink;
  Log log{sink, clock};
  Reports reports;
  std::function<Result<HttpCallAnswer>(const HttpCallRequest&)> http = loopback_call;

 private:
  std::filesystem::path folder_;
  std::atomic<int> keys_ = 0;
};

/// Whether the process is gone, or will be within two seconds.
bool gone_soon(int pid);

}  // namespace wye::runtime
