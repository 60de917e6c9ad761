#include "identity/workload/token_answer.hpp"

#include "foundation/json/document.hpp"
#include "identity/workload/badge.hpp"

namespace wye::workload {
namespace {

const json::Limits kLimits{.bytes_max = Bytes{kAnswerBytesMax}, .depth_max = 8, .nodes_max = 1000};

/// Seconds, as a number or as a string of digits.
std::optional<int64_t> seconds_of(std::optional<json::Value> value) {
  if (!value) return std::nullopt;
  if (value->is_number()) {
    const std::optional<double> number = value->number();
    if (!number || !(*number >= 0) || *number > 1e12) return std::nullopt;
    return static_cast<int64_t>(*number);
  }
  const std::optional<std::string_view> text = value->plain();
  if (!text || text->empty() || text->size() > 15) return std::nullopt;
  int64_t seconds = 0;
  const auto [at, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || at != text->data() + text->size() || seconds < 0) return std::nullopt;
  return seconds;
}

std::optional<Nanos> life_of(const json::Value& root, WallTime now) {
  if (const auto in = seconds_of(root.find("expires_in")))
    return std::min<Nanos>(std::chrono::seconds(std::min<int64_t>(*in, 1'000'000'000)), kLifeMax);
  if (const auto on = seconds_of(root.find("expires_on"))) {
    const int64_t left = std::min<int64_t>(*on - now.seconds(), 1'000'000'000);
    return std::min<Nanos>(std::chrono::seconds(left), kLifeMax);
  }
  return std::nullopt;
}

bool is_bearer(std::string_view type) {
  return std::ranges::equal(type, std::string_view("bearer"), [](char a, char b) { return (a | 0x20) == b; });
}

/// Identifiers only: what else an issuer writes may repeat what we sent.
bool plain_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
  });
}

struct Refusal {
  std::string error;
  std::vector<int64_t> codes;
};

Refusal read_refusal(std::string_view body) {
  Refusal refusal;
  json::Document document;
  if (!document.parse(body, kLimits)) return refusal;
  std::optional<json::Value> error = document.root().find("error");
  // Key Vault nests: {"error":{"code":"Forbidden"}}.
  if (error && error->is_object()) error = error->find("code");
  if (error) {
    std::string word = error->text();
    if (plain_word(word)) refusal.error = std::move(word);
  }
  if (const auto codes = document.root().find("error_codes")) {
    for (const json::Value code : codes->elements()) {
      if (refusal.codes.size() == 4) break;
      if (const auto number = code.integer()) refusal.codes.push_back(*number);
    }
  }
  return refusal;
}

}  // namespace

FetchResult parse_token_answer(std::string_view body, WallTime now) {
  json::Document document;
  if (!document.parse(body, kLimits) || !document.root().is_object()) return std::unexpected(retryable("token.answer: not the JSON of a token"));
  const json::Value root = document.root();
  if (const auto type = root.find("token_type"); type && !is_bearer(type->text()))
    return std::unexpected(permanent("token.answer: token_type is not Bearer"));
  const auto token = root.find("access_token");
  const std::optional<std::string_view> text = token ? token->plain() : std::nullopt;
  const auto visible = [](char c) { return c > 0x20 && c < 0x7F; };
  if (!text || text->empty() || text->size() > kValueBytesMax || !std::ranges::all_of(*text, visible))
    return std::unexpected(retryable("token.answer: no access_token that can be sent"));
  const std::optional<Nanos> life = life_of(root, now);
  if (!life) return std::unexpected(retryable("token.answer: neither expires_in nor expires_on says when it ends"));
  if (life->count() <= 0) return std::unexpected(retryable("token.answer: the token has ended already; is the clock right?"));
  return Fetched{Secret(std::string(*text)), life};
}

Fault parse_token_refusal(int status, std::string_view body, std::optional<Nanos> retry_after) {
  Fault fault;
  fault.status = status;
  fault.retry_after = retry_after;
  fault.reason = "token.status " + std::to_string(status);
  if (status >= 300 && status < 400) {
    fault.kind = Fault::Kind::kPermanent;
    fault.reason += ": redirects are not followed";
    return fault;
  }
  const Refusal refusal = read_refusal(body);
  if (!refusal.error.empty()) fault.reason += " " + refusal.error;
  const auto has = [&](int64_t code) { return std::ranges::find(refusal.codes, code) != refusal.codes.end(); };
  for (const int64_t code : refusal.codes) fault.reason += " AADSTS" + std::to_string(code);
  const bool transient =
      status >= 500 || status == 429 || status == 408 || refusal.error == "temporarily_unavailable" || refusal.error == "server_error";
  // 70021: a federation that was made a moment ago is not known everywhere yet; 90061: the issuer can not reach the cluster's keys.
  fault.kind = transient || has(70021) || has(90061) ? Fault::Kind::kRetryable : Fault::Kind::kPermanent;
  // 700024: the assertion is not within its time: the file may hold a newer one by now.
  fault.again_at_once = has(700024);
  return fault;
}

}  // namespace wye::workload
