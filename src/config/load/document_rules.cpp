#include "config/load/document_rules.hpp"

#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

std::string at_index(std::string_view list, size_t i, std::string_view rest = {}) {
  return std::string(list) + "[" + std::to_string(i) + "]" + std::string(rest);
}

void check_client_certificates(const TlsFiles& tls, const std::string& path, const DocumentFindings& out) {
  if (tls.client_cert == ClientCert::kNone && !tls.client_ca_file.empty())
    out.error(path + ".clientCaFile", "`clientCaFile` has no effect while no certificate is asked for", "add `clientCert: request` or `require`");
  if (tls.client_cert != ClientCert::kNone && tls.client_ca_file.empty())
    out.error(path + ".clientCaFile", "`clientCaFile` is missing: nobody says which certificates are good", "write the bundle of the authority");
}

void check_listener(const Listener& listener, const std::string& path, const DocumentFindings& out) {
  const bool loopback = is_loopback(listener.address);
  if (!is_ip_literal(listener.address)) return;
  if (!loopback && !listener.tls && !listener.plaintext) {
    out.error(path + ".address", "an address beyond loopback without TLS", "add `tls`, or say `plaintext: true` where something in front ends TLS");
  }
  if (listener.plaintext && listener.tls) out.error(path + ".plaintext", "`plaintext: true` beside `tls`", "keep one of them");
  if (listener.tls) check_client_certificates(*listener.tls, path + ".tls", out);
  const bool knows_proxies = listener.tls && listener.tls->client_cert == ClientCert::kRequire;
  if (!listener.trusted_proxies.empty() && !knows_proxies) {
    out.error(path + ".trustedProxies", "a proxy is believed over mutual TLS only", "add `tls` with `clientCert: require`");
  }
}

void check_hosts(const Gateway& spec, const DocumentFindings& out) {
  const bool beyond = std::ranges::any_of(spec.listeners, [](const Listener& l) { return !is_loopback(l.address); });
  if (spec.hosts.empty() && beyond)
    out.error("spec.hosts", "`hosts` is missing: a listener is reachable beyond loopback", "list the names that clients use");
  for (size_t i = 0; i < spec.hosts.size(); ++i) {
    const std::string_view host = spec.hosts[i];
    if (!host.starts_with('[')) continue;
    if (!is_ip_literal(host.substr(1, host.size() - 2))) out.error(at_index("spec.hosts", i), "[...] does not hold an IPv6 address");
  }
}

constexpr std::array<std::string_view, 9> kUsRegions = {"eastus",    "eastus2",        "westus",         "westus2",      "westus3",
                                                        "centralus", "northcentralus", "southcentralus", "westcentralus"};
constexpr std::array<std::string_view, 14> kEuRegions = {"swedencentral", "swedensouth",        "westeurope",     "northeurope", "francecentral",
                                                         "francesouth",   "germanywestcentral", "germanynorth",   "italynorth",  "polandcentral",
                                                         "spaincentral",  "austriaeast",        "belgiumcentral", "denmarkeast"};

bool is_data_zone(Sku sku) { return sku == Sku::kDataZoneStandard || sku == Sku::kDataZoneProvisionedManaged || sku == Sku::kDataZoneBatch; }

void check_azure(const Backend& spec, const DocumentFindings& out) {
  if (!spec.location.sku)
    out.error("spec.location.sku", "`sku` is missing: residency follows from it", "write the deployment type, as Standard or GlobalStandard");
  if (spec.location.region.empty()) out.error("spec.location.region", "`region` is missing", "write the region of the resource, as swedencentral");
  if (spec.location.path == PathKind::kCustom) out.error("spec.location.path", "an azureOpenAI Backend is always managed", "leave the key out");
  const auto plain = [](char c) { return c != ':' && c != '/' && c != '@'; };
  if (spec.deployment.size() > 64 || !std::ranges::all_of(spec.deployment, plain)) {
    out.error("spec.deployment", "an Azure deployment is 1-64 of A-Z a-z 0-9 . _ -", "write its name, not a path");
  }
  if (spec.location.sku && !spec.location.region.empty() && residency_of(*spec.location.sku, spec.location.region) == Residency::kNone) {
    out.error("spec.location.region", shown(spec.location.region) + " lies in no known data zone", "a DataZone deployment is in a US or EU region");
  }
}

