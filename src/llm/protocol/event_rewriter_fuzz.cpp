// A stream of events, one a line: whatever comes, no fault; what is forwarded of a JSON object is one again, without line ends
// and without the names that must not pass.
#include "llm/protocol/aggregate.hpp"
#include "llm/protocol/event_rewriter.hpp"
#include "llm/protocol/responses_bridge.hpp"
#include "llm/protocol/responses_rewriter.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace wye;
  using namespace wye::protocol;
  if (size == 0) return 0;
  const StreamNames names{"chatcmpl-1", "route"};
  EventRewriter rewriter;
  rewriter.start({.operation = (data[0] & 1) != 0 ? Operation::kCompletions : Operation::kChat,
                  .names = names,
                  .show_usage = (data[0] & 2) != 0,
                  .pass_annotations = (data[0] & 4) != 0});
  StreamAggregator aggregator;
  aggregator.start({.names = names, .bytes_max = 4096});
  ResponsesRewriter responses;
  responses.start(names);
  json::Document request_document;
  DecodedRequest request;
  if (!request_document.parse(std::string_view(R"({"model":"m","input":"x"})")) || !decode(Operation::kResponses, request_document, {}, request))
    std::abort();
  ResponsesBridge bridge;
  bridge.start(request, {.id_random = "r", .model = "route", .created = {0}});
  std::string bridged;
  std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string event(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const Result<EventStep> step = rewriter.feed(event);
    if (step && step->action == EventAction::kForward) {
      if (step->pieces.size() > 8) std::abort();
      std::string out;
      for (const std::string_view piece : step->pieces) out += piece;
      if (out.find_first_of("\r\n") != std::string::npos) std::abort();
      json::Document before;
      json::Document after;
      if (before.parse(event) && !after.parse(out)) std::abort();
    }
    (void)aggregator.feed(event);
    (void)responses.feed(event);
    (void)bridge.feed(event, bridged);
  }
  std::string out;
  json::Document document;
  if (aggregator.write(out) && !document.parse(out, {.duplicate_names = json::DuplicateNames::kKeep})) std::abort();
  bridge.fail(public_error(ErrorCode::kInternal, "x"), bridged);
  return 0;
}
