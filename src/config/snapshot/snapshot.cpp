#include "config/snapshot/snapshot.hpp"

#include "config/kinds/canonical.hpp"
#include "config/snapshot/compiler.hpp"
#include "foundation/crypto/digest.hpp"

namespace wye::config {
namespace {

void append_texts(std::string& out, std::string_view name, const std::map<std::string, std::string>& texts) {
  if (texts.empty()) return;
  out += ",\"";
  out += name;
  out += "\":{";
  bool first = true;
  for (const auto& [key, value] : texts) {
    if (!first) out += ',';
    first = false;
    append_json_string(out, key);
    out += ':';
    append_json_string(out, value);
  }
  out += '}';
}

template <class Spec>
void append_documents(std::string& out, const std::vector<Document<Spec>>& documents) {
  for (const auto& document : documents) {
    if (out.back() != '[') out += ',';
    out += R"({"apiVersion":")";
    out += kApiVersion;
    out += R"(","kind":")";
    out += Spec::kKind;
    out += R"(","metadata":{"name":)";
    append_json_string(out, document.name);
    append_texts(out, "labels", document.labels);
    append_texts(out, "annotations", document.annotations);
    out += R"(},"spec":)";
    out += canonical_json(document.spec);
    out += '}';
  }
}

std::string canonical_form(const Resources& resources) {
  std::string out = R"({"items":[)";
  append_documents(out, resources.backends);
  append_documents(out, resources.credentials);
  append_documents(out, resources.gateways);
  append_documents(out, resources.grants);
  append_documents(out, resources.issuers);
  append_documents(out, resources.models);
  append_documents(out, resources.roles);
  append_documents(out, resources.routes);
  append_documents(out, resources.tenants);
  return out + "]}";
}

}  // namespace

const RouteEntry* Snapshot::find_route(std::string_view name_or_alias) const {
  const auto it = route_index_.find(name_or_alias);
  return it == route_index_.end() ? nullptr : &routes_[it->second];
}

const TenantEntry* Snapshot::find_tenant(std::string_view name) const {
  const auto it = tenant_index_.find(name);
  return it == tenant_index_.end() ? nullptr : &tenants_[it->second];
}

Compiler::Compiler(Loaded loaded, const CompileOptions& options) : options_(options), findings_(std::move(loaded.findings)), out_(new Snapshot) {
  out_->resources_ = std::move(loaded.resources);
}

Compiled Compiler::run() {
  // Resources with errors have references that lead nowhere; the steps below rely on them.
  if (has_errors(findings_)) return {nullptr, std::move(findings_)};
  compile_gateway();
  compile_tenants();
  compile_issuers();
  compile_policy();
  compile_credentials();
  compile_backends();
  compile_models();
  compile_routes();
  if (!has_errors(findings_)) prove_routes();
  if (!has_errors(findings_)) prove_access();
  if (has_errors(findings_)) return {nullptr, std::move(findings_)};
  seal();
  return {std::move(out_), std::move(findings_)};
}

void Compiler::seal() {
  // From here on the vectors do not move: the indexes hold views into their strings.
  for (const RouteEntry& entry : out_->routes_) {
    out_->route_index_.emplace(entry.name, entry.id);
    for (const std::string& alias : entry.aliases) out_->route_index_.emplace(alias, entry.id);
  }
  for (const TenantEntry& entry : out_->tenants_) out_->tenant_index_.emplace(entry.name, entry.id);
  out_->canonical_ = canonical_form(out_->resources_);
  out_->digest_ = crypto::digest_text(crypto::sha256(out_->canonical_));
}

route::TenantId Compiler::tenant_id(std::string_view name) const {
  const auto& documents = out_->resources_.tenants;
  const auto it = std::ranges::lower_bound(documents, name, {}, &Document<Tenant>::name);
  return static_cast<route::TenantId>(it - documents.begin());
}

route::TargetId Compiler::target_id(std::string_view label) const { return target_ids_.find(label)->second; }

route::RegionId Compiler::region_id(const std::string& name) {
  return regions_.emplace(name, static_cast<route::RegionId>(regions_.size())).first->second;
}

std::span<const uint32_t> Compiler::keep(std::vector<uint32_t> ids) { return out_->id_lists_.emplace_back(std::move(ids)); }

void Compiler::error(const Source& source, std::string path, std::string what, std::string help) {
  const Position at = source.at(path);
  findings_.push_back({Severity::kError, source.file, at, std::move(path), std::move(what), std::move(help)});
}
void Compiler::warning(const Source& source, std::string path, std::string what, std::string help) {
  const Position at = source.at(path);
  findings_.push_back({Severity::kWarning, source.file, at, std::move(path), std::move(what), std::move(help)});
}

Compiled compile(Loaded loaded, const CompileOptions& options) { return Compiler(std::move(loaded), options).run(); }

}  // namespace wye::config
