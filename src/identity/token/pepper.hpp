// The secret that stored MACs of API keys are made with. Two may live at once: the current one makes and checks, the previous one
// only checks. To rotate: move `pepper` to `pepper.previous` and start again; keys made under a pepper that is gone stop working.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/crypto/digest.hpp"

namespace wye::token {

inline constexpr size_t kPepperBytes = 32;

/// One pepper, prepared. `kid` is derived from its bytes (8 hex digits), so a renamed file keeps its name in the records.
struct Pepper {
  std::string kid;
  crypto::HmacKey key;
  /// `bytes` has kPepperBytes.
  static Pepper from_bytes(std::string_view bytes);
};

/// Both live peppers. Threads: immutable.
class Peppers {
 public:
  explicit Peppers(Pepper current, std::optional<Pepper> previous = std::nullopt);
  const Pepper& current() const { return live_.front(); }
  /// The pepper of that name, or null.
  const Pepper* find(std::string_view kid) const;

 private:
  std::vector<Pepper> live_;
};

/// Reads 32 raw bytes from `path` (made at the first start: mode 0600, synced) and, if it is there, `<path>.previous`. Two processes
/// at once end up with the same bytes. Blocking. Errors: kUsage (readable by others, not ours, a link, another size), kIo.
Result<Peppers> load_or_create_peppers(const std::filesystem::path& path);

}  // namespace wye::token
