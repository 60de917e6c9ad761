#include "config/load/relations.hpp"

#include "config/load/endpoint.hpp"
#include "config/load/identity_rules.hpp"
#include "config/load/nearest.hpp"

namespace wye::config {
namespace {

constexpr size_t kTenantDepth = 8;

std::string place(const Source& source, std::string_view path) {
  const Position at = source.at(path);
  return source.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}
void report(Diagnostics& findings, const Source& source, std::string path, std::string what, std::string help) {
  const Position at = source.at(path);
  findings.push_back({Severity::kError, source.file, at, std::move(path), std::move(what), std::move(help)});
}

template <class Spec>
const Document<Spec>* find(const std::vector<Document<Spec>>& sorted, std::string_view name) {
  const auto it = std::ranges::lower_bound(sorted, name, {}, &Document<Spec>::name);
  return it != sorted.end() && it->name == name ? &*it : nullptr;
}

template <class Spec>
void sort_and_refuse_duplicates(std::vector<Document<Spec>>& documents, Diagnostics& findings) {
  const auto order = [](const Document<Spec>& d) { return std::tuple(std::string_view(d.name), std::string_view(d.source.file), d.source.at("")); };
  std::ranges::sort(documents, {}, order);
  for (size_t i = 1; i < documents.size(); ++i) {
    const Document<Spec>& first = documents[i - 1];
    if (first.name != documents[i].name || first.name.empty()) continue;
    report(findings, documents[i].source, "metadata.name", "there are two of " + std::string(Spec::kKind) + " " + shown(first.name),
           "the first is at " + place(first.source, "metadata.name"));
  }
  const auto same = [](const Document<Spec>& a, const Document<Spec>& b) { return a.name == b.name; };
  documents.erase(std::unique(documents.begin(), documents.end(), same), documents.end());
}

template <class Spec>
std::vector<std::string_view> names_of(const std::vector<Document<Spec>>& documents) {
  std::vector<std::string_view> names;
  for (const auto& document : documents) names.push_back(document.name);
  return names;
}

void check_references(const Resources& resources, std::span<const Reference> references, Diagnostics& findings) {
  const std::map<std::string_view, std::vector<std::string_view>> names = {
      {Issuer::kKind, names_of(resources.issuers)},   {Role::kKind, names_of(resources.roles)},
      {Tenant::kKind, names_of(resources.tenants)},   {Credential::kKind, names_of(resources.credentials)},
      {Backend::kKind, names_of(resources.backends)}, {Model::kKind, names_of(resources.models)}};
  for (const Reference& reference : references) {
    const auto& known = names.at(reference.kind);
    if (std::ranges::binary_search(known, std::string_view(reference.name))) continue;
    const std::string_view near = nearest(reference.name, known);
    std::string help = near.empty() ? "" : "did you mean " + shown(near) + "? ";
    help += known.empty() ? "there is no " + std::string(reference.kind) + " at all" : "known: " + quoted_list(known, 8);
    findings.push_back({Severity::kError, reference.file, reference.at, reference.path,
                        "no " + std::string(reference.kind) + " is named " + shown(reference.name), std::move(help)});
  }
}

void check_aliases(const Resources& resources, Diagnostics& findings) {
  std::map<std::string_view, std::pair<const Source*, std::string>> owners;
  for (const auto& route : resources.routes) owners.emplace(route.name, std::pair(&route.source, std::string("metadata.name")));
  for (const auto& route : resources.routes) {
    for (size_t i = 0; i < route.spec.aliases.size(); ++i) {
      std::string path = "spec.aliases[" + std::to_string(i) + "]";
      const auto [owner, fresh] = owners.emplace(route.spec.aliases[i], std::pair(&route.source, path));
      if (fresh || owner->second.first == &route.source) {
        if (!fresh && owner->second.second == "metadata.name")
          report(findings, route.source, path, "the alias is the name of the Route itself", "leave it out");
        continue;
      }
      report(findings, route.source, std::move(path), "the name " + shown(route.spec.aliases[i]) + " is taken by another Route",
             "it stands at " + place(*owner->second.first, owner->second.second));
    }
  }
}

/// Depth of a tenant, itself included; 0 when its parents form a cycle or do not exist.
size_t tenant_depth(const Resources& resources, const Document<Tenant>& tenant) {
  size_t depth = 1;
  for (const Document<Tenant>* at = &tenant; !at->spec.parent.empty(); ++depth) {
    at = find(resources.tenants, at->spec.parent);
    if (at == nullptr || at == &tenant || depth > resources.tenants.size()) return 0;
  }
  return depth;
}

void check_tenants(const Resources& resources, Diagnostics& findings) {
  for (const auto& tenant : resources.tenants) {
    if (tenant.spec.parent.empty()) continue;
    const Document<Tenant>* parent = find(resources.tenants, tenant.spec.parent);
    if (parent == nullptr) continue;  // reported as a dangling reference
    const size_t depth = tenant_depth(resources, tenant);
    if (depth == 0) {
      report(findings, tenant.source, "spec.parent", "the parents of this tenant form a cycle, or lead to one",
             "a tenant can not stand above itself");
      continue;
    }
    if (depth > kTenantDepth) report(findings, tenant.source, "spec.parent", "tenants are nested deeper than 8 levels", "flatten the tree");
    if (tenant.spec.data_class_max > parent->spec.data_class_max) {
      report(findings, tenant.source, "spec.dataClassMax",
             "wider than that of its parent (" + std::string(to_string(parent->spec.data_class_max)) + ")",
             "a child can only narrow; lower it here or raise it at " + place(parent->source, "spec.dataClassMax"));
    }
    if (parent->spec.regions.empty()) continue;
    for (size_t i = 0; i < tenant.spec.regions.size(); ++i) {
      if (std::ranges::find(parent->spec.regions, tenant.spec.regions[i]) != parent->spec.regions.end()) continue;
      report(findings, tenant.source, "spec.regions[" + std::to_string(i) + "]",
             "the parent does not allow the region " + shown(tenant.spec.regions[i]), "a child can only narrow");
    }
  }
}

void check_credentials(const Resources& resources, Diagnostics& findings) {
  for (const auto& backend : resources.backends) {
    const Document<Credential>* credential = find(resources.credentials, backend.spec.auth.credential);
    const auto endpoint = parse_endpoint(backend.spec.endpoint);
    if (credential == nullptr || !endpoint) continue;
    const std::string origin = endpoint->origin();
    const bool listed = std::ranges::any_of(credential->spec.origins, [&](const std::string& text) {
      const auto allowed = parse_endpoint(text);
      return allowed && allowed->origin() == origin;
    });
    if (listed) continue;
    report(findings, backend.source, "spec.auth.credential", "Credential " + shown(credential->name) + " may not be sent to " + origin,
           "add that origin at " + place(credential->source, "spec.origins"));
  }
}

}  // namespace

void check_relations(Resources& resources, std::span<const Reference> references, Diagnostics& findings) {
  sort_and_refuse_duplicates(resources.gateways, findings);
  sort_and_refuse_duplicates(resources.issuers, findings);
  sort_and_refuse_duplicates(resources.roles, findings);
  sort_and_refuse_duplicates(resources.grants, findings);
  sort_and_refuse_duplicates(resources.tenants, findings);
  sort_and_refuse_duplicates(resources.credentials, findings);
  sort_and_refuse_duplicates(resources.backends, findings);
  sort_and_refuse_duplicates(resources.models, findings);
  sort_and_refuse_duplicates(resources.routes, findings);
  check_references(resources, references, findings);
  check_aliases(resources, findings);
  check_tenants(resources, findings);
  check_credentials(resources, findings);
  check_identity(resources, findings);
}

}  // namespace wye::config
