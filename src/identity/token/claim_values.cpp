#include "identity/token/claim_values.hpp"

namespace wye::token {
namespace {

std::optional<std::string> scalar_text(json::Value value) {
  if (value.is_string()) return value.text();
  if (value.is_number() || value.boolean()) return std::string(value.raw());
  return std::nullopt;
}

/// A member by its name, or by names with dots between where Kubernetes nests its own.
std::optional<json::Value> find_claim(json::Value root, std::string_view name) {
  if (const auto found = root.find(name)) return found;
  auto at = root.find("kubernetes.io");
  while (at) {
    const size_t dot = name.find('.');
    at = at->find(name.substr(0, dot));
    if (dot == std::string_view::npos) return at;
    name.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

}  // namespace

bool is_identity_text(std::string_view text) {
  return !text.empty() && text.size() <= kIdentityTextBytesMax &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Result<std::string> required_text(json::Value object, std::string_view name, std::string_view reason) {
  const auto value = object.find(name);
  if (!value || !value->is_string()) return invalid_token(reason);
  std::string text = value->text();
  if (!is_identity_text(text)) return invalid_token(reason);
  return text;
}

Result<std::string> optional_text(json::Value object, std::string_view name, std::string_view reason) {
  if (!object.find(name)) return std::string();
  return required_text(object, name, reason);
}

Result<std::vector<std::string>> text_list(json::Value object, std::string_view name, std::string_view reason) {
  std::vector<std::string> list;
  const auto value = object.find(name);
  if (!value) return list;
  if (!value->is_array()) return invalid_token(reason);
  for (const json::Value element : value->elements()) {
    std::string text = element.text();
    if (!element.is_string() || !is_identity_text(text)) return invalid_token(reason);
    list.push_back(std::move(text));
  }
  return list;
}

Result<std::vector<std::string>> scope_list(json::Value object, std::string_view name, std::string_view reason) {
  const auto value = object.find(name);
  if (!value) return std::vector<std::string>();
  if (value->is_array()) return text_list(object, name, reason);
  TRY(const std::string text, required_text(object, name, reason));
  std::vector<std::string> list;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end == at) return invalid_token(reason);
    list.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return list;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return out;
}

std::vector<Claim> named_claims(json::Value root, std::span<const std::string> names) {
  std::vector<Claim> claims;
  for (const std::string& name : names) {
    const auto value = find_claim(root, name);
    if (!value) continue;
    Claim claim{.name = name};
    if (auto text = scalar_text(*value)) claim.values.push_back(std::move(*text));
    for (const json::Value element : value->elements()) {
      if (auto text = scalar_text(element)) claim.values.push_back(std::move(*text));
    }
    if (!claim.values.empty()) claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace wye::token
