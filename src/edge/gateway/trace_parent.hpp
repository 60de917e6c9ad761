// Which trace a request belongs to. Source: W3C Trace Context (https://www.w3.org/TR/trace-context/) §3.2.
// Private to edge/gateway. Threads: pure.
#pragma once

namespace wye::gateway {

/// The 32 hex digits of a valid `traceparent`; empty for what is none. Later versions may add fields behind those of version 00.
std::string_view trace_id_of(std::string_view traceparent);

}  // namespace wye::gateway