void check_compatible(const Backend& spec, const DocumentFindings& out) {
  if (out.wrote("spec.apiVersion")) out.error("spec.apiVersion", "`apiVersion` is only for azureOpenAI", "leave the key out");
  if (spec.location.sku) out.error("spec.location.sku", "`sku` is only for azureOpenAI", "leave the key out");
}

void check_reach(const Backend& spec, const Endpoint& endpoint, const DocumentFindings& out) {
  const bool loopback_mode = spec.network.mode == NetworkMode::kLoopback;
  if (loopback_mode && !endpoint.loopback()) {
    out.error("spec.endpoint", "network.mode loopback needs an address in 127.0.0.0/8 or [::1]", "write the address instead of a name");
  } else if (!loopback_mode && endpoint.loopback()) {
    out.error("spec.endpoint", "an address of this machine needs network.mode loopback", "add `network: {mode: loopback}`");
  } else if (!loopback_mode && endpoint.ip_literal) {
    out.error("spec.endpoint", "an IP address is refused as host", "write the name that stands in the server's certificate");
  } else if (!loopback_mode && endpoint.scheme == Endpoint::Scheme::kHttp) {
    out.error("spec.endpoint", "http is only for network.mode loopback", "write https://");
  }
  if (!endpoint.base_path.empty() && spec.provider == Provider::kAzureOpenAi) {
    out.error("spec.endpoint", "the endpoint of azureOpenAI has no path", "write " + endpoint.origin());
  }
  if (endpoint.scheme == Endpoint::Scheme::kHttp && out.wrote("spec.network.tls")) {
    out.error("spec.network.tls", "`tls` has no effect on an http endpoint", "leave the key out");
  }
}

void check_serves(const Serves& serves, const DocumentFindings& out) {
  if (serves.capabilities.empty() || (serves.capabilities.bits & 0b11111u) != 0) return;
  out.error("spec.serves.capabilities", "the list names no operation", "add chat, completions, responses, embeddings or moderations");
}

void check_candidates(const Route& spec, const DocumentFindings& out) {
  std::set<std::string> seen;
  bool traffic = spec.candidates.empty();
  for (size_t i = 0; i < spec.candidates.size(); ++i) {
    const Candidate& c = spec.candidates[i];
    const std::string path = at_index("spec.candidates", i);
    traffic |= c.weight > 0;
    if (c.model.empty() == c.backend.empty()) {
      out.error(path, "a candidate has exactly one of `model` and `backend`", c.model.empty() ? "add one" : "remove one");
    } else if (!seen.insert(c.model.empty() ? "backend/" + c.backend : "model/" + c.model).second) {
      out.error(path, "this target is a candidate already", "keep one of the two");
    }
  }
  if (!traffic) out.error("spec.candidates", "every candidate has weight 0: the Route can never answer", "give one a weight");
}

void check_request(const RequestPolicy& request, const DocumentFindings& out) {
  if (request.unknown_fields == UnknownFields::kPass && !request.allow_fields.empty()) {
    out.error("spec.request.allowFields", "`allowFields` has no effect while unknown fields pass", "add `unknownFields: refuse`, or leave it out");
  }
  const bool https = std::ranges::find(request.pointers.schemes, "https") != request.pointers.schemes.end();
  if (https == request.pointers.hosts.empty()) {
    out.error(https ? "spec.request.pointers.schemes" : "spec.request.pointers.hosts",
              https ? "scheme https without `hosts` can never match" : "`hosts` has no effect without scheme https",
              https ? "list the hosts that pointers may name" : "add https to `schemes`");
  }
}

}  // namespace

bool DocumentFindings::failed(std::string_view path) const {
  const auto inside = [](std::string_view outer, std::string_view inner) {
    return inner.starts_with(outer) && (inner.size() == outer.size() || inner[outer.size()] == '.' || inner[outer.size()] == '[');
  };
  return std::any_of(findings_.begin() + static_cast<ptrdiff_t>(first_), findings_.end(),
                     [&](const Diagnostic& d) { return !d.path.empty() && (inside(d.path, path) || inside(path, d.path)); });
}
void DocumentFindings::error(std::string_view path, std::string what, std::string help) const {
  if (failed(path)) return;
  findings_.push_back({Severity::kError, source_.file, source_.at(path), std::string(path), std::move(what), std::move(help)});
}
void DocumentFindings::warning(std::string_view path, std::string what, std::string help) const {
  findings_.push_back({Severity::kWarning, source_.file, source_.at(path), std::string(path), std::move(what), std::move(help)});
}

