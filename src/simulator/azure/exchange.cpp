// The life of a request up to the model: line, key, body, limit, filter, faults. What the model says is in exchange_answer.cpp.
#include "simulator/azure/exchange.hpp"

#include "foundation/json/writer.hpp"

namespace wye::simulator {
namespace {

using protocol::Operation;

constexpr Nanos kStallMax = std::chrono::minutes(10);
constexpr Nanos kCapacityWait = std::chrono::seconds(1);
/// The first dated version that knows `stream_options` and `max_completion_tokens`.
constexpr std::string_view kFirstWithNewFields = "2024-09-01";

std::string hex(Random& random, size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < digits; ++i) out += kDigits[random.below(16)];
  return out;
}

/// RFC 9562, version 4.
std::string uuid(Random& random) {
  std::string out = hex(random, 8) + "-" + hex(random, 4) + "-4" + hex(random, 3) + "-";
  out += "89ab"[random.below(4)];
  return out + hex(random, 3) + "-" + hex(random, 12);
}

/// RFC 9110 §8.3.1: parameters are allowed.
bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return http::equals_ignore_case(type, "application/json");
}

std::string model_named(const json::Document& document) {
  const std::optional<json::Value> model = document.root().find("model");
  return model ? model->text() : std::string();
}

}  // namespace

Exchange::Exchange(Simulator& simulator, http::ServerCall& call)
    : s_(simulator),
      call_(call),
      id_random_(hex(simulator.parts_.random, 32)),
      request_id_(uuid(simulator.parts_.random)) {}

net::Task<void> Exchange::run() {
  Step refusal = check_line();
  if (!refusal) refusal = check_key();
  if (!refusal && !place_.operation) co_return co_await answer_models();
  if (!refusal) refusal = co_await read_request();
  if (!refusal && !over_) refusal = check_age();
  if (!refusal && !over_) refusal = admit();
  if (!refusal && !over_) refusal = judge_prompt();
  if (!refusal && !over_) co_await wait_as_told();
  if (!refusal && !over_) refusal = co_await ask();
  if (refusal) co_await refuse(std::move(*refusal));
}

Exchange::Step Exchange::check_line() {
  const std::optional<Place> place = find_place(call_.head(), call_.target(), s_.options_.api_versions);
  if (!place) return resource_not_found();
  place_ = *place;
  return std::nullopt;
}

Exchange::Step Exchange::check_key() {
  if (!s_.keys_.accepts(call_.head())) return access_denied();
  return std::nullopt;
}

net::Task<void> Exchange::answer_models() {
  const auto write = [this](json::Writer& writer, const Deployment& deployment) {
    writer.begin_object().string("id", deployment.answered_model).string("object", "model").integer("created", s_.started_.seconds());
    writer.integer("created_at", s_.started_.seconds()).string("owned_by", "system").string("status", "succeeded").end_object();
  };
  out_.clear();
  json::Writer writer(out_);
  std::set<std::string_view> seen;
  if (place_.model_id.empty()) writer.begin_object().string("object", "list").begin_array("data");
  for (const Deployment& deployment : s_.deployments_) {
    if (!place_.model_id.empty() && place_.model_id != deployment.answered_model) continue;
    if (seen.insert(deployment.answered_model).second) write(writer, deployment);
  }
  if (place_.model_id.empty()) writer.end_array().end_object();
  if (seen.empty()) co_return co_await refuse(resource_not_found());
  co_await respond(out_);
}

net::Task<Exchange::Step> Exchange::read_request() {
  // In the dated dialect the path names the deployment: no body is read for one that is not there.
  if (!place_.deployment.empty() && (deployment_ = s_.find(place_.deployment)) == nullptr) co_return deployment_not_found();
  if (!is_json(call_.head().value(http::Known::kContentType))) co_return refusal_of(internal_error(ErrorCode::kWrongType, "content-type"));
  const Result<std::span<char>> body = co_await call_.read_body(Simulator::kBodyBytes);
  if (!body) {
    over_ = body.error().code == ErrorCode::kClosed;
    co_return over_ ? Step() : Step(refusal_of(body.error()));
  }
  if (const Result<void> parsed = document_.parse(std::string_view(body->data(), body->size())); !parsed) co_return refusal_of(parsed.error());
  if (deployment_ == nullptr) {
    const std::string name = document_.root().is_object() ? model_named(document_) : std::string();
    if (!name.empty() && (deployment_ = s_.find(name)) == nullptr) co_return deployment_not_found();
  }
  static const std::vector<std::string> kSchemes = {"data", "https", "http"};
  const protocol::DecodePolicy policy{.pointer_schemes = kSchemes, .model_in_path = !place_.deployment.empty()};
  if (const Result<void> decoded = protocol::decode(*place_.operation, document_, policy, request_); !decoded) co_return refusal_of(decoded.error());
  if (deployment_ == nullptr) co_return deployment_not_found();
  co_return std::nullopt;
}

