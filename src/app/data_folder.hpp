// The folder of one instance: where its state, secrets, logs and sockets lie.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::app {

/// Paths below one folder; nothing is made by asking for them. A value.
struct DataFolder {
  std::filesystem::path root;

  std::filesystem::path config() const { return root / "config"; }
  std::filesystem::path state() const { return root / "state.db"; }
  std::filesystem::path secrets() const { return root / "secrets"; }
  std::filesystem::path logs() const { return root / "logs"; }
  std::filesystem::path snapshots() const { return root / "snapshots"; }
  std::filesystem::path run() const { return root / "run"; }
  std::filesystem::path lock() const { return run() / "lock"; }
  std::filesystem::path admin_socket() const { return run() / "admin.sock"; }
  std::filesystem::path instance() const { return run() / "instance.json"; }
  std::filesystem::path pepper() const { return secrets() / "pepper"; }
  std::filesystem::path pseudonym_key() const { return secrets() / "pseudonym.key"; }
  std::filesystem::path nonce_key() const { return secrets() / "dpop-nonce.key"; }
  std::filesystem::path laptop_key() const { return secrets() / "laptop.key"; }
  std::filesystem::path simulator_key() const { return secrets() / "simulator.key"; }
  /// Of the laptop issuer: what proves the owner, what the application signs with, the keys of its tokens, whom it knows, its certificates.
  std::filesystem::path laptop_owner_key() const { return secrets() / "laptop-owner.key"; }
  std::filesystem::path laptop_app_key() const { return secrets() / "laptop-app.pem"; }
  std::filesystem::path issuer_keys() const { return secrets() / "issuer-keys.pem"; }
  std::filesystem::path laptop_users() const { return secrets() / "laptop-users.json"; }
  std::filesystem::path issuer_tls_key() const { return secrets() / "issuer-tls.key"; }
  std::filesystem::path issuer_tls_certificate() const { return secrets() / "issuer-tls.crt"; }
  std::filesystem::path laptop_ca_key() const { return secrets() / "laptop-ca.key"; }
  std::filesystem::path laptop_ca() const { return secrets() / "laptop-ca.crt"; }
  /// The copy of laptop_ca that programs of the owner trust.
  std::filesystem::path ca_file() const { return run() / "ca.crt"; }
  std::filesystem::path last_ports() const { return root / "cache" / "ports.json"; }

  /// Makes the folder and those inside, 0700. Errors: kIo with path and reason (denied, disk full).
  Result<void> make() const;
};

/// Reads one environment variable; empty where it is not set.
using Environment = std::function<std::string(const char* name)>;

/// `--data`, else `$WYE_DATA`, else `${XDG_DATA_HOME:-~/.local/share}/wye`. Errors: kUsage where none of them is set.
Result<DataFolder> find_data_folder(const std::string& flag, const Environment& environment);

}  // namespace wye::app
