// URLs inside requests: which of them point elsewhere, and whether the Route lets them. Private to this room.
// Source: RFC 3986 (syntax), RFC 2397 (data URLs); read narrowly: what two parsers might read differently is refused.
#pragma once

namespace wye::protocol {

enum class PointerVerdict : uint8_t {
  kInline,         // `data:`: content, not a pointer
  kAllowed,
  kScheme,         // the scheme is not allowed
  kHost,           // the host is not allowed
  kMalformed,
};

/// Judges one URL. Without an allowed host no http(s) URL passes: a scheme alone opens nothing.
PointerVerdict judge_pointer(std::string_view url, std::span<const std::string> schemes, std::span<const std::string> hosts);

}  // namespace wye::protocol
