// What `wye login` leaves behind: who issued the token, the token, and, with --persist, what renews it.
// The file is `${XDG_CONFIG_HOME:-~/.config}/wye/login.json`, 0600, its folder 0700.
// Threads: those of a command. Two commands at once: the file is replaced as a whole, the last one wins.
#pragma once

#include "app/data_folder.hpp"
#include "foundation/base/clock.hpp"
#include "foundation/base/secret.hpp"

namespace wye::app {

/// A sign-in that is kept. Move-only: it holds secrets.
struct StoredLogin {
  std::string issuer;          // as given to --issuer
  std::string client_id;
  std::string scope;
  std::string token_endpoint;  // of the issuer's discovery document: where a refresh goes
  std::filesystem::path ca_file;
  Secret access_token;
  WallTime expires_at;
  Secret refresh_token;        // empty without --persist
};

/// Where it lies. Errors: kUsage where neither XDG_CONFIG_HOME nor HOME is set.
Result<std::filesystem::path> token_file_path(const Environment& environment);

/// Errors: kNotFound (nobody has signed in), kForbidden (others may read the file), kCorrupt, kIo.
Result<StoredLogin> load_login(const std::filesystem::path& path);
/// Errors: kIo.
Result<void> save_login(const std::filesystem::path& path, const StoredLogin& login);

/// A token shorter than this is renewed before it is handed out.
inline constexpr std::chrono::seconds kTokenReserve{60};

/// The access token of the stored login: as it is while it stays valid for kTokenReserve, else renewed and written back where there is a
/// refresh token. For `--server`: send it as bearer. Errors: those of load_login; kUnauthenticated (it ended and can not be renewed: sign in again);
/// kClosed, kTimeout (the issuer is not reachable).
Result<Secret> current_access_token(const Environment& environment, const Clock& clock);

}  // namespace wye::app
