// Runs one llama-server process for each locally served model and keeps it running.
#pragma once

#include "foundation/base/log.hpp"
#include "foundation/base/result.hpp"
#include "foundation/base/secret.hpp"
#include "serving/runtime/runtime_spec.hpp"

namespace wye::runtime {

/// One blocking HTTP/1.1 call to 127.0.0.1.
struct HttpCallRequest {
  uint16_t port = 0;
  std::string_view method;
  std::string_view path;
  std::string_view body;  // JSON; empty: no body
  std::string_view bearer{};  // the key of the server; empty: none is sent
  Nanos timeout{};        // for the whole call
  size_t body_max = 4 << 20;
};
struct HttpCallAnswer {
  int status = 0;
  std::string body;
};

/// What the supervisor needs from outside. All are called from the supervisor's threads, several at once.
struct SupervisorPorts {
  const Clock& clock;
  Random& random;  // used by the supervisor's own thread alone
  Log& log;
  /// kTimeout, kClosed, kIo as they come. Must return soon after the peer closes or the timeout passes.
  std::function<Result<HttpCallAnswer>(const HttpCallRequest&)> http;
  /// SHA-256 of a whole file as 64 lower-case hex digits. May take minutes; gives up with kCancelled soon after a stop was asked for.
  std::function<Result<std::string>(const std::filesystem::path&, std::stop_token)> sha256_file;
  /// A new key that nobody can foretell, of characters that fit into a header; each process of a server gets its own.
  std::function<Secret()> make_key;
  /// Called after every change of state, one at a time, on the supervisor's thread; must be quick and must not call back.
  /// The addresses of a model are those of its instances whose last state was kReady.
  std::function<void(const RuntimeStatus&)> changed;
  /// Requests that we have under way at an instance, for draining. Empty: the server's own slots are asked.
  std::function<uint64_t(const RuntimeStatus&)> in_flight;
};

struct SupervisorOptions {
  std::filesystem::path llama_server;             // the program
  std::filesystem::path logs;                     // folder of runtime-<model>.log
  std::filesystem::path run;                      // folder of ours alone: holds a key from the start of a server until it listens
  std::vector<std::string> environment;           // of the children: complete, without secrets
  LifecycleLimits limits;
  Nanos health_every = std::chrono::milliseconds(100);  // between looks at /health while loading
};

/// Owns the processes. Each model has its own worker for the blocking steps (hashing, HTTP), so a broken model delays no other.
/// A changed spec starts a second process and drains the first when the second is ready; where the second never works the first
/// goes on.
/// Lifetime: starts its thread at once. The children die with that thread, however it ends; the destructor stops
/// everything without waiting for requests. Threads: any thread may call.
class Supervisor {
 public:
  Supervisor(SupervisorOptions options, SupervisorPorts ports);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// From now on exactly these models are wanted (names unique). Those that are new start, those that are gone drain. Returns at once.
  void apply(std::vector<RuntimeSpec> wanted);
  /// The present state of every process, in order of instances; those that stopped because they were told to are left out.
  std::vector<RuntimeStatus> status() const;
  /// Drains and stops all, for at most `limit`, then kills. Returns when no child is left. `apply` has no effect afterwards.
  void stop(Nanos limit);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wye::runtime
