#include "config/kinds/cidr.hpp"

#include <arpa/inet.h>

namespace wye::config {
namespace {

constexpr size_t kMappedPrefix = 12;

/// Compares the first `bits` bits.
bool same_prefix(const IpAddress& a, const IpAddress& b, uint8_t bits) {
  const size_t whole = bits / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - bits % 8));
  return (a.bytes[whole] & mask) == (b.bytes[whole] & mask);
}

bool host_bits_clear(const IpAddress& address, uint8_t bits) {
  for (size_t i = bits; i < 128; ++i) {
    if ((address.bytes[i / 8] >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.empty() || text.size() > 45) return std::nullopt;
  const std::string terminated(text);
  IpAddress out;
  if (inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) == 1) return out;
  out.bytes[10] = out.bytes[11] = 0xff;
  if (inet_pton(AF_INET, terminated.c_str(), out.bytes.data() + kMappedPrefix) == 1) return out;
  return std::nullopt;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!address || ec != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  if (bits > (v4 ? 32u : 128u)) return std::nullopt;
  const Cidr out{*address, static_cast<uint8_t>(v4 ? bits + kMappedPrefix * 8 : bits)};
  if (!host_bits_clear(out.network, out.bits)) return std::nullopt;
  return out;
}

bool Cidr::contains(const IpAddress& address) const { return same_prefix(network, address, bits); }

}  // namespace wye::config
