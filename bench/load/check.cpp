#include "check.hpp"

#include "../wire/json_scan.hpp"

namespace wye::bench::load {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

void AnswerCheck::begin(std::string_view nonce) {
  nonce_.assign(nonce);
  body_.clear();
  taken_ = 0;
  stage_ = Stage::kRole;
  next_chunk_ = 0;
  status_ = 0;
  closes_ = false;
  failure_ = nullptr;
}

void AnswerCheck::on_head(const Head& head) {
  status_ = head.status;
  closes_ = head.close;
  if (head.status != expected_->status) return fail("status");
  if (streaming() && !head.content_type.starts_with("text/event-stream")) fail("content type is not text/event-stream");
  if (!streaming() && !head.content_type.starts_with("application/json")) fail("content type is not application/json");
}

void AnswerCheck::on_body(std::string_view bytes) {
  body_.append(bytes);
  if (streaming() && failure_ == nullptr) take_events();
}

void AnswerCheck::take_events() {
  while (true) {
    const size_t end = body_.find("\n\n", taken_);
    if (end == std::string::npos) break;
    take_event(std::string_view(body_).substr(taken_, end - taken_));
    taken_ = end + 2;
  }
  if (taken_ == body_.size()) {  // the usual case: whole events
    body_.clear();
    taken_ = 0;
  } else if (taken_ > 64 * 1024) {
    body_.erase(0, taken_);
    taken_ = 0;
  }
}

// The stub sends one `data:` line an event; comments are keep-alives and may come between.
void AnswerCheck::take_event(std::string_view event) {
  if (event.starts_with(':')) return;
  if (!event.starts_with("data: ") || has(event, "\n")) return fail("event is not one data line");
  event.remove_prefix(6);
  if (event == "[DONE]") {
    if (stage_ != Stage::kDone) return fail("[DONE] before the end");
    stage_ = Stage::kAfter;
    return;
  }
  if (stage_ == Stage::kAfter) return fail("event after [DONE]");
  if (!has(event, "\"object\":\"chat.completion.chunk\"")) return fail(has(event, "\"error\"") ? "error event" : "event is not a chunk");
  if (!JsonScan::is_complete(event)) return fail("event is not JSON");
  take_chunk(event);
}

void AnswerCheck::take_chunk(std::string_view json) {
  if (has(json, "\"choices\":[]")) {
    if (!expected_->include_usage) return fail("usage chunk that was not asked for");
    if (stage_ != Stage::kUsage || !has(json, "\"usage\":{")) return fail("usage chunk out of place");
    stage_ = Stage::kDone;
  } else if (has(json, "\"finish_reason\":\"stop\"")) {
    if (stage_ != Stage::kTokens || next_chunk_ != expected_->chunks) return fail("finished before all chunks came");
    stage_ = expected_->include_usage ? Stage::kUsage : Stage::kDone;
  } else if (stage_ == Stage::kRole) {
    if (!has(json, "\"role\":\"assistant\"")) return fail("first chunk carries no role");
    stage_ = Stage::kTokens;
  } else if (stage_ == Stage::kTokens) {
    take_token(json);
  } else {
    fail("chunk after the finish");
  }
}

void AnswerCheck::take_token(std::string_view json) {
  token_.assign("\"content\":\"");
  append_token(token_, nonce_, next_chunk_);
  token_ += '"';
  if (has(json, token_)) {
    ++next_chunk_;
  } else {
    fail(has(json, nonce_) ? "chunk out of order, doubled or changed" : "chunk of another stream");
  }
}

const char* AnswerCheck::check_unary() const {
  if (!expected_->exact.empty() && body_ != expected_->exact) return "body differs from the expected bytes";
  for (const std::string& text : expected_->texts) {
    if (!has(body_, text)) return "body lacks an expected text";
  }
  if (!JsonScan::is_complete(body_)) return "body is not whole JSON";
  if (expected_->status != 200 || !expected_->nonce) return nullptr;
  const size_t nonce = find_nonce(body_);
  if (nonce == std::string::npos) return "body carries no nonce";
  if (std::string_view(body_).substr(nonce, kNonceDigits) != nonce_) return "answer of another request";
  if (!check_fill(body_)) return "content of the answer is not whole";
  if (!has(body_, "\"object\":\"chat.completion\"") || !has(body_, "\"finish_reason\":\"stop\"") || !has(body_, "\"usage\":{")) {
    return "body lacks object, finish_reason or usage";
  }
  return nullptr;
}

const char* AnswerCheck::finish() {
  if (failure_ != nullptr) return failure_;
  if (!streaming()) return failure_ = check_unary();
  if (taken_ != body_.size()) return failure_ = "stream ends inside an event";
  if (stage_ != Stage::kAfter) return failure_ = "stream ends without [DONE]";
  return nullptr;
}

}  // namespace wye::bench::load
