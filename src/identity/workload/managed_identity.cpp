#include "identity/workload/managed_identity.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wye::workload {
namespace {

using Source = ManagedIdentitySpec::Source;

std::string query(const ManagedIdentitySpec& spec, std::string_view version, std::array<std::string_view, 3> names) {
  std::string text;
  add_parameter(text, "api-version", version);
  add_parameter(text, "resource", resource_of(spec.audience));
  if (!spec.client_id.empty()) add_parameter(text, names[0], spec.client_id);
  if (!spec.object_id.empty()) add_parameter(text, names[1], spec.object_id);
  if (!spec.resource_id.empty()) add_parameter(text, names[2], spec.resource_id);
  return text;
}

/// The proof that the agent asks for. It may stand in no file but its own.
Fetch<Secret> read_arc_key(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::unexpected(permanent("token.arc: the key file can not be opened: " + std::string(std::strerror(errno))));
  struct stat facts{};
  std::string key(kArcKeyBytesMax + 1, '\0');
  const bool regular = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  const ssize_t n = regular ? ::read(fd, key.data(), key.size()) : -1;
  ::close(fd);
  if (n <= 0 || static_cast<size_t>(n) > kArcKeyBytesMax) return std::unexpected(permanent("token.arc: the key file is no key"));
  key.resize(static_cast<size_t>(n));
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  return Secret(std::move(key));
}

class ManagedIdentity final : public TokenSource {
 public:
  ManagedIdentity(ManagedIdentitySpec spec, Source source) : spec_(std::move(spec)), source_(source) {}

  net::Task<FetchResult> fetch(FetchContext context, net::Bound bound) override {
    switch (source_) {
      case Source::kAppService: return app_service(context, bound);
      case Source::kArc: return arc(context, bound);
      default: return imds(context, bound);
    }
  }
  ScheduleRules rules() const override { return {.imds = source_ == Source::kImds}; }
  std::string place() const override {
    return source_ == Source::kAppService ? "the managed identity endpoint of App Service" : source_ == Source::kArc ? "the Azure Arc agent" : "IMDS";
  }

 private:
  static Fetch<Url> local_url(const std::string& text) {
    Result<Url> url = parse_url(text);
    if (!url) return std::unexpected(permanent("token.endpoint: " + url.error().public_message));
    if (url->tls) return std::unexpected(permanent("token.endpoint: the platform's own endpoint speaks plain http on a local address"));
    return std::move(*url);
  }

  net::Task<FetchResult> imds(FetchContext context, net::Bound bound) const {
    const std::string host = context.environment("AZURE_POD_IDENTITY_AUTHORITY_HOST").value_or(std::string(kImdsHost));
    const std::string_view base = std::string_view(host).substr(0, host.size() - (host.ends_with('/') ? 1 : 0));
    auto url =
        local_url(std::string(base) + "/metadata/identity/oauth2/token?" + query(spec_, "2018-02-01", {"client_id", "object_id", "msi_res_id"}));
    if (!url) co_return std::unexpected(std::move(url).error());
    FetchCall call;
    call.url = std::move(*url);
    call.fields = {{"Metadata", "true"}};
    co_return co_await fetch_token(context, std::move(call), bound);
  }

  net::Task<FetchResult> app_service(FetchContext context, net::Bound bound) const {
    const std::string endpoint = context.environment("IDENTITY_ENDPOINT").value_or("");
    const Secret header(context.environment("IDENTITY_HEADER").value_or(""));
    if (endpoint.empty() || header.empty()) co_return std::unexpected(permanent("token.endpoint: IDENTITY_ENDPOINT and IDENTITY_HEADER are not set"));
    auto url = local_url(endpoint + (endpoint.contains('?') ? "&" : "?") + query(spec_, "2019-08-01", {"client_id", "principal_id", "mi_res_id"}));
    if (!url) co_return std::unexpected(std::move(url).error());
    FetchCall call;
    call.url = std::move(*url);
    call.fields = {{"X-IDENTITY-HEADER", header.reveal()}};
    co_return co_await fetch_token(context, std::move(call), bound);
  }