Residency residency_of(Sku sku, std::string_view region) {
  if (sku == Sku::kStandard || sku == Sku::kProvisionedManaged) return Residency::kRegion;
  if (!is_data_zone(sku)) return Residency::kGlobal;
  if (std::ranges::find(kUsRegions, region) != kUsRegions.end()) return Residency::kZoneUs;
  if (std::ranges::find(kEuRegions, region) != kEuRegions.end()) return Residency::kZoneEu;
  return Residency::kNone;
}

void check_document(const Gateway& spec, const DocumentFindings& out) {
  std::map<std::pair<std::string, uint16_t>, size_t> places;
  for (size_t i = 0; i < spec.listeners.size(); ++i) {
    const Listener& listener = spec.listeners[i];
    check_listener(listener, at_index("spec.listeners", i), out);
    if (listener.port != 0 && !places.emplace(std::pair(listener.address, listener.port), i).second) {
      out.error(at_index("spec.listeners", i, ".port"), "two listeners share address and port", "give each its own port");
    }
  }
  if (!is_loopback(spec.admin.address) && !spec.admin.tls) {
    out.error("spec.admin.address", "admin beyond loopback needs `tls`", "add it, or use 127.0.0.1 or ::1");
  }
  if (spec.admin.tls) check_client_certificates(*spec.admin.tls, "spec.admin.tls", out);
  if (spec.admin.port != 0 && places.contains({spec.admin.address, spec.admin.port})) {
    out.error("spec.admin.port", "admin and a listener share address and port", "give each its own port");
  }
  check_hosts(spec, out);
}

void check_document(const Backend& spec, const DocumentFindings& out) {
  check_serves(spec.serves, out);
  if (out.failed("spec.provider")) return;
  spec.provider == Provider::kAzureOpenAi ? check_azure(spec, out) : check_compatible(spec, out);
  if (spec.endpoint.empty()) return;
  const auto endpoint = parse_endpoint(spec.endpoint);
  if (!endpoint) return out.error("spec.endpoint", endpoint.error().public_message, "write https://HOST[:PORT]");
  if (endpoint->simulator()) {
    if (spec.provider != Provider::kAzureOpenAi)
      out.error("spec.endpoint", "simulator://azure speaks azureOpenAI only", "set `provider: azureOpenAI`");
    if (out.wrote("spec.network")) out.error("spec.network", "`network` has no effect on the simulator", "leave the key out");
    return;
  }
  check_reach(spec, *endpoint, out);
}

void check_document(const Model& spec, const DocumentFindings& out) {
  check_serves(spec.serves, out);
  const bool found = std::ranges::any_of(spec.versions, [&](const ModelVersion& v) { return v.name == spec.current; });
  if (!spec.current.empty() && !found) {
    std::vector<std::string_view> names;
    for (const ModelVersion& v : spec.versions) names.push_back(v.name);
    out.error("spec.current", "no version is named " + shown(spec.current), "known: " + quoted_list(names));
  }
  if (spec.current.empty() && spec.versions.size() > 1)
    out.error("spec.current", "`current` is missing: there are several versions", "name the one to serve");
}

void check_document(const Route& spec, const DocumentFindings& out) {
  check_candidates(spec, out);
  check_request(spec.request, out);
  const auto within_total = [&](std::string_view path, Nanos value) {
    if (value > spec.deadlines.total && out.wrote(path)) {
      out.error(path, "longer than `total` (" + format_duration(spec.deadlines.total) + ")", "shorten it, or raise `total`");
    }
  };
  within_total("spec.deadlines.firstEvent", spec.deadlines.first_event);
  within_total("spec.deadlines.idle", spec.deadlines.idle);
  if (spec.output.max && spec.output.default_max > *spec.output.max && out.wrote("spec.output.defaultMax")) {
    out.error("spec.output.defaultMax", "more than `max` (" + std::to_string(*spec.output.max) + ")", "lower it, or raise `max`");
  }
}

}  // namespace wye::config
