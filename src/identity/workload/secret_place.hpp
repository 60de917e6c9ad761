// Where a secret stands that configuration names: a file of ours, the environment, a mounted Kubernetes Secret.
// Source: Kubernetes documentation, "Secrets" (mounted as files; `..data` is swapped as a whole on an update).
// Threads: immutable once made; `read` from any thread, blocks on a local file.
#pragma once

#include "config/kinds/field.hpp"
#include "foundation/base/result.hpp"
#include "foundation/base/secret.hpp"

namespace wye::workload {

/// Gives the value of an environment variable and forgets it there, so that no child inherits it; absent where it is not set.
using TakeVariable = std::function<std::optional<std::string>(const std::string& name)>;

inline constexpr size_t kSecretBytesMax = 16 << 10;
/// Below it Kubernetes Secrets are mounted, a folder a Secret: `{root}/{secret}/{key}`. `WYE_KUBERNETES_SECRETS` names another one.
inline constexpr std::string_view kKubernetesRoot = "/var/run/secrets/wye";

class SecretPlace {
 public:
  enum class Form : uint8_t {
    kKey,   // one line of visible characters; a trailing line end is dropped
    kText,  // a PEM text
  };
  /// Takes what the environment holds, once. Errors: kUsage where the variable is not set, and for Key Vault, which is not read here.
  static Result<std::shared_ptr<const SecretPlace>> make(const config::SecretRef& from, Form form, const TakeVariable& take,
                                                         std::string kubernetes_root);

  /// The value as it stands there now. A file of ours: regular, no link, owned by us, 0600 or narrower. A file of a Kubernetes Secret:
  /// links are followed below the folder of the Secret and not out of it; not writable by others.
  /// Errors: kUsage with what is wrong and what to do; never a byte of the value.
  Result<Secret> read() const;
  /// False where the value came from the environment.
  bool can_change() const { return taken_.empty(); }

 private:
  SecretPlace() = default;
  Form form_ = Form::kKey;
  std::string file_;
  std::string variable_;
  std::string kubernetes_folder_;
  std::string kubernetes_key_;
  Secret taken_;
};

/// A file that a platform keeps fresh for us (a federated token, a JWT-SVID): links are followed, one line of visible characters.
/// Errors: kUsage naming the file.
Result<Secret> read_platform_file(const std::string& path);
/// A file that is no secret, as PEM certificates. Errors: kUsage naming the file.
Result<std::string> read_public_file(const std::string& path);

}  // namespace wye::workload