  net::Task<FetchResult> arc(FetchContext context, net::Bound bound) const {
    const std::string endpoint = context.environment("IDENTITY_ENDPOINT").value_or(std::string(kArcEndpoint));
    auto url = local_url(endpoint + "?" + query(spec_, "2020-06-01", {"client_id", "object_id", "msi_res_id"}));
    if (!url) co_return std::unexpected(std::move(url).error());
    if (!url->loopback()) co_return std::unexpected(permanent("token.arc: the agent answers on loopback only"));
    FetchCall ask;
    ask.url = *url;
    ask.fields = {{"Metadata", "true"}};
    Fetch<FetchAnswer> challenge = co_await workload::fetch(context, std::move(ask), bound);
    if (!challenge) co_return std::unexpected(std::move(challenge).error());
    if (challenge->status != 401) {
      if (challenge->status == 200) co_return std::unexpected(permanent("token.arc: a token without a challenge is not the agent's"));
      co_return std::unexpected(parse_token_refusal(challenge->status, challenge->body.reveal(), challenge->retry_after));
    }
    Fetch<std::string> path = arc_key_path(challenge->www_authenticate, spec_.arc_folder);
    if (!path) co_return std::unexpected(std::move(path).error());
    Fetch<Secret> key = read_arc_key(*path);
    if (!key) co_return std::unexpected(std::move(key).error());
    const Secret proof("Basic " + std::string(key->reveal()));
    FetchCall call;
    call.url = std::move(*url);
    call.fields = {{"Metadata", "true"}, {"Authorization", proof.reveal()}};
    co_return co_await fetch_token(context, std::move(call), bound);
  }

  const ManagedIdentitySpec spec_;
  const Source source_;
};

}  // namespace

std::string scope_of(std::string_view audience) {
  return audience.ends_with("/.default") ? std::string(audience) : std::string(audience) + "/.default";
}

std::string resource_of(std::string_view audience) {
  constexpr std::string_view kSuffix = "/.default";
  if (audience.ends_with(kSuffix)) audience.remove_suffix(kSuffix.size());
  return std::string(audience);
}

Source choose_source(Source wanted, const Environment& environment) {
  if (wanted != Source::kAuto) return wanted;
  const auto set = [&](std::string_view name) { return !environment(name).value_or("").empty(); };
  if (set("IDENTITY_ENDPOINT") && set("IDENTITY_HEADER")) return Source::kAppService;
  if (set("IDENTITY_ENDPOINT") && set("IMDS_ENDPOINT")) return Source::kArc;
  return Source::kImds;
}

Fetch<std::string> arc_key_path(std::string_view www_authenticate, std::string_view folder) {
  constexpr std::string_view kPrefix = "Basic realm=";
  constexpr std::string_view kSuffix = ".key";
  const auto attack = [] { return std::unexpected(permanent("token.arc: the challenge names a file that is not the agent's")); };
  if (!www_authenticate.starts_with(kPrefix)) return attack();
  std::string_view path = www_authenticate.substr(kPrefix.size());
  if (path.size() >= 2 && path.front() == '"' && path.back() == '"') path = path.substr(1, path.size() - 2);
  if (!path.starts_with(folder) || path.size() <= folder.size() + 1 || path[folder.size()] != '/') return attack();
  const std::string_view name = path.substr(folder.size() + 1);
  if (!name.ends_with(kSuffix) || name.size() == kSuffix.size() || name.starts_with('.') || name.size() > 255) return attack();
  const bool plain = std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F && c != '/' && c != '\\'; });
  if (!plain) return attack();
  return std::string(path);
}

std::unique_ptr<TokenSource> make_managed_identity(ManagedIdentitySpec spec, const Environment& environment) {
  const Source source = choose_source(spec.source, environment);
  return std::make_unique<ManagedIdentity>(std::move(spec), source);
}

}  // namespace wye::workload
