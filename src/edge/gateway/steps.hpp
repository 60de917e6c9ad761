// The steps of a request, one function each, in the order in which exchange.cpp calls them. Each may end the request.
// Private to edge/gateway.
#pragma once

#include "edge/gateway/exchange.hpp"

namespace wye::gateway {

struct Steps {
  static Result<void> match(Exchange& x);
  static Result<void> inspect_envelope(Exchange& x);
  static net::Task<Result<void>> authenticate(Exchange& x);
  static net::Task<Result<void>> answer_models(Exchange& x);
  static Result<void> admit(Exchange& x);
  static net::Task<Result<void>> decode(Exchange& x);
  static Result<void> inspect_body(Exchange& x);
  static Result<void> authorise(Exchange& x);
  static Result<void> decide(Exchange& x);
  static Result<void> reserve(Exchange& x);
  static Result<void> look_up_cache(Exchange& x);
  static net::Task<Result<void>> send(Exchange& x);
  /// The caller may know that the Route exists: a Route that is hidden is answered as one that does not exist.
  static bool visible(const Exchange& x, const config::RouteEntry& route);
  /// The action, on the candidate that the Route was resolved to: asked for the plan, and again for every attempt.
  static access::Decision granted(const Exchange& x, const route::Target& candidate);
  /// Answers with an error in the shape of the API; after an answer has begun it ends it as its protocol says.
  static net::Task<void> refuse(Exchange& x, Error error);
};

}  // namespace wye::gateway
