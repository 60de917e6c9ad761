// Sign-ins on their way: authorization codes, device codes, refresh tokens. In memory only: an issuer that starts again knows none.
// Sources: RFC 6749 §4.1, RFC 7636 (PKCE), RFC 8628 (device flow), RFC 6749 §10.4 (a refresh token serves once).
// What a client holds is random, 256 bit; what is kept is its SHA-256. Every table is bounded: the oldest entry makes room.
// Threads: one owner.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/crypto/digest.hpp"

namespace wye::issuer {

inline constexpr std::chrono::seconds kCodeLifetime{120};
inline constexpr std::chrono::seconds kDeviceLifetime{900};
inline constexpr std::chrono::seconds kRefreshLifetime = std::chrono::hours(24) * 7;
inline constexpr std::chrono::seconds kPollInterval{5};
inline constexpr std::chrono::seconds kSlowDownStep{5};
inline constexpr size_t kSignInsMax = 64;  // of each kind
inline constexpr size_t kUserCodeChars = 8;

/// What somebody agreed to.
struct Consent {
  std::string login;   // of the user; empty: not yet
  std::string client;
  bool openid = false;
  bool offline = false;  // a refresh token is wanted
  std::string nonce;
};

/// A code that waits to be redeemed.
struct CodeSignIn {
  Consent consent;
  std::string redirect_uri;
  std::string challenge;  // S256
  WallTime ends;
};

struct DeviceSignIn {
  Consent consent;
  std::string user_code;  // `BCDF-GHJK`
  bool declined = false;
  std::chrono::seconds interval = kPollInterval;
  WallTime polled;
  WallTime ends;
};

enum class DevicePoll : uint8_t { kUnknown, kPending, kSlowDown, kDeclined, kExpired, kDone };

class SignIns {
 public:
  /// Gives the code.
  std::string add_code(CodeSignIn one);
  /// Takes it out, whatever comes of it: a code serves once. Absent where it is unknown or too old.
  std::optional<CodeSignIn> take_code(std::string_view code, WallTime now);

  struct NewDevice {
    std::string device_code;
    std::string user_code;
  };
  NewDevice add_device(Consent consent, WallTime now);
  /// By what the person types: case and anything that is no letter do not matter. Null where it is unknown, over, or decided.
  DeviceSignIn* find_device(std::string_view user_code, WallTime now);
  /// One poll; too quick a one makes the interval longer. kDone, kDeclined and kExpired end it; kDone fills `consent`.
  DevicePoll poll_device(std::string_view device_code, std::string_view client, WallTime now, Consent& consent);

  std::string add_refresh(Consent consent, WallTime now);
  /// Takes it out. Absent where it is unknown or too old. One that served before ends every other of the same sign-in.
  std::optional<Consent> take_refresh(std::string_view token, WallTime now);
  /// Continues the sign-in that take_refresh ended last.
  std::string renew_refresh(Consent consent, WallTime now);

 private:
  struct Refresh {
    Consent consent;
    uint64_t family = 0;
    bool spent = false;
    WallTime ends;
  };
  std::string keep_refresh(Refresh one);
  std::map<crypto::Digest, CodeSignIn> codes_;
  std::map<crypto::Digest, DeviceSignIn> devices_;
  std::map<crypto::Digest, Refresh> refreshes_;
  uint64_t families_ = 0;
  uint64_t last_family_ = 0;
};

/// RFC 7636 §4.6: the verifier is 43–128 of its characters and its SHA-256 is the challenge.
bool proves(std::string_view verifier, std::string_view challenge);

}  // namespace wye::issuer
