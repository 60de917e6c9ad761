// The identity that Azure gives a machine or an app: IMDS of virtual machines and scale sets, the endpoint of App Service, Functions and
// Container Apps, the agent of Azure Arc.
// Source: Microsoft Learn, "How to use managed identities for Azure resources on a virtual machine to acquire an access token", "How to
// use managed identities for App Service and Azure Functions" (REST endpoint reference), "Authenticate against Azure resources with Azure
// Arc-enabled servers".
//   IMDS         GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=R[&client_id|object_id|
//                msi_res_id], `Metadata: true`
//   App Service  GET $IDENTITY_ENDPOINT?api-version=2019-08-01&resource=R[&client_id|principal_id|mi_res_id], `X-IDENTITY-HEADER`
//   Arc          GET 127.0.0.1:40342/…?api-version=2020-06-01&resource=R, `Metadata: true`: 401 names a file whose content proves that we
//                may read it; then the same with `Authorization: Basic CONTENT`
#pragma once

#include "identity/workload/token_source.hpp"

namespace wye::workload {

struct ManagedIdentitySpec {
  enum class Source : uint8_t { kAuto, kImds, kAppService, kArc } source = Source::kAuto;
  std::string client_id;  // at most one of the three; none: the identity of the system
  std::string object_id;
  std::string resource_id;
  std::string audience;
  std::string arc_folder = "/var/opt/azcmagent/tokens";
};

/// IMDS, unless AZURE_POD_IDENTITY_AUTHORITY_HOST names another literal loopback or link-local address.
inline constexpr std::string_view kImdsHost = "http://169.254.169.254";
inline constexpr std::string_view kArcEndpoint = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
inline constexpr size_t kArcKeyBytesMax = 4096;

/// What `auto` is here: IDENTITY_ENDPOINT and IDENTITY_HEADER are App Service, IDENTITY_ENDPOINT and IMDS_ENDPOINT are Arc, else IMDS.
ManagedIdentitySpec::Source choose_source(ManagedIdentitySpec::Source wanted, const Environment& environment);

/// The file that an Arc challenge names: directly below `folder`, `*.key`, its path canonical; anything else is an attack.
Fetch<std::string> arc_key_path(std::string_view www_authenticate, std::string_view folder);

std::unique_ptr<TokenSource> make_managed_identity(ManagedIdentitySpec spec, const Environment& environment);

}  // namespace wye::workload
