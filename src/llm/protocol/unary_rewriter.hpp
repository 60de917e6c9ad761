// A whole JSON answer of chat, completions or embeddings: renamed, metered, all other bytes kept.
// Source: OpenAI API reference. Lifetime: pieces refer to the body and to this object, until the next call.
// Threads: one owner. Errors: kUpstreamFailed for what is no such answer, or what an error object inside says.
#pragma once

#include "foundation/json/patch.hpp"
#include "llm/protocol/request.hpp"
#include "llm/protocol/usage.hpp"

namespace wye::protocol {

struct UnaryOptions {
  Operation operation = Operation::kChat;      // kResponses: see ResponsesRewriter
  std::string_view id{};                         // what the client sees; unused by embeddings
  std::string_view model{};
  EncodingFormat encoding = EncodingFormat::kFloat;  // what the client asked; converted where the answer differs
  bool show_filters = true;                      // the client may see what a content filter said of prompt and answer
};

struct UnaryAnswer {
  std::span<const std::string_view> pieces{};    // none empty
  size_t size = 0;                             // sum of the pieces, bytes
  Usage usage{};
  FinishReason finish = FinishReason::kNone;   // the most telling of all choices
  size_t items = 0;                            // choices or embeddings
  std::string_view upstream_model{};             // as written, unescaped only where plain
};

class UnaryRewriter {
 public:
  /// `body` stays where it is until the pieces are written.
  Result<UnaryAnswer> rewrite(std::string_view body, const UnaryOptions& options);

 private:
  Result<UnaryAnswer> rewrite_choices(std::string_view body, const UnaryOptions& options);
  Result<UnaryAnswer> rewrite_embeddings(std::string_view body, const UnaryOptions& options);
  json::Document document_;
  json::Patch patch_;
  std::vector<std::string_view> pieces_;
  std::string model_json_;
  std::string converted_;
};

}  // namespace wye::protocol
