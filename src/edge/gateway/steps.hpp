// The steps of a request, one function each, in the order in which exchange.cpp calls them. Each may end the request.
// Private to edge/gateway.
#pragma once

#include "edge/gateway/exchange.hpp"

namespace wye::gateway {

struct Steps {
  static Result<void> match(Exchange& x);
  static Result<void> inspect_envelope(Exchange& x);
  static Result<void> authenticate(Exchange& x);
  static net::Task<Result<void>> answer_models(Exchange& x);
  static Result<void> admit(Exchange& x);
  static net::Task<Result<void>> decode(Exchange& x);
  static Result<void> inspect_body(Exchange& x);
  static Result<void> authorise(Exchange& x);
  static Result<void> decide(Exchange& x);
  static Result<void> reserve(Exchange& x);
  static Result<void> look_up_cache(Exchange& x);
  static net::Task<Result<void>> send(Exchange& x);
  /// Answers with an error in the shape of the API; after an answer has begun it ends it as its protocol says.
  static net::Task<void> refuse(Exchange& x, Error error);
};

}  // namespace wye::gateway
