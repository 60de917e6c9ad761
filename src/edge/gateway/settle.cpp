// Step 12: every request ends here, however it ended. One record for the access log, one for the metrics; no I/O.
#include "edge/gateway/exchange.hpp"
#include "edge/gateway/trace_parent.hpp"

namespace wye::gateway {
namespace {

constexpr char kHex[] = "0123456789abcdef";

/// Requests that ask again and again are not kept with all they ever needed.
constexpr size_t kKeptAnswerBytes = 256 << 10;

uint64_t micros(Nanos d) { return d.count() <= 0 ? 0 : static_cast<uint64_t>(d.count()) / 1000; }
uint64_t millis(Nanos d) { return micros(d) / 1000; }

std::string_view operation_name(const Exchange& x) {
  if (!x.matched) return {};
  return x.matched->operation ? protocol::to_string(*x.matched->operation) : std::string_view("models");
}

/// OpenTelemetry GenAI conventions, `gen_ai.provider.name`; what runs here has no name there.
std::string_view provider_name(const TargetRuntime* target) {
  if (target == nullptr) return {};
  switch (target->traits->dialect) {
    case provider::Dialect::kAzureV1:
    case provider::Dialect::kAzureDated: return "azure.ai.openai";
    case provider::Dialect::kOpenAiCompatible: return "openai";
    case provider::Dialect::kLlamaServer: break;
  }
  return "llama.cpp";
}

}  // namespace

std::string_view to_string(End end) {
  constexpr std::array<std::string_view, 8> kNames = {"complete", "refused", "blocked", "failed", "cut", "client_gone", "timeout", "shed"};
  return kNames[static_cast<size_t>(end)];
}

Exchange::Exchange(Gateway& g, http::ServerCall& c)
    : gateway(g),
      call(c),
      configuration(g.configuration_),
      memory(g.take_memory()),
      total(Deadline{c.arrived() + snapshot().gateway().limits.total}) {
  std::memcpy(id.data(), "req_", 4);
  uint64_t high = g.random_.next();
  uint64_t low = g.random_.next();
  for (size_t i = 0; i < 16; ++i, high >>= 4, low >>= 4) {
    id[4 + i] = kHex[high & 15];
    id[20 + i] = kHex[low & 15];
  }
}

/// The line of the access log. A part of the 2xx may be left out, nothing else.
void Exchange::write_line(const RequestLabels& labels, const RequestFigures& figures) {
  const config::GatewaySettings& settings = snapshot().gateway();
  const bool sampled = status < 200 || status >= 300 || settings.access_log_sample >= 100 || gateway.random_.below(100) < settings.access_log_sample;
  if (settings.access_log == config::AccessLogTo::kOff || !sampled) return;
  const std::string peer = net::address_text(call.peer());
  JsonLine line = gateway.access_log_.line();
  line.time("time", gateway.clock_.wall()).token("request_id", request_id());
  // Of a request that broke the framing there is no head.
  if (matched) line.token("trace_id", trace_id_of(call.head().value("traceparent")));
  line.text("upstream_request_id", upstream_request_id);
  line.text("listener", call.listener()).token("peer", peer);
  if (matched)
    line.token("method", http::to_string(call.head().method))
        .token("operation", operation_name(*this))
        .token("action", access::to_string(matched->action));
  if (matched && matched->operation) line.boolean("stream", stream);
  if (principal) {
    line.text("tenant", labels.tenant).text("principal", principal->subject()).token("principal_kind", token::to_string(principal->kind()));
    line.token("key_id", principal->key_id());
  }
  if (route != nullptr) line.text("alias", asked_model);
  if (target != nullptr) {
    line.text("target", labels.target)
        .token("path", labels.path)
        .text("model_version", target->entry->model_version)
        .text("region", target->entry->region);
    line.token("data_class", to_string(memory->plan.data_class()));
  }
  line.number("status", static_cast<uint64_t>(status));
  if (failed) line.token("error_code", labels.error_type);
  line.token("outcome", to_string(end)).number("attempts", attempts);
  if (figures.metered) {
    line.number("prompt_tokens", figures.prompt_tokens).number("cached_tokens", figures.cached_tokens);
    line.number("completion_tokens", figures.completion_tokens).number("reasoning_tokens", metered.usage.reasoning_tokens);
    line.token("usage_source", metered.estimated ? "estimated" : "upstream");
  }
  line.number("bytes_in", call.bytes_in()).number("bytes_out", call.bytes_out());
  if (stream) line.number("events_out", events_out);
  line.number("auth_us", micros(auth_time)).number("decide_us", micros(decide_time));
  if (sent_at.ns != 0) line.number("connect_ms", millis(connect_time)).number("upstream_ms", millis(figures.upstream));
  if (first_byte_at.ns != 0) line.number("ttft_ms", millis(first_byte_at - call.arrived()));
  line.number("total_ms", millis(figures.total)).number("overhead_us", micros(figures.overhead));
  if (matched) line.text("client_retry", call.head().value("x-stainless-retry-count"));
  line.token("config", std::string_view(snapshot().digest()).substr(0, 19));
  gateway.access_log_.commit(line);
  gateway.flush_log_soon();
}

Exchange::~Exchange() {
  const MonoTime now = gateway.clock_.mono();
  const std::string_view route_name = route != nullptr ? std::string_view(route->name) : std::string_view();
  const std::string_view tenant_name = tenant != nullptr ? std::string_view(tenant->name) : std::string_view();
  const std::string_view target_name = target != nullptr ? std::string_view(target->entry->label) : std::string_view();
  const std::string_view path = target != nullptr ? config::to_string(target->entry->path) : std::string_view();
  const Nanos whole = now - call.arrived();
  const Nanos upstream = sent_at.ns != 0 ? (upstream_done_at.ns != 0 ? upstream_done_at : now) - sent_at : Nanos{};
  const Nanos to_first = first_byte_at.ns != 0 ? first_byte_at - call.arrived() : Nanos{};
  if (in_flight) gateway.metrics_.in_flight(route_name, false);
  if (admitted) gateway.requests_->leave();

  RequestLabels labels{route_name, tenant_name, operation_name(*this), path, target_name, provider_name(target), status, {}};
  if (failed) labels.error_type = error_row(error).code.empty() ? error_row(error).type : error_row(error).code;
  RequestFigures figures{.total = whole, .upstream = upstream, .overhead = whole - upstream - earlier_attempts};
  figures.metered = metered.usage.present || metered.estimated;
  figures.prompt_tokens = metered.usage.prompt_tokens;
  figures.cached_tokens = metered.usage.cached_tokens;
  figures.completion_tokens = metered.usage.completion_tokens;
  if (stream && to_first.count() > 0) {
    figures.to_first_token = to_first;
    if (metered.usage.completion_tokens > 1) figures.a_token = (now - first_byte_at) / static_cast<int64_t>(metered.usage.completion_tokens - 1);
  }
  gateway.metrics_.count_request(labels, figures);

  write_line(labels, figures);
  if (!detail.empty() && status >= 500) {
    gateway.log_.warning("request.failed", {{"request_id", request_id()}, {"target", target_name}, {"detail", detail}});
  }
  memory->body.clear();
  if (memory->answer.capacity() > kKeptAnswerBytes) std::string().swap(memory->answer);
  if (memory->upstream_body.capacity() > kKeptAnswerBytes) std::string().swap(memory->upstream_body);
  gateway.give_memory(std::move(memory));
}

}  // namespace wye::gateway
