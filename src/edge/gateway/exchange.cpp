// The life of a request. The order is the security model: nothing is decoded for an unknown caller, nothing is sent before it is
// allowed, nothing is spent before it is reserved, and everything ends in one place, the destructor of Exchange.
#include "edge/gateway/exchange.hpp"

#include "edge/gateway/steps.hpp"

namespace wye::gateway {
namespace {

net::Task<Result<void>> run(Exchange& x) {
  CO_CHECK_OK(Steps::match(x));                 //  1. path, method, version → action; nothing later looks at the raw path
  CO_CHECK_OK(Steps::inspect_envelope(x));      //  2. request line, headers, query
  CO_CHECK_OK(co_await Steps::authenticate(x)); //  3. credential → Principal; no body byte is decoded for an unknown caller
  if (!x.matched->operation) co_return co_await Steps::answer_models(x);
  CO_CHECK_OK(Steps::admit(x));                 //     room in the process for one more, before its body takes memory
  CO_CHECK_OK(co_await Steps::decode(x));       //  4. the body, parsed once, strictly, for everyone after
  CO_CHECK_OK(Steps::inspect_body(x));          //  5. by zones: control, pointers, tool results, content
  CO_CHECK_OK(Steps::authorise(x));             //  6. the action on the alias; resolved targets follow in 7 and 10
  CO_CHECK_OK(Steps::decide(x));                //  7. an ordered plan: hard constraints, then objectives
  CO_CHECK_OK(Steps::reserve(x));               //  8. all or nothing, before anything is spent
  CO_CHECK_OK(Steps::look_up_cache(x));         //  9. after permission and reservation, never before
  co_return co_await Steps::send(x);            // 10. attempts within one deadline; 11. the answer, streamed as it comes
}                                               // 12. settle: ~Exchange

}  // namespace

net::Task<void> Gateway::answer(http::ServerCall& call) {
  Exchange x(*this, call);
  Result<void> result = co_await run(x);
  if (!result) co_await Steps::refuse(x, std::move(result).error());
}

net::Task<void> Gateway::refuse(http::ServerCall& call, Error error) {
  Exchange x(*this, call);
  co_await Steps::refuse(x, std::move(error));
}

}  // namespace wye::gateway
