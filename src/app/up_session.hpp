// One `wye up` from the lock of its data folder to the last child's end.
#pragma once

#include "app/commands.hpp"
#include "app/first_start.hpp"
#include "app/instance_record.hpp"
#include "app/laptop_issuer.hpp"
#include "app/local_targets.hpp"
#include "app/up_screen.hpp"
#include "identity/token/issuer_rules.hpp"

namespace wye::app {

/// How long a start may take.
inline constexpr std::chrono::minutes kReadyMax{10};

/// Where a client reaches the first listener: `http://127.0.0.1:8080`.
std::string url_of(const net::Endpoint& at, bool tls);

/// Whether a start is over. `kReady`: detached, every Route; in the foreground, every Route is live or known broken and one is live.
enum class StartVerdict : uint8_t { kWait, kReady, kGiveUp };
StartVerdict judge_start(std::span<const control::RouteReadiness> routes, bool any_hopeless, bool detached, Nanos elapsed);

/// Threads: one owner.
class UpSession {
 public:
  UpSession(const UpOptions& options, const Outside& outside);
  ~UpSession();

  /// From start to end; gives the exit code. Says everything itself.
  int run(os::StopSignals& signals);

 private:
  Result<void> open(DataFolder data);
  Result<void> prepare();
  Result<void> start_issuer();
  uint16_t issuer_port() const;
  void end_issuer_beyond_loopback();
  HostOptions host_options(const DataFolder& data);
  int refuse_start(const Error& error);
  int refuse_port(const Error& error);
  void run_targets();
  std::vector<control::RouteReadiness> look();
  std::optional<StartVerdict> wait_for_start(os::StopSignals& signals);
  void serve(os::StopSignals& signals);
  void write_record();
  void welcome();
  void tell_start_failed();
  void end(os::StopSignals& signals);
  void remember_ports() const;
  std::optional<uint16_t> wished_port(std::optional<uint16_t> flag, std::string_view name) const;
  void say(std::string_view text);

  const UpOptions& options_;
  const Outside& outside_;
  DataFolder data_;
  std::optional<Artefacts> artefacts_;
  std::filesystem::path simulator_;
  bool config_refused_ = false;
  bool issuer_refused_ = false;
  std::shared_ptr<token::LaptopIssuer> laptop_ = std::make_shared<token::LaptopIssuer>();
  std::unique_ptr<LaptopIssuerHost> issuer_;
  UpScreen screen_;
  MonoTime began_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<LocalTargets> targets_;
  std::optional<LaptopKey> key_;
  InstanceRecord record_;
  bool recorded_ = false;
};

}  // namespace wye::app
