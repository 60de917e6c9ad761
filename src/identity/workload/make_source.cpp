#include "identity/workload/make_source.hpp"

#include "foundation/crypto/digest.hpp"
#include "foundation/crypto/encode.hpp"
#include "identity/workload/file_sources.hpp"
#include "identity/workload/key_vault.hpp"
#include "identity/workload/managed_identity.hpp"
#include "identity/workload/token_exchange.hpp"

namespace wye::workload {
namespace {

constexpr std::string_view kPublicCloud = "https://login.microsoftonline.com";

Fail refused(std::string text) { return Fail(public_error(ErrorCode::kUsage, std::move(text))); }

std::string kubernetes_root(const MakeContext& context) {
  std::string root = context.environment("WYE_KUBERNETES_SECRETS").value_or("");
  return root.empty() ? std::string(kKubernetesRoot) : root;
}

/// What configuration says, else what the platform put into the environment.
Result<std::string> said_or_set(const std::string& said, std::string_view variable, std::string_view field, const MakeContext& context) {
  std::string value = said.empty() ? context.environment(variable).value_or("") : said;
  if (value.empty()) return refused("Neither " + std::string(field) + " nor the environment variable " + std::string(variable) + " says it.");
  return value;
}

struct Trusted {
  std::shared_ptr<const net::TlsClientContext> trust;
  std::string identity;
};

Result<Trusted> trust_for(const Url& url, const config::FilePath& ca_file, const MakeContext& context) {
  if (!url.tls) return Trusted{};
  TRY(auto trust, context.trust(ca_file.resolved));
  Trusted trusted{std::move(trust), "\nroots "};
  if (!ca_file.empty()) {
    TRY(const std::string roots, read_public_file(ca_file.resolved));
    trusted.identity += ca_file.resolved + " " + crypto::digest_text(crypto::sha256(roots));
  }
  return trusted;
}

/// Client, tenant and authority of Entra, from configuration or from what the webhook of AKS injects.
template <class Block>
Result<MadeSource> entra_exchange(const Block& block, const std::string& audience, const MakeContext& context, ExchangeSpec& spec) {
  TRY(spec.client_id, said_or_set(block.client_id, "AZURE_CLIENT_ID", "clientId", context));
  TRY(const std::string tenant, said_or_set(block.tenant_id, "AZURE_TENANT_ID", "tenantId", context));
  std::string authority = block.authority.empty() ? context.environment("AZURE_AUTHORITY_HOST").value_or("") : block.authority;
  if (authority.empty()) authority = kPublicCloud;
  TRY(spec.token_url, entra_token_url(authority, tenant));
  TRY(Trusted trusted, trust_for(spec.token_url, block.ca_file, context));
  spec.trust = std::move(trusted.trust);
  spec.scope = scope_of(audience);
  MadeSource made;
  made.identity = spec.client_id + "\n" + spec.token_url.origin() + spec.token_url.target + "\n" + spec.scope + trusted.identity;
  return made;
}

Result<MadeSource> workload_identity(const config::WorkloadIdentityCredential& block, const std::string& audience, const MakeContext& context) {
  ExchangeSpec spec;
  TRY(MadeSource made, entra_exchange(block, audience, context, spec));
  TRY(const std::string file, said_or_set(block.token_file.resolved, "AZURE_FEDERATED_TOKEN_FILE", "tokenFile", context));
  made.identity += "\nfile " + file;
  made.source = make_federated(std::move(spec), file);
  return made;
}

Result<MadeSource> client_certificate(const config::ClientCertificateCredential& block, const std::string& audience, const MakeContext& context) {
  ExchangeSpec spec;
  TRY(MadeSource made, entra_exchange(block, audience, context, spec));
  TRY(auto key, SecretPlace::make(block.key, SecretPlace::Form::kText, context.take, kubernetes_root(context)));
  CHECK_OK(check_key(*key, block.cert_file.resolved));
  made.identity += "\ncertificate " + block.cert_file.resolved + " " + block.key.file.resolved;
  made.source = make_key_exchange(std::move(spec), std::move(key), block.cert_file.resolved);
  return made;
}

Result<MadeSource> oauth2(const config::Oauth2Credential& block, const MakeContext& context) {
  ExchangeSpec spec;
  TRY(spec.token_url, parse_url(block.token_url));
  TRY(Trusted trusted, trust_for(spec.token_url, block.ca_file, context));
  spec.trust = std::move(trusted.trust);
  spec.client_id = block.client_id;
  spec.scope = block.scope;
  TRY(auto key, SecretPlace::make(block.key, SecretPlace::Form::kText, context.take, kubernetes_root(context)));
  CHECK_OK(check_key(*key, {}));
  MadeSource made;
  made.identity = trusted.identity + block.key.file.resolved;
  made.source = make_key_exchange(std::move(spec), std::move(key), {});
  return made;
}

ManagedIdentitySpec::Source source_of(config::ManagedIdentitySource source) {
  switch (source) {
    case config::ManagedIdentitySource::kAuto: return ManagedIdentitySpec::Source::kAuto;
    case config::ManagedIdentitySource::kImds: return ManagedIdentitySpec::Source::kImds;
    case config::ManagedIdentitySource::kAppService: return ManagedIdentitySpec::Source::kAppService;
    case config::ManagedIdentitySource::kArc: return ManagedIdentitySpec::Source::kArc;
  }
  return ManagedIdentitySpec::Source::kAuto;
}

Result<MadeSource> managed_identity(const config::ManagedIdentityCredential& block, const std::string& audience, const MakeContext& context) {
  ManagedIdentitySpec spec;
  spec.source = choose_source(source_of(block.source), context.environment);
  spec.client_id = block.client_id;
  spec.object_id = block.object_id;
  spec.resource_id = block.resource_id;
  spec.audience = audience;
  const bool names = !spec.client_id.empty() || !spec.object_id.empty() || !spec.resource_id.empty();
  if (spec.source == ManagedIdentitySpec::Source::kArc && names)
    return refused("Azure Arc gives the identity of the machine only; leave out clientId, objectId and resourceId.");
  MadeSource made;
  made.identity = "source " + std::to_string(static_cast<int>(spec.source)) + " " + context.environment("IDENTITY_ENDPOINT").value_or("");
  made.source = make_managed_identity(std::move(spec), context.environment);
  return made;
}

Result<MadeSource> spiffe(const config::SpiffeCredential& block, const MakeContext&) {
  MadeSource made;
  made.identity = block.token_file.resolved;
  made.source = make_svid_file(block.token_file.resolved, block.audience);
  return made;
}

/// The identity of this process, for opening vaults: that of the pod where it has one, else that of the machine.
Result<std::unique_ptr<TokenSource>> own_identity(const std::string& audience, const MakeContext& context) {
  if (!context.environment("AZURE_FEDERATED_TOKEN_FILE").value_or("").empty()) {
    TRY(MadeSource made, workload_identity({}, audience, context));
    return std::move(made.source);
  }
  TRY(MadeSource made, managed_identity({}, audience, context));
  return std::move(made.source);
}

Result<MadeSource> api_key(const config::ApiKeyCredential& block, const MakeContext& context) {
  MadeSource made;
  made.style = block.header == config::KeyHeader::kBearer ? HeaderStyle::kBearer : HeaderStyle::kApiKey;
  if (block.key.key_vault) {
    KeyVaultSpec spec;
    TRY(spec.vault, vault_url(block.key.key_vault->vault));
    spec.name = block.key.key_vault->name;
    TRY(spec.trust, context.trust({}));
    TRY(spec.identity, own_identity(vault_audience(spec.vault), context));
    made.identity = spec.vault.origin() + " " + spec.name;
    made.source = make_key_vault(std::move(spec));
    return made;
  }
  TRY(auto place, SecretPlace::make(block.key, SecretPlace::Form::kKey, context.take, kubernetes_root(context)));
  TRY(made.initial, place->read());
  made.identity = block.key.file.resolved + kubernetes_root(context);
  if (place->can_change()) made.source = make_key_file(std::move(place));
  return made;
}

}  // namespace

bool depends_on_audience(config::CredentialType type) {
  using enum config::CredentialType;
  return type == kManagedIdentity || type == kWorkloadIdentity || type == kClientCertificate;
}

Result<MadeSource> make_source(const config::Credential& spec, const std::string& audience, const MakeContext& context) {
  using enum config::CredentialType;
  if (spec.type == kManagedIdentity) return managed_identity(spec.managed_identity.value_or(config::ManagedIdentityCredential{}), audience, context);
  if (spec.type == kWorkloadIdentity)
    return workload_identity(spec.workload_identity.value_or(config::WorkloadIdentityCredential{}), audience, context);
  if (spec.type == kClientCertificate && spec.client_certificate) return client_certificate(*spec.client_certificate, audience, context);
  if (spec.type == kOauth2 && spec.oauth2) return oauth2(*spec.oauth2, context);
  if (spec.type == kSpiffe && spec.spiffe) return spiffe(*spec.spiffe, context);
  if (spec.type == kApiKey && spec.api_key) return api_key(*spec.api_key, context);
  return refused("The block of its type is missing.");
}

}  // namespace wye::workload
