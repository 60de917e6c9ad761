// Commands that talk to an instance: the one of a data folder over its local socket, or one elsewhere over the network.
//
// Which one: `--server URL`; else `--data DIR`; else `$WYE_DATA`; else `$WYE_ADMIN_URL`; else the default data folder. Locally the caller is
// the owner and needs no credential. Elsewhere it is `$WYE_TOKEN` (any bearer: a token, an API key), else the sign-in of `wye login`.
// Threads: those of a command; blocking.
#pragma once

#include "app/commands.hpp"
#include "foundation/base/secret.hpp"
#include "foundation/json/document.hpp"

namespace wye::app {

struct AdminReply {
  int status = 0;
  std::string body{};  // JSON
};

class AdminClient {
 public:
  /// Errors: kNotFound (nothing runs on that folder), kUsage (several run there and none was named; the URL), kUnauthenticated, kForbidden
  /// (no sign-in that could be sent).
  static Result<AdminClient> find(const AdminTarget& target, const Outside& outside);

  /// `path` below /admin/v1/. An answer of any status is an answer. Errors: kNotFound (nothing answers there), kTimeout, kTooLarge.
  Result<AdminReply> call(std::string_view method, const std::string& path, std::string_view body = {}, std::string_view if_match = {}) const;

 private:
  explicit AdminClient(const Clock& clock) : clock_(clock) {}
  const Clock& clock_;
  std::filesystem::path socket_;  // empty: elsewhere
  std::string server_;
  std::string ca_file_;
  Secret token_;
};

/// Whether the target is a folder of this machine, and which. Errors: kUsage.
Result<std::optional<DataFolder>> local_folder(const AdminTarget& target, const Outside& outside);

/// The socket of who runs on a folder: the named one, else the only one. Errors: kNotFound, kUsage (several).
Result<std::filesystem::path> find_socket(const DataFolder& data, const std::string& instance);

/// Says what a refusal says; gives the exit code: 4 for 401 and 403, 6 for 409, 3 where a configuration is refused, 2 for other 400s, else 1.
int report_reply(const AdminReply& reply);

/// A value of a query or path, percent-encoded.
std::string encoded(std::string_view text);

}  // namespace wye::app
