#include "app/host_api.hpp"

namespace wye::app {

config::Compiled HostConfigs::check(const admin::ConfigFiles& files) {
  LoadedConfiguration loaded = host_.judge(files);
  return {loaded.configuration == nullptr ? nullptr : loaded.configuration->snapshot, std::move(loaded.findings)};
}

Result<void> HostConfigs::apply(const admin::ConfigFiles& files, const std::string& expected, const std::string& by) {
  return host_.adopt(files, expected, by);
}

net::Task<Result<admin::PrincipalPtr>> TokenAuthentication::authenticate(http::ServerCall& call) {
  // A line too many is passed on, and refused where lines are counted.
  constexpr size_t kDpopLines = 2;
  std::array<std::string_view, kDpopLines> dpop;
  size_t lines = 0;
  for (const http::Field& field : call.head().all()) {
    if (lines < kDpopLines && http::equals_ignore_case(field.name, "dpop")) dpop[lines++] = field.value;
  }
  token::ShownCredentials shown;
  const http::Head& head = call.head();
  if (head.has(http::Known::kAuthorization)) shown.headers.authorization = head.value(http::Known::kAuthorization);
  if (head.has(http::Known::kApiKey)) shown.headers.api_key = head.value(http::Known::kApiKey);
  shown.dpop = std::span(dpop).first(lines);
  shown.method = http::to_string(head.method);
  shown.scheme = tls_ ? "https" : "http";
  shown.authority = head.value(http::Known::kHost);
  shown.path = call.target().path();
  shown.chain = call.peer_certificates();
  shown.note = &call.note();
  authenticator_.take(rules_());
  std::optional<Result<token::PrincipalRef>> found = authenticator_.try_authenticate(shown, clock_.wall());
  if (!found) found.emplace(co_await authenticator_.authenticate(shown, clock_.wall()));
  if (!*found) co_return Fail(std::move(*found).error());
  co_return std::make_shared<const token::Principal>(***found);
}

std::vector<std::string> TokenAuthentication::challenges(const Error& error) {
  const token::AuthRulesPtr rules = rules_();
  token::Challenge challenge = token::challenge_for(error, rules->proof);
  std::vector<std::string> out;
  if (!challenge.bearer.empty()) out.push_back(std::move(challenge.bearer));
  if (!challenge.dpop.empty()) out.push_back(std::move(challenge.dpop));
  return out;
}

std::string TokenAuthentication::nonce(const Error& error) {
  const token::AuthRulesPtr rules = rules_();
  if (rules->nonces == nullptr || !token::challenge_for(error, rules->proof).nonce_wanted) return {};
  return rules->nonces->current(clock_.wall());
}

}  // namespace wye::app
