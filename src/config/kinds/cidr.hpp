// Addresses and networks of RFC 4632 and RFC 4291, as one family: IPv4 stands in its mapped form ::ffff:a.b.c.d.
// Threads: values, pure.
#pragma once

namespace wye::config {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  /// Absent for anything but dotted decimal IPv4 or IPv6 without zone.
  static std::optional<IpAddress> parse(std::string_view text);
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// `10.0.0.0/8`, `2001:db8::/32`. A network whose host bits are set is refused: it is a slip more often than not.
struct Cidr {
  IpAddress network;
  uint8_t bits = 0;  // of 128
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
};

}  // namespace wye::config
