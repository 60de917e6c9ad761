// What a decision is about: an action on a resource, the target that a Route was resolved to, and the facts of the request.
// Units: none. Lifetime: views are borrowed for the call. Threads: values.
#pragma once

#include "config/kinds/cidr.hpp"
#include "config/kinds/enums.hpp"
#include "foundation/base/clock.hpp"
#include "identity/access/action.hpp"

namespace wye::access {

enum class ResourceKind : uint8_t { kRoute, kBackend, kModel, kFile, kBatch, kIndex, kAdmin };
/// `route backend model file batch index admin`.
std::string_view to_string(ResourceKind kind);

/// A thing with a name. Of a Route always the name of the resource, whichever alias the client used; of `admin:` the noun of the action
/// (`config`, `keys`, `audit` …) or a name below it.
struct Resource {
  ResourceKind kind = ResourceKind::kRoute;
  std::string_view name{};
  // The Tenant that owns it. A file, batch or index without one is nobody's and refused; of `admin:` empty means: of the whole instance.
  std::string_view owner{};
};

/// What a Route was resolved to: asked again for every attempt, fallback, hedge, mirror, cache hit and batch line.
struct Target {
  ResourceKind kind = ResourceKind::kBackend;  // or kModel
  std::string_view name{};
  std::string_view region{};         // empty: unknown
  std::optional<bool> is_private{};  // reached without the public internet
};

/// What is known of the request. What is absent is missing: an allow that asks for it fails, a deny holds.
struct Facts {
  WallTime now{};
  std::optional<config::IpAddress> peer{};  // the caller's address; behind a trusted proxy the forwarded one
  std::optional<DataClass> data_class{};    // the highest of Route and request
  std::optional<config::EnumSet<config::Capability>> capabilities{};  // operation and features that the request uses
  std::optional<bool> budget_left{};
};

/// How much of a request is known. What comes later neither fails an allow nor makes a deny hold: it is judged when it is there.
enum class Stage : uint8_t {
  kCaller,   // only who calls: what may be seen, before a request is read
  kRequest,  // the request is read, its target not chosen
  kTarget,   // everything: the decision that lets bytes go
};

}  // namespace wye::access
