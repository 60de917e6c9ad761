#include "identity/workload/file_sources.hpp"

#include "foundation/crypto/encode.hpp"
#include "foundation/json/document.hpp"

namespace wye::workload {
namespace {

Fault of_error(const Error& error) { return retryable("token.file: " + (error.public_message.empty() ? error.detail : error.public_message)); }

class KeyFile final : public TokenSource {
 public:
  explicit KeyFile(std::shared_ptr<const SecretPlace> place) : place_(std::move(place)) {}
  net::Task<FetchResult> fetch(FetchContext, net::Bound) override {
    Result<Secret> value = place_->read();
    if (!value) co_return std::unexpected(of_error(value.error()));
    co_return Fetched{std::move(*value), std::nullopt};
  }
  ScheduleRules rules() const override { return {.every = kFilePoll, .local = true}; }
  std::string place() const override { return "a file"; }

 private:
  const std::shared_ptr<const SecretPlace> place_;
};

class SvidFile final : public TokenSource {
 public:
  SvidFile(std::string file, std::string audience) : file_(std::move(file)), audience_(std::move(audience)) {}
  net::Task<FetchResult> fetch(FetchContext context, net::Bound) override {
    Result<Secret> value = read_platform_file(file_);
    if (!value) co_return std::unexpected(of_error(value.error()));
    const Fetch<Nanos> life = svid_life(value->reveal(), audience_, context.clock.wall());
    if (!life) co_return std::unexpected(life.error());
    co_return Fetched{std::move(*value), *life};
  }
  ScheduleRules rules() const override { return {.every = kFilePoll, .local = true}; }
  std::string place() const override { return file_; }

 private:
  const std::string file_;
  const std::string audience_;
};

bool holds(const json::Value& aud, std::string_view audience) {
  if (aud.is_string()) return aud.equals(audience);
  for (const json::Value one : aud.elements()) {
    if (one.is_string() && one.equals(audience)) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<TokenSource> make_key_file(std::shared_ptr<const SecretPlace> place) { return std::make_unique<KeyFile>(std::move(place)); }

std::unique_ptr<TokenSource> make_svid_file(std::string file, std::string audience) {
  return std::make_unique<SvidFile>(std::move(file), std::move(audience));
}

std::optional<std::string> unverified_payload(std::string_view compact) {
  const size_t first = compact.find('.');
  const size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
  if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return crypto::from_base64url(compact.substr(first + 1, second - first - 1));
}

Fetch<Nanos> svid_life(std::string_view compact, std::string_view audience, WallTime now) {
  const std::optional<std::string> payload = unverified_payload(compact);
  json::Document document;
  if (!payload || !document.parse(*payload, {.bytes_max = Bytes{kValueBytesMax}, .depth_max = 8, .nodes_max = 1000}))
    return std::unexpected(permanent("token.svid: the file holds no JWT"));
  const auto aud = document.root().find("aud");
  if (!aud || !holds(*aud, audience)) return std::unexpected(permanent("token.svid: the JWT is not for the audience " + std::string(audience)));
  const auto exp = document.root().find("exp");
  const std::optional<double> end = exp ? exp->number() : std::nullopt;
  if (!end || !(*end > 0) || *end > 1e11) return std::unexpected(permanent("token.svid: the JWT has no exp"));
  const int64_t left = static_cast<int64_t>(*end) - now.seconds();
  if (left <= 0) return std::unexpected(retryable("token.svid: the JWT has ended; nobody renews the file"));
  return std::min<Nanos>(std::chrono::seconds(std::min<int64_t>(left, 1'000'000'000)), kLifeMax);
}

}  // namespace wye::workload
