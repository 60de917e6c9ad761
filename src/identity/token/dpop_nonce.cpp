#include "foundation/crypto/encode.hpp"
#include "identity/token/dpop.hpp"

namespace wye::token {
namespace {

constexpr size_t kPeriodBytes = 8;
constexpr size_t kTagBytes = 16;
constexpr std::string_view kLabel = "dpop-nonce";

int64_t period_of(WallTime now) { return now.ns / Nanos(kDpopNonceLife).count(); }

std::string nonce_of(const crypto::HmacKey& key, int64_t period) {
  std::string bytes;
  for (size_t i = kPeriodBytes; i-- > 0;) bytes += static_cast<char>(static_cast<uint64_t>(period) >> (8 * i));
  const crypto::Digest tag = key.mac(std::string(kLabel) + bytes);
  return crypto::to_base64url(bytes + std::string(crypto::as_text(tag).substr(0, kTagBytes)));
}

}  // namespace

std::string DpopNonces::current(WallTime now) const { return nonce_of(key_, period_of(now)); }

bool DpopNonces::valid(std::string_view nonce, WallTime now) const {
  if (nonce.empty()) return false;
  const int64_t period = period_of(now);
  const bool is_current = crypto::equal_constant_time(nonce, nonce_of(key_, period));
  const bool is_previous = crypto::equal_constant_time(nonce, nonce_of(key_, period - 1));
  return is_current || is_previous;
}

}  // namespace wye::token