Exchange::Step Exchange::check_age() {
  if (place_.dialect != Dialect::kDated || place_.api_version.substr(0, kFirstWithNewFields.size()) >= kFirstWithNewFields) return std::nullopt;
  for (const std::string_view name : {"max_completion_tokens", "stream_options"}) {
    if (request_.root->find(name)) return unrecognized_argument(name);
  }
  return std::nullopt;
}

Exchange::Step Exchange::admit() {
  const size_t prompt = request_.content ? request_.content->raw().size() : 0;
  const Result<uint64_t> cap = protocol::output_cap_of(request_, {});
  if (!cap) return refusal_of(cap.error());
  admission_ = deployment_->counter.admit(estimate_tokens(prompt, *cap, request_.computed_choices()), s_.parts_.loop.now());
  if (!admission_->admitted) return limit_exceeded(admission_->tokens_short, admission_->wait);
  return std::nullopt;
}

Exchange::Step Exchange::judge_prompt() {
  if (request_.content) find_markers(*request_.content, markers_);
  if (const std::optional<json::Value> instructions = request_.root->find("instructions")) find_markers(*instructions, markers_);
  // Embeddings pass unfiltered, as on Azure.
  const bool filtered = *place_.operation != Operation::kEmbeddings;
  if (filtered && markers_.prompt_blocked()) return prompt_blocked(*place_.operation, markers_);
  markers_.block_completion = markers_.block_completion && filtered;
  // One draw a request, whether a marker overrules it or not: the order of faults depends on the seed alone.
  fault_ = s_.dice_.draw();
  if (markers_.fault) fault_ = markers_.fault;
  if (!fault_) return std::nullopt;
  trip_at_ = s_.dice_.draw_writes();
  switch (*fault_) {
    case Fault::k429: return no_capacity(kCapacityWait);
    case Fault::k500: return server_error();
    case Fault::k503: return service_unavailable();
    case Fault::kReset: over_ = true; return std::nullopt;
    default: return std::nullopt;
  }
}

net::Task<void> Exchange::wait_as_told() {
  Nanos wait = s_.options_.latency;
  if (fault_ == Fault::kSlowFirst) wait += s_.options_.slow_by;
  if (fault_ == Fault::kStall && !request_.stream) wait = kStallMax;
  if (wait.count() > 0 && co_await net::sleep(s_.parts_.loop, wait, &call_.gone()) == net::IoStatus::kCancelled) over_ = true;
  if (fault_ == Fault::kStall && !request_.stream) over_ = true;
}

net::Task<void> Exchange::refuse(Refusal refusal) {
  if (call_.started() || call_.client_gone()) co_return;
  fields();
  if (refusal.retry_after) {
    add_field("retry-after-ms", std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*refusal.retry_after).count()));
    add_field("retry-after", std::to_string(std::chrono::ceil<std::chrono::seconds>(*refusal.retry_after).count()));
  }
  const iovec body = net::piece(refusal.body);
  co_await call_.respond({refusal.status, "application/json", fields_}, {&body, 1});
}

void Exchange::add_field(std::string_view name, std::string value) {
  texts_.push_back(std::move(value));
  fields_.push_back({name, texts_.back()});
}

std::span<const http::OutField> Exchange::fields() {
  fields_.clear();
  fields_.push_back({"apim-request-id", request_id_});
  fields_.push_back({"x-ms-region", s_.options_.region});
  if (deployment_ != nullptr) fields_.push_back({"x-ms-deployment-name", deployment_->spec.name});
  if (const std::string_view id = call_.head().value("x-ms-client-request-id"); !id.empty()) fields_.push_back({"x-ms-client-request-id", id});
  if (!admission_) return fields_;
  const auto seconds = [](Nanos d) { return std::to_string(std::chrono::ceil<std::chrono::seconds>(d).count()); };
  add_field("x-ratelimit-limit-requests", std::to_string(admission_->requests.limit));
  add_field("x-ratelimit-limit-tokens", std::to_string(admission_->tokens.limit));
  add_field("x-ratelimit-remaining-requests", std::to_string(admission_->requests.remaining));
  add_field("x-ratelimit-remaining-tokens", std::to_string(admission_->tokens.remaining));
  add_field("x-ratelimit-reset-requests", seconds(admission_->requests.reset));
  add_field("x-ratelimit-reset-tokens", seconds(admission_->tokens.reset));
  return fields_;
}

void Exchange::note(std::string_view event, std::string_view detail) {
  const std::string_view deployment = deployment_ == nullptr ? std::string_view() : std::string_view(deployment_->spec.name);
  s_.parts_.log.warning(event, {{"deployment", deployment}, {"request_id", request_id_}, {"detail", detail}});
}

}  // namespace wye::simulator
