#include "identity/token/principal.hpp"

namespace wye::token {
namespace {

constexpr size_t kNameBytesMax = 63;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_inner(char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; }

}  // namespace

Principal::Principal(PrincipalFields fields) : fields_(std::move(fields)) {
  if (fields_.kind == PrincipalKind::kKey) return;
  name_hashes_.reserve(5 + fields_.roles.size() + fields_.groups.size());
  for (const std::string* text : {&fields_.issuer, &fields_.subject, &fields_.client, &fields_.service_account, &fields_.spiffe_id})
    name_hashes_.push_back(name_hash(*text));
  for (const std::string& role : fields_.roles) name_hashes_.push_back(name_hash(role));
  for (const std::string& group : fields_.groups) name_hashes_.push_back(name_hash(group));
}

std::string_view to_string(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::kUser: return "user";
    case PrincipalKind::kApp: return "app";
    case PrincipalKind::kWorkload: return "workload";
    case PrincipalKind::kCertificate: return "certificate";
    case PrincipalKind::kKey: return "key";
  }
  return "";
}

std::string_view to_string(Binding binding) {
  switch (binding) {
    case Binding::kNone: return "none";
    case Binding::kMtls: return "mtls";
    case Binding::kDpop: return "dpop";
  }
  return "";
}

std::string_view to_string(ClientAuth auth) {
  switch (auth) {
    case ClientAuth::kUnknown: return "unknown";
    case ClientAuth::kPublic: return "public";
    case ClientAuth::kSecret: return "secret";
    case ClientAuth::kCertificate: return "certificate";
  }
  return "";
}

bool is_resource_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
         std::ranges::all_of(text, is_inner);
}

bool is_route_pattern(std::string_view text) {
  if (!text.ends_with('*')) return is_resource_name(text);
  text.remove_suffix(1);
  return text.empty() || (text.size() < kNameBytesMax && is_letter_or_digit(text.front()) && std::ranges::all_of(text, is_inner));
}

}  // namespace wye::token
