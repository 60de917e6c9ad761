// The laptop issuer inside `wye up`: its secrets, its certificate, its thread.
// Threads: one owner makes and destroys it; requests are served on a thread of its own.
#pragma once

#include "app/data_folder.hpp"
#include "foundation/base/clock.hpp"
#include "foundation/base/secret.hpp"
#include "foundation/net/stream.hpp"

namespace wye::app {

class LaptopIssuerHost {
 public:
  /// Makes what is missing in the data folder (keys, users, authority; each 0600), writes a fresh certificate and run/ca.crt, listens on
  /// 127.0.0.1 and answers. `port` 0: any free one. Takes a second at the first start, for the RSA keys.
  /// Errors: kConflict (port taken), kIo, kCorrupt, kUsage (the list of users).
  static Result<std::unique_ptr<LaptopIssuerHost>> start(const DataFolder& data, const Clock& clock, uint16_t port);
  ~LaptopIssuerHost();
  LaptopIssuerHost(const LaptopIssuerHost&) = delete;
  LaptopIssuerHost& operator=(const LaptopIssuerHost&) = delete;

  /// `https://127.0.0.1:8082`: what stands for `laptop://issuer`.
  const std::string& authority() const;
  /// The issuer of its v2.0 tokens, where discovery begins.
  std::string issuer_url() const;
  const std::filesystem::path& ca_file() const;
  uint16_t port() const;

 private:
  struct Running;
  explicit LaptopIssuerHost(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

/// The owner's key for a command. Errors: kNotFound where there is none.
Result<Secret> read_owner_key(const DataFolder& data);

}  // namespace wye::app
