#include "identity/issuer/sign_ins.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/crypto/random.hpp"

namespace wye::issuer {
namespace {

constexpr size_t kSecretBytes = 32;
/// Consonants: no word comes of them, and none looks like another (RFC 8628 §6.1).
constexpr std::string_view kUserCodeLetters = "BCDFGHJKLMNPQRSTVWXZ";

WallTime after(WallTime now, std::chrono::seconds lifetime) { return {now.ns + Nanos(lifetime).count()}; }

template <class Table>
void make_room(Table& table) {
  if (table.size() < kSignInsMax) return;
  table.erase(std::ranges::min_element(table, {}, [](const auto& entry) { return entry.second.ends; }));
}

std::string new_user_code() {
  std::string out;
  while (out.size() < kUserCodeChars + 1) {
    if (out.size() == kUserCodeChars / 2) out += '-';
    uint8_t byte = 0;
    crypto::random_bytes(std::span(&byte, 1));
    // 240 is the largest multiple of 20 below 256: each letter is as likely as the others.
    if (byte < 240) out += kUserCodeLetters[byte % kUserCodeLetters.size()];
  }
  return out;
}

std::string letters_of(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z') out += static_cast<char>(c - 32);
    if (c >= 'A' && c <= 'Z') out += c;
  }
  return out;
}

}  // namespace

std::string SignIns::add_code(CodeSignIn one) {
  make_room(codes_);
  std::string code = crypto::to_base64url(crypto::random_bytes(kSecretBytes));
  codes_.emplace(crypto::sha256(code), std::move(one));
  return code;
}

std::optional<CodeSignIn> SignIns::take_code(std::string_view code, WallTime now) {
  const auto found = codes_.find(crypto::sha256(code));
  if (found == codes_.end()) return std::nullopt;
  CodeSignIn one = std::move(found->second);
  codes_.erase(found);
  return now < one.ends ? std::optional(std::move(one)) : std::nullopt;
}

SignIns::NewDevice SignIns::add_device(Consent consent, WallTime now) {
  make_room(devices_);
  NewDevice made{crypto::to_base64url(crypto::random_bytes(kSecretBytes)), new_user_code()};
  DeviceSignIn one;
  one.consent = std::move(consent);
  one.user_code = made.user_code;
  one.polled = WallTime{now.ns - Nanos(kPollInterval).count()};
  one.ends = after(now, kDeviceLifetime);
  devices_.emplace(crypto::sha256(made.device_code), std::move(one));
  return made;
}

DeviceSignIn* SignIns::find_device(std::string_view user_code, WallTime now) {
  const std::string wanted = letters_of(user_code);
  for (auto& [digest, one] : devices_) {
    const bool open = now < one.ends && !one.declined && one.consent.login.empty();
    if (open && letters_of(one.user_code) == wanted) return &one;
  }
  return nullptr;
}

DevicePoll SignIns::poll_device(std::string_view device_code, std::string_view client, WallTime now, Consent& consent) {
  const auto found = devices_.find(crypto::sha256(device_code));
  if (found == devices_.end() || found->second.consent.client != client) return DevicePoll::kUnknown;
  DeviceSignIn& one = found->second;
  DevicePoll answer = DevicePoll::kPending;
  if (now >= one.ends) answer = DevicePoll::kExpired;
  else if (one.declined) answer = DevicePoll::kDeclined;
  else if (!one.consent.login.empty()) answer = DevicePoll::kDone;
  if (answer == DevicePoll::kPending) {
    // A second of mercy: clocks and networks are not exact.
    const bool early = now.ns - one.polled.ns < Nanos(one.interval - std::chrono::seconds(1)).count();
    one.polled = now;
    if (!early) return answer;
    one.interval += kSlowDownStep;
    return DevicePoll::kSlowDown;
  }
  consent = std::move(one.consent);
  devices_.erase(found);
  return answer;
}

std::string SignIns::keep_refresh(Refresh one) {
  make_room(refreshes_);
  std::string text = crypto::to_base64url(crypto::random_bytes(kSecretBytes));
  refreshes_.emplace(crypto::sha256(text), std::move(one));
  return text;
}

std::string SignIns::add_refresh(Consent consent, WallTime now) {
  return keep_refresh({std::move(consent), ++families_, false, after(now, kRefreshLifetime)});
}

std::optional<Consent> SignIns::take_refresh(std::string_view token, WallTime now) {
  const auto found = refreshes_.find(crypto::sha256(token));
  if (found == refreshes_.end()) return std::nullopt;
  Refresh& one = found->second;
  if (one.spent) {
    // Somebody holds a copy: nobody of this sign-in goes on.
    std::erase_if(refreshes_, [family = one.family](const auto& entry) { return entry.second.family == family; });
    return std::nullopt;
  }
  one.spent = true;
  last_family_ = one.family;
  return now < one.ends ? std::optional(one.consent) : std::nullopt;
}

std::string SignIns::renew_refresh(Consent consent, WallTime now) {
  return keep_refresh({std::move(consent), last_family_, false, after(now, kRefreshLifetime)});
}

bool proves(std::string_view verifier, std::string_view challenge) {
  const bool formed =
      verifier.size() >= 43 && verifier.size() <= 128 && std::ranges::all_of(verifier, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
      });
  return formed && crypto::equal_constant_time(crypto::to_base64url(crypto::as_text(crypto::sha256(verifier))), challenge);
}

}  // namespace wye::issuer
