#include "config/load/document_rules.hpp"
#include "config/snapshot/compiler.hpp"

namespace wye::config {

void Compiler::compile_tenants() {
  const auto& documents = out_->resources_.tenants;
  for (const auto& document : documents) {
    TenantEntry entry;
    entry.id = static_cast<route::TenantId>(out_->tenants_.size());
    entry.name = document.name;
    entry.cost_centre = document.spec.cost_centre;
    entry.facts.data_class_max = document.spec.data_class_max;
    std::vector<uint32_t> lineage;
    std::optional<std::vector<std::string>> regions;
    // The loader has proven that parents exist and form no cycle.
    for (const Document<Tenant>* at = &document;;) {
      const auto id = tenant_id(at->name);
      lineage.push_back(id);
      entry.facts.data_class_max = std::min(entry.facts.data_class_max, at->spec.data_class_max);
      if (!at->spec.regions.empty()) {
        if (!regions) regions = at->spec.regions;
        std::erase_if(*regions, [&](const std::string& r) { return std::ranges::find(at->spec.regions, r) == at->spec.regions.end(); });
      }
      if (at->spec.parent.empty()) break;
      at = &documents[tenant_id(at->spec.parent)];
    }
    entry.facts.lineage = keep(std::move(lineage));
    if (regions) {
      std::vector<uint32_t> ids;
      for (const std::string& region : *regions) ids.push_back(region_id(region));
      entry.facts.any_region = false;
      entry.facts.regions = keep(std::move(ids));
    }
    out_->tenants_.push_back(std::move(entry));
  }
}

void Compiler::compile_credentials() {
  for (const auto& document : out_->resources_.credentials) {
    CredentialEntry entry;
    entry.name = document.name;
    entry.type = document.spec.type;
    if (document.spec.api_key) {
      entry.header = document.spec.api_key->header;
      entry.key = document.spec.api_key->key;
    }
    for (const std::string& origin : document.spec.origins) {
      if (const auto parsed = parse_endpoint(origin)) entry.origins.push_back(parsed->origin());
    }
    credential_ids_.emplace(entry.name, static_cast<int>(out_->credentials_.size()));
    out_->credentials_.push_back(std::move(entry));
  }
}

void Compiler::compile_backends() {
  for (const auto& document : out_->resources_.backends) {
    const Backend& spec = document.spec;
    TargetEntry entry;
    entry.id = static_cast<route::TargetId>(out_->targets_.size());
    entry.kind = TargetEntry::Kind::kBackend;
    entry.name = document.name;
    entry.label = "backend/" + document.name;
    entry.path = spec.location.path;
    entry.provider = spec.provider;
    entry.deployment = spec.deployment;
    if (spec.provider == Provider::kAzureOpenAi) entry.api_version = spec.api_version;
    if (auto endpoint = parse_endpoint(spec.endpoint)) entry.endpoint = std::move(*endpoint);
    entry.endpoint_is_live = entry.endpoint.simulator();
    if (const auto it = credential_ids_.find(spec.auth.credential); it != credential_ids_.end()) entry.credential = it->second;
    entry.token_audience = spec.auth.token_audience;
    entry.data_class_max = spec.data_class_max;
    entry.region = spec.location.region;
    if (spec.location.sku) {
      entry.residency = residency_of(*spec.location.sku, spec.location.region);
    } else if (spec.location.path == PathKind::kCustom && !spec.location.region.empty()) {
      entry.residency = Residency::kRegion;  // a server of one's own computes where it stands
    }
    entry.capabilities = spec.serves.capabilities;
    entry.context_tokens = spec.serves.context_tokens;
    entry.network = spec.network.mode;
    entry.tls_min = spec.network.tls.min;
    entry.server_name = spec.network.tls.server_name.empty() ? entry.endpoint.host : spec.network.tls.server_name;
    entry.ca_file = spec.network.tls.ca_file.resolved;
    if (entry.endpoint.simulator() && options_.purpose == Purpose::kGateway) {
      error(document.source, "spec.endpoint", "simulator://azure exists under `wye up` only",
            "write the URL of a resource, or of a simulator that runs");
    }
    refuse_own_listener(document, entry.endpoint);
    target_ids_.emplace(entry.label, entry.id);
    out_->targets_.push_back(std::move(entry));
  }
}

void Compiler::compile_models() {
  for (const auto& document : out_->resources_.models) {
    const Model& spec = document.spec;
    TargetEntry entry;
    entry.id = static_cast<route::TargetId>(out_->targets_.size());
    entry.kind = TargetEntry::Kind::kModel;
    entry.name = document.name;
    entry.label = "model/" + document.name;
    entry.path = PathKind::kCustom;
    entry.deployment = document.name;
    entry.endpoint_is_live = true;
    entry.data_class_max = spec.data_class_max;
    entry.residency = Residency::kRegion;  // it computes on this machine
    entry.capabilities = spec.serves.capabilities;
    entry.context_tokens = spec.serves.context_tokens != 0 ? spec.serves.context_tokens : spec.runtime.slot_context_tokens;
    entry.network = NetworkMode::kLoopback;
    entry.model_version = spec.current.empty() && !spec.versions.empty() ? spec.versions.front().name : spec.current;
    target_ids_.emplace(entry.label, entry.id);
    out_->targets_.push_back(std::move(entry));
  }
}

}  // namespace wye::config
