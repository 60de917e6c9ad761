// The keys that the simulated resource accepts; Azure gives each resource two.
// Threads: values; `accepts` from any.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/base/secret.hpp"
#include "foundation/http/head.hpp"

namespace wye::simulator {

class KeyRing {
 public:
  /// One key a line, surrounding blanks and empty lines left out. Errors: kUsage (no key, one shorter than 8 or longer than 512
  /// characters, or more than 8 keys); messages never quote a key.
  static Result<KeyRing> parse(std::string_view text);
  /// The same from a file of at most 64 KiB. Errors: kUsage with the path.
  static Result<KeyRing> read(const std::filesystem::path& path);

  /// `api-key`, or `Authorization: Bearer` where there is none. Takes the same time whatever is wrong with a key of the right length.
  bool accepts(const http::Head& head) const;

 private:
  bool holds(std::string_view key) const;
  std::vector<Secret> keys_;
};

}  // namespace wye::simulator
