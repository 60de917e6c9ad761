#include "identity/issuer/documents.hpp"

#include "foundation/json/writer.hpp"
#include "identity/issuer/token_maker.hpp"

namespace wye::issuer {
namespace {

void write_list(json::Writer& writer, std::string_view name, std::initializer_list<std::string_view> values) {
  writer.begin_array(name);
  for (const std::string_view value : values) writer.string(value);
  writer.end_array();
}

}  // namespace

std::string url_below(std::string_view authority, std::string_view path) {
  std::string out(authority);
  out += '/';
  out += kTenantId;
  out += path;
  return out;
}

std::string discovery_document(std::string_view authority, bool v1) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().string("issuer", v1 ? issuer_v1(authority) : issuer_v2(authority));
  writer.string("authorization_endpoint", url_below(authority, kAuthorizePath)).string("token_endpoint", url_below(authority, kTokenPath));
  writer.string("device_authorization_endpoint", url_below(authority, kDeviceCodePath));
  writer.string("jwks_uri", url_below(authority, v1 ? kKeysPathV1 : kKeysPath));
  write_list(writer, "response_types_supported", {"code"});
  write_list(writer, "response_modes_supported", {"query"});
  write_list(writer, "grant_types_supported",
             {"authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"});
  write_list(writer, "scopes_supported", {"openid", "profile", "offline_access"});
  write_list(writer, "subject_types_supported", {"pairwise"});
  write_list(writer, "id_token_signing_alg_values_supported", {"RS256"});
  write_list(writer, "token_endpoint_auth_methods_supported", {"private_key_jwt"});
  write_list(writer, "token_endpoint_auth_signing_alg_values_supported", {"RS256", "PS256", "ES256"});
  write_list(writer, "code_challenge_methods_supported", {"S256"});
  writer.end_object();
  return out;
}

std::string error_document(std::string_view error, std::string_view description) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().string("error", error).string("error_description", description).end_object();
  return out;
}

}  // namespace wye::issuer
