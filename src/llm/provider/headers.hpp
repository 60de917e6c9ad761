// Which headers pass between client and upstream: allow-lists both ways, nothing passes by default.
// Source: RFC 9110 §7.6.1 (hop-by-hop); Azure OpenAI (at most 10 custom headers). Threads: pure functions.
#pragma once

namespace wye::provider {

inline constexpr size_t kForwardHeadersMax = 6;

/// Whether the client's header may go upstream: one that the Route's forwardHeaders name and that is not reserved.
/// `lower_name` is lower case; so are `forward_headers`.
bool passes_upstream(std::string_view lower_name, std::span<const std::string> forward_headers);
/// A name that no configuration can let through: credentials, cookies, hop-by-hop, provider and proxy controls, our own.
bool is_reserved(std::string_view lower_name);
/// Whether an upstream's header may go to the client: only content-type; all else is rebuilt or dropped.
bool passes_to_client(std::string_view lower_name);

}  // namespace wye::provider
