#include "config/load/nearest.hpp"
#include "config/snapshot/compiler.hpp"

namespace wye::config {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool matches_host(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const size_t dot = host.find('.');
  // One label, and not an empty one.
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

bool is_wildcard(std::string_view address) { return address == "0.0.0.0" || address == "::"; }

bool same_place(std::string_view address, uint16_t port, const Endpoint& endpoint) {
  if (port == 0 || port != endpoint.port) return false;
  if (endpoint.ip_literal) return address == endpoint.host || (is_wildcard(address) && endpoint.loopback());
  return endpoint.host == "localhost" && (is_wildcard(address) || is_loopback(address));
}

}  // namespace

bool GatewaySettings::serves_host(std::string_view host_without_port) const {
  return std::ranges::any_of(hosts, [&](const std::string& pattern) { return matches_host(pattern, host_without_port); });
}

bool GatewaySettings::serves_api_version(std::string_view version) const {
  return std::ranges::find(azure_api_versions, version) != azure_api_versions.end();
}

const Document<Gateway>* Compiler::choose_gateway() {
  const auto& all = out_->resources_.gateways;
  if (all.empty()) {
    findings_.push_back({Severity::kError, "", {}, "", "there is no Gateway", "add a document with `kind: Gateway` and its listeners"});
    return nullptr;
  }
  std::vector<std::string_view> names;
  for (const auto& gateway : all) names.push_back(gateway.name);
  if (options_.gateway.empty()) {
    if (all.size() == 1 || options_.purpose == Purpose::kCheck) return &all.front();
    error(all[1].source, "metadata.name", "there are several Gateways", "say which with --gateway: " + quoted_list(names));
    return nullptr;
  }
  const auto it = std::ranges::find(all, options_.gateway, &Document<Gateway>::name);
  if (it != all.end()) return &*it;
  error(all.front().source, "metadata.name", "no Gateway is named " + shown(options_.gateway), "known: " + quoted_list(names));
  return nullptr;
}

void Compiler::compile_gateway() {
  const Document<Gateway>* chosen = choose_gateway();
  if (chosen == nullptr) return;
  const Gateway& spec = chosen->spec;
  GatewaySettings& out = out_->gateway_;
  out.name = chosen->name;
  for (const Listener& listener : spec.listeners) {
    out.listeners.push_back({listener.name, listener.address, listener.port, listener.tls, {}});
    // The grammar has seen them; what is no network trusts nobody.
    for (const std::string& text : listener.trusted_proxies) {
      if (const std::optional<Cidr> network = Cidr::parse(text)) out.listeners.back().trusted_proxies.push_back(*network);
    }
  }
  if (options_.port && !out.listeners.empty()) out.listeners.front().port = *options_.port;
  out.admin = spec.admin;
  if (options_.admin_port) out.admin.port = *options_.admin_port;
  for (const std::string& host : spec.hosts) out.hosts.push_back(lower(host));
  if (out.hosts.empty()) out.hosts = {"localhost", "127.0.0.1", "[::1]"};
  out.limits = spec.limits;
  out.auth = spec.auth;
  out.azure_api_versions = spec.api_versions.azure;
  out.access_log = spec.access_log.to.value_or(options_.purpose == Purpose::kUp ? AccessLogTo::kFile : AccessLogTo::kStdout);
  out.access_log_sample = spec.access_log.sample;
}

void Compiler::refuse_own_listener(const Document<Backend>& document, const Endpoint& endpoint) {
  const GatewaySettings& gateway = out_->gateway_;
  bool own = same_place(gateway.admin.address, gateway.admin.port, endpoint);
  for (const ListenerEntry& listener : gateway.listeners) {
    own |= same_place(listener.address, listener.port, endpoint);
    // A name that clients use for us, at our port or at the one that something in front of us would have.
    const bool our_name = !endpoint.ip_literal && endpoint.host != "localhost" && gateway.serves_host(endpoint.host);
    own |= our_name && (endpoint.port == listener.port || endpoint.port == 443 || endpoint.port == 80);
  }
  if (own)
    error(document.source, "spec.endpoint", "this Backend is one of the Gateway's own listeners: it would call itself",
          "write the address of the other server");
}

}  // namespace wye::config
