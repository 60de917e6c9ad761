// What Azure adds to the answers of a model: filter results, and which answer a stream begins with.
// Source: Azure OpenAI "Content streaming" and "Content filter annotations".
// Threads: one owner; reusable.
#pragma once

#include "foundation/http/sse.hpp"
#include "foundation/json/patch.hpp"
#include "simulator/azure/filter.hpp"

namespace wye::simulator {

/// Appends the first event of a stream: no choices, empty id, `created` 0, the results of the prompt.
void append_prompt_event(const Markers& markers, std::string& out);

class Annotator {
 public:
  /// Appends the data of a chat or completions event with `content_filter_results` in each choice, `usage` null where the client asked
  /// for usage and this is not the event that has it, and without what only llama-server says.
  /// Errors: kUpstreamFailed where `data` is no JSON object.
  Result<void> event(std::string_view data, bool usage_asked, std::string& out);
  /// Appends a whole answer with the results of prompt and choices. Errors: kUpstreamFailed.
  Result<void> answer(std::string_view whole, const Markers& markers, std::string& out);
  /// Appends a response object of /responses with `content_filters`. Errors: kUpstreamFailed.
  Result<void> response(std::string_view whole, const Markers& markers, std::string& out);
  /// Takes whole SSE events of /responses and appends them; the terminal one gets `content_filters`. Errors: kUpstreamFailed.
  Result<void> response_events(std::string_view events, const Markers& markers, std::string& out);

 private:
  Result<void> parse(std::string_view text);
  void annotate_choices(json::Value root);
  Result<void> add_filters(json::Value response, const Markers& markers, std::string& out);
  json::Document document_;
  json::Patch patch_;
  http::SseScanner scanner_;
};

}  // namespace wye::simulator
