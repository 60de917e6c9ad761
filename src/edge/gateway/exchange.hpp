// One request on its way: what each step found out, for the next one and for the record at the end.
// Private to edge/gateway. Threads: those of one loop.
#pragma once

#include "edge/gateway/gateway.hpp"
#include "edge/gateway/match.hpp"
#include "foundation/http/sse.hpp"
#include "identity/access/policy.hpp"
#include "llm/protocol/aggregate.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/responses_bridge.hpp"
#include "llm/protocol/responses_rewriter.hpp"
#include "llm/protocol/unary_rewriter.hpp"
#include "llm/provider/outcome.hpp"

namespace wye::gateway {

/// How the request ended, as the access log spells it.
enum class End : uint8_t { kComplete, kRefused, kBlocked, kFailed, kCut, kClientGone, kTimeout, kShed };
std::string_view to_string(End end);

/// Everything that a request needs and that is worth keeping for the next one: parsers, buffers, plans. One a request in flight.
struct ExchangeMemory {
  json::Document body;
  protocol::DecodedRequest request;
  json::Patch patch;
  route::Plan plan;
  http::SseScanner scanner;
  protocol::EventRewriter events;
  protocol::UnaryRewriter unary;
  protocol::StreamAggregator aggregator;
  protocol::ResponsesBridge bridge;
  protocol::ResponsesRewriter responses;
  std::string upstream_body;   // of a bridged request
  std::string answer;          // collected or written by us
  std::vector<iovec> out;
  std::vector<iovec> upstream;
  std::array<char, 8 << 10> head;
};

/// What the upstream used, whoever counted it.
struct Metered {
  protocol::Usage usage;
  bool estimated = false;
};

class Exchange {
 public:
  Exchange(Gateway& gateway, http::ServerCall& call);
  /// Settles: step 12. No I/O: one record for the log, one for the metrics.
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const config::Snapshot& snapshot() const { return configuration->snapshot(); }
  Deadline deadline() const { return total; }
  net::Bound bound(Deadline d) { return {earlier(d, total), &call.gone()}; }

  Gateway& gateway;
  http::ServerCall& call;
  WorkerConfigurationPtr configuration;
  std::unique_ptr<ExchangeMemory> memory;
  std::array<char, 36> id;                  // `req_` and 32 hex digits
  std::string_view request_id() const { return {id.data(), id.size()}; }
  std::string_view id_random() const { return request_id().substr(4); }

  std::optional<Match> matched;
  std::string_view allow;                   // for 405
  token::PrincipalRef principal;
  const config::TenantEntry* tenant = nullptr;
  access::Standing standing;                // what the caller holds in that tenant
  access::Facts facts;                      // of the request, as far as they are known
  std::optional<access::Decision> denied;   // by which rules
  bool hidden = false;                      // the Route exists, but not for this caller
  const config::RouteEntry* route = nullptr;
  std::string_view asked_model;             // what the client called it
  route::Ask ask;
  Deadline total;

  // For the record.
  const TargetRuntime* target = nullptr;
  uint32_t attempts = 0;
  bool stream = false;
  bool admitted = false;                    // counts among the requests of the process
  bool in_flight = false;                   // counts among those of its Route
  bool retry_is_useless = false;            // the last attempt failed for a reason that waiting does not cure
  int status = 0;
  End end = End::kFailed;
  ErrorCode error = ErrorCode::kInternal;
  bool failed = false;
  std::string detail;                       // for the process log
  Metered metered;
  uint64_t events_out = 0;
  std::string upstream_request_id;
  Nanos auth_time{}, decide_time{}, connect_time{};
  Nanos earlier_attempts{};                 // from the first of them to the begin of the last
  MonoTime sent_at{}, first_byte_at{}, upstream_done_at{};

 private:
  void write_line(const RequestLabels& labels, const RequestFigures& figures);
};

}  // namespace wye::gateway
