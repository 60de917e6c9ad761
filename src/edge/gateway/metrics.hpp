// The series that requests write, found once a combination of labels and kept. Names: OpenTelemetry GenAI conventions and `wye_`.
// Threads: those of one loop.
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/metrics.hpp"

namespace wye::gateway {

/// Labels of one request; all of them come from configuration, never from a caller.
struct RequestLabels {
  std::string_view route;
  std::string_view tenant;
  std::string_view operation;
  std::string_view path;      // managed or custom; empty where nothing was sent
  std::string_view target;
  std::string_view provider;
  int status = 0;
  std::string_view error_type;  // empty: success
};

struct RequestFigures {
  Nanos total{};
  Nanos upstream{};
  Nanos to_first_token{};
  Nanos a_token{};
  Nanos overhead{};
  uint64_t prompt_tokens = 0;
  uint64_t cached_tokens = 0;
  uint64_t completion_tokens = 0;
  bool metered = false;
};

class GatewayMetrics {
 public:
  explicit GatewayMetrics(Metrics& registry);

  void count_request(const RequestLabels& labels, const RequestFigures& figures);
  void count_attempt(std::string_view target, std::string_view outcome);
  void count_auth_failure(std::string_view reason);
  void in_flight(std::string_view route, bool begins);

 private:
  struct Request {
    Series requests, duration, first_token, a_token, overhead, client_duration, prompt, cached, completion, usage_in, usage_out;
  };
  /// Distinct combinations kept at most; beyond it the series are looked up each time.
  static constexpr size_t kKept = 4096;
  Request make_request(const RequestLabels& labels);
  template <class Map>
  Series keep(Map& map, Metrics::Family family, std::string_view a, std::string_view b);

  Metrics& registry_;
  MetricShard& shard_;
  Metrics::Family requests_, in_flight_, overhead_, tokens_, attempts_, auth_failures_, duration_, first_token_, a_token_, client_duration_,
      client_usage_;
  std::string key_;
  std::unordered_map<std::string, Request> by_labels_;
  std::unordered_map<std::string, Series> pairs_;
};

}  // namespace wye::gateway
