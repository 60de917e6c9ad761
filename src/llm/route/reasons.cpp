#include "llm/route/route.hpp"

namespace wye::route {
namespace {

/// Names what the request uses. Which of several is missing differs by candidate, so only a single one is named as parameter.
Error unsupported_feature(EnumSet<Capability> needs) {
  struct Row {
    Capability capability;
    std::string_view param;  // empty: it lies within the content
  };
  constexpr std::array kRows = {Row{Capability::kTools, "tools"}, Row{Capability::kJsonSchema, "response_format"}, Row{Capability::kVision, ""},
                                Row{Capability::kAudio, ""}, Row{Capability::kLogprobs, "logprobs"}};
  std::string names;
  std::string param;
  size_t count = 0;
  for (const Row& row : kRows) {
    if (!needs.contains(row.capability)) continue;
    names += (count++ == 0 ? "" : ", ") + std::string(config::to_string(row.capability));
    param = row.param;
  }
  return public_error(ErrorCode::kUnsupportedParameter, "This model lacks a feature that the request uses: " + names + ".",
                      count == 1 ? std::move(param) : std::string());
}

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kNotGranted: return "no role of the caller allows the target";
    case Reason::kDataClass: return "the request is more secret than the target may see";
    case Reason::kTenantOwned: return "it belongs to another tenant";
    case Reason::kRegion: return "it is outside the regions of route or tenant";
    case Reason::kResidency: return "it is computed where the route does not allow";
    case Reason::kPath: return "it is on a path that the route does not allow";
    case Reason::kOperation: return "it can not do the operation";
    case Reason::kCapability: return "it lacks a feature that the request uses";
    case Reason::kNoWeight: return "its weight is 0";
    case Reason::kStarting: return "it is not ready yet";
    case Reason::kBroken: return "it is known not to work";
    case Reason::kMisconfigured: return "the upstream refuses our credential or does not know the deployment";
    case Reason::kSaturated: return "the upstream told us to wait";
    case Reason::kDraining: return "it is going away";
  }
  return "";
}

Error to_error(Verdict verdict, const Ask& ask) {
  const std::string operation(config::to_string(ask.operation));
  switch (verdict) {
    case Verdict::kTenantNotAllowed: return public_error(ErrorCode::kModelNotFound, {}, "model");
    case Verdict::kTenantCeiling:
    case Verdict::kForbidden: return public_error(ErrorCode::kDataClassForbidden, {});
    case Verdict::kUnsupportedOperation:
      return public_error(ErrorCode::kUnsupportedParameter, "This model does not serve the operation " + operation + ".", "model");
    case Verdict::kUnsupportedFeature: return unsupported_feature(ask.needs);
    case Verdict::kSaturated: return public_error(ErrorCode::kOverloaded, {});
    case Verdict::kNotReady: return public_error(ErrorCode::kModelNotReady, {});
    case Verdict::kPlanned: break;
  }
  return internal_error(ErrorCode::kInternal, "a plan was taken for an error");
}

}  // namespace wye::route
