#include "config/snapshot/compiler.hpp"

namespace wye::config {
namespace {

constexpr EnumSet<Operation> kAllOperations = EnumSet<Operation>::from_bits((1u << EnumNames<Operation>::kNames.size()) - 1);

/// What a target with these declared capabilities can be asked; chat also answers responses, bridged.
EnumSet<Operation> operations_of(EnumSet<Capability> capabilities) {
  if (capabilities.empty()) return kAllOperations;
  auto operations = EnumSet<Operation>::from_bits(capabilities.bits & kAllOperations.bits);
  if (operations.contains(Operation::kChat)) operations.insert(Operation::kResponses);
  return operations;
}

std::string candidate_label(const Candidate& c) { return c.model.empty() ? "backend/" + c.backend : "model/" + c.model; }
std::string candidate_path(size_t i) { return "spec.candidates[" + std::to_string(i) + "]"; }

}  // namespace

EnumSet<Operation> Compiler::effective_operations(const Document<Route>& document, std::span<const route::Target> candidates) {
  EnumSet<Operation> shared = kAllOperations;
  EnumSet<Operation> any;
  for (const route::Target& target : candidates) {
    shared = shared & operations_of(target.capabilities);
    any = any | operations_of(target.capabilities);
  }
  if (document.spec.operations.empty()) {
    if (shared.empty()) error(document.source, "spec.candidates", "the candidates share no operation", "list `operations`, or split the Route");
    return shared;
  }
  for (size_t i = 0; i < EnumNames<Operation>::kNames.size(); ++i) {
    const auto operation = static_cast<Operation>(i);
    if (!document.spec.operations.contains(operation) || any.contains(operation)) continue;
    error(document.source, "spec.operations", "no candidate can do `" + std::string(to_string(operation)) + "`",
          "remove it, or correct `serves.capabilities` of a candidate");
  }
  return document.spec.operations;
}

void Compiler::compile_deadlines(const Document<Route>& document, RouteEntry& entry) {
  const Nanos most = out_->gateway_.limits.total;
  entry.deadlines = document.spec.deadlines;
  if (entry.deadlines.total > most && document.source.wrote("spec.deadlines.total")) {
    error(document.source, "spec.deadlines.total", "longer than the Gateway's limits.total (" + format_duration(most) + ")",
          "shorten it, or raise the Gateway's");
  }
  entry.deadlines.total = std::min(entry.deadlines.total, most);
  entry.deadlines.first_event = std::min(entry.deadlines.first_event, entry.deadlines.total);
  entry.deadlines.idle = std::min(entry.deadlines.idle, entry.deadlines.total);
}

void Compiler::compile_route(const Document<Route>& document) {
  const Route& spec = document.spec;
  RouteEntry entry;
  entry.id = static_cast<uint32_t>(out_->routes_.size());
  entry.name = document.name;
  entry.aliases = spec.aliases;
  std::vector<route::Target> candidates;
  for (const Candidate& candidate : spec.candidates) {
    const TargetEntry& target = out_->targets_[target_id(candidate_label(candidate))];
    route::Target fact;
    fact.id = target.id;
    fact.path = target.path;
    fact.data_class_max = target.data_class_max;
    fact.residency = target.residency;
    fact.region = target.region.empty() ? route::kNone : region_id(target.region);
    if (target.kind == TargetEntry::Kind::kModel) {
      const Model& model = out_->resources_.models[target.id - out_->resources_.backends.size()].spec;
      if (!model.tenant.empty()) fact.owner = tenant_id(model.tenant);
    }
    fact.capabilities = target.capabilities;
    fact.weight = static_cast<uint16_t>(candidate.weight);
    fact.tier = static_cast<uint8_t>(candidate.tier);
    candidates.push_back(fact);
  }
  entry.operations = effective_operations(document, candidates);
  std::vector<uint32_t> regions;
  for (const std::string& region : spec.constraints.regions) regions.push_back(region_id(region));
  std::vector<uint32_t> tenants;
  for (const std::string& tenant : spec.constraints.tenants) tenants.push_back(tenant_id(tenant));
  entry.policy.data_class = spec.data_class;
  entry.policy.operations = entry.operations;
  entry.policy.paths = spec.constraints.paths;
  entry.policy.residency = spec.constraints.residency;
  entry.policy.regions = keep(std::move(regions));
  entry.policy.tenants = keep(std::move(tenants));
  entry.policy.objective = spec.balance.objective;
  entry.policy.candidates = out_->candidate_lists_.emplace_back(std::move(candidates));
  compile_deadlines(document, entry);
  entry.attempts = spec.retries.attempts;
  entry.output = spec.output;
  if (entry.output.max) entry.output.default_max = std::min(entry.output.default_max, *entry.output.max);
  entry.request = spec.request;
  if (spec.data_class >= DataClass::kConfidential && spec.request.unknown_fields == UnknownFields::kPass) {
    warning(document.source, "spec.request.unknownFields",
            "fields that Wye does not know pass, on a Route of class " + std::string(to_string(spec.data_class)),
            "write `request: {unknownFields: refuse}`, and `allowFields` for those that are needed");
  }
  out_->routes_.push_back(std::move(entry));
}

void Compiler::compile_routes() {
  for (const auto& document : out_->resources_.routes) compile_route(document);
}

bool Compiler::can_ever(const RouteEntry& entry, const route::Target& target, std::optional<route::Reason>& why) const {
  for (const TenantEntry& tenant : out_->tenants_) {
    for (size_t i = 0; i < EnumNames<Operation>::kNames.size(); ++i) {
      route::Ask ask;
      ask.operation = static_cast<Operation>(i);
      if (!entry.operations.contains(ask.operation)) continue;
      const auto reason = route::check_target(entry.policy, tenant.facts, ask, target, {});
      if (!reason) return true;
      // The rule that stands last says most: everything before it holds for somebody.
      if (!why || *reason > *why) why = reason;
    }
  }
  return false;
}

void Compiler::prove_route(const Document<Route>& document, const RouteEntry& entry) {
  std::vector<std::pair<size_t, std::string>> never;
  for (size_t i = 0; i < entry.policy.candidates.size(); ++i) {
    const route::Target& target = entry.policy.candidates[i];
    std::optional<route::Reason> why;
    if (can_ever(entry, target, why)) continue;
    std::string text = out_->targets_[target.id].label + ": ";
    text += why ? std::string(route::to_string(*why)) : "there is no tenant";
    if (why == route::Reason::kDataClass) {
      text += " (Route " + std::string(to_string(entry.policy.data_class)) + ", target " + std::string(to_string(target.data_class_max)) +
              ", or every tenant below that)";
    }
    never.emplace_back(i, std::move(text));
  }
  if (never.empty()) return;
  if (never.size() < entry.policy.candidates.size()) {
    for (const auto& [i, text] : never) warning(document.source, candidate_path(i), "this candidate can never be chosen", text);
    return;
  }
  std::string reasons;
  for (const auto& [i, text] : never) reasons += (reasons.empty() ? "" : "; ") + text;
  error(document.source, "spec.candidates", "policy that can never match: no candidate may ever answer this Route", reasons);
}

void Compiler::prove_routes() {
  for (size_t i = 0; i < out_->routes_.size(); ++i) prove_route(out_->resources_.routes[i], out_->routes_[i]);
}

}  // namespace wye::config
