// Whether the `htu` of a DPoP proof names a request. Source: RFC 9449 §4.3, RFC 3986 §6.2. Threads: pure.
#pragma once

namespace wye::token {

inline constexpr size_t kDpopUriBytesMax = 4096;

/// Scheme and host without case, default port or none, path decoded; query and fragment are ignored. Refuses dot segments, empty
/// segments, user parts and escapes of separators instead of guessing. `authority` is host[:port], `path` is decoded.
bool dpop_uri_matches(std::string_view htu, std::string_view scheme, std::string_view authority, std::string_view path);

}  // namespace wye::token
