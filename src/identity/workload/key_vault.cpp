#include "identity/workload/key_vault.hpp"

#include "foundation/json/document.hpp"

namespace wye::workload {
namespace {

constexpr std::array<std::string_view, 3> kVaultSuffixes = {"vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net"};

std::string_view suffix_of(std::string_view host) {
  for (const std::string_view suffix : kVaultSuffixes) {
    if (host.size() > suffix.size() + 1 && host.ends_with(suffix) && host[host.size() - suffix.size() - 1] == '.') return suffix;
  }
  return {};
}

FetchResult parse_secret(std::string_view body, WallTime now) {
  json::Document document;
  if (!document.parse(body, {.bytes_max = Bytes{kAnswerBytesMax}, .depth_max = 8, .nodes_max = 1000}))
    return std::unexpected(retryable("vault.answer: not the JSON of a secret"));
  const auto value = document.root().find("value");
  if (!value || !value->is_string()) return std::unexpected(permanent("vault.answer: the secret has no value"));
  Secret secret(value->text());
  std::optional<Nanos> life;
  if (const auto attributes = document.root().find("attributes")) {
    if (const auto enabled = attributes->find("enabled"); enabled && enabled->boolean() == false)
      return std::unexpected(permanent("vault.answer: the secret is disabled"));
    if (const auto exp = attributes->find("exp"); exp && exp->integer()) {
      const int64_t left = *exp->integer() - now.seconds();
      if (left <= 0) return std::unexpected(permanent("vault.answer: the secret has ended"));
      life = std::chrono::seconds(std::min<int64_t>(left, 1'000'000'000));
    }
  }
  return Fetched{std::move(secret), life};
}

class KeyVault final : public TokenSource {
 public:
  explicit KeyVault(KeyVaultSpec spec) : spec_(std::move(spec)) {}

  net::Task<FetchResult> fetch(FetchContext context, net::Bound bound) override {
    if (token_.empty() || context.loop.now() >= token_until_) {
      const MonoTime began = context.loop.now();
      FetchResult token = co_await spec_.identity->fetch(context, bound);
      if (!token) co_return std::unexpected(std::move(token).error());
      token_ = Secret("Bearer " + std::string(token->value.reveal()));
      token_until_ = began + token->life.value_or(Nanos{0}) - kExpiryMargin;
    }
    FetchCall call;
    call.url = spec_.vault;
    call.url.target = "/secrets/" + encode_component(spec_.name) + "?api-version=7.4";
    call.tls = spec_.trust.get();
    call.fields = {{"authorization", token_.reveal()}};
    Fetch<FetchAnswer> answer = co_await workload::fetch(context, std::move(call), bound);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    if (answer->status == 401) token_ = Secret();
    if (answer->status != 200) {
      Fault fault = parse_token_refusal(answer->status, answer->body.reveal(), answer->retry_after);
      fault.reason.replace(0, fault.reason.find('.'), "vault");
      co_return std::unexpected(std::move(fault));
    }
    co_return parse_secret(answer->body.reveal(), context.clock.wall());
  }
  ScheduleRules rules() const override { return {.imds = spec_.identity->rules().imds, .every = kVaultEvery}; }
  std::string place() const override { return spec_.vault.origin() + "/secrets/" + spec_.name; }

 private:
  const KeyVaultSpec spec_;
  Secret token_;
  MonoTime token_until_{0};
};

}  // namespace

Result<Url> vault_url(std::string_view text) {
  TRY(Url url, parse_url(text));
  if (!url.tls || url.port != 443 || url.target != "/" || suffix_of(url.host).empty())
    return Fail(public_error(ErrorCode::kUsage, "A vault is named by its URL, as https://contoso.vault.azure.net."));
  return url;
}

std::string vault_audience(const Url& vault) { return "https://" + std::string(suffix_of(vault.host)); }

std::unique_ptr<TokenSource> make_key_vault(KeyVaultSpec spec) { return std::make_unique<KeyVault>(std::move(spec)); }

}  // namespace wye::workload
