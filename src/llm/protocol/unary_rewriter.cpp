#include "llm/protocol/unary_rewriter.hpp"

#include "foundation/json/scan.hpp"
#include "llm/protocol/embeddings.hpp"
#include "llm/protocol/errors.hpp"
#include "llm/protocol/filter_results.hpp"
#include "llm/protocol/member_edit.hpp"

namespace wye::protocol {
namespace {

Error malformed(std::string_view why) { return internal_error(ErrorCode::kUpstreamFailed, "upstream answer: " + std::string(why)); }

bool is_set(const std::optional<json::Value>& value) { return value && !value->is_null(); }
/// What clients take for an error inside a success.
bool is_error(const std::optional<json::Value>& value) {
  if (!is_set(value)) return false;
  if (value->is_object()) return value->size() != 0;
  if (value->is_string()) return !value->string_raw().empty();
  return value->boolean().value_or(false);
}

FinishReason more_telling(FinishReason a, FinishReason b) {
  constexpr auto kRank = [](FinishReason reason) {
    switch (reason) {
      case FinishReason::kContentFilter: return 6;
      case FinishReason::kLength: return 5;
      case FinishReason::kToolCalls: return 4;
      case FinishReason::kFunctionCall: return 3;
      case FinishReason::kStop: return 2;
      case FinishReason::kOther: return 1;
      case FinishReason::kNone: return 0;
    }
    return 0;
  };
  return kRank(b) > kRank(a) ? b : a;
}

}  // namespace

Result<UnaryAnswer> UnaryRewriter::rewrite(std::string_view body, const UnaryOptions& options) {
  return options.operation == Operation::kEmbeddings ? rewrite_embeddings(body, options) : rewrite_choices(body, options);
}

Result<UnaryAnswer> UnaryRewriter::rewrite_choices(std::string_view body, const UnaryOptions& options) {
  if (!document_.parse(body, {.nodes_max = 4'000'000}) || !document_.root().is_object()) return Fail(malformed("not one JSON object"));
  const json::Value root = document_.root();
  if (is_error(root.find("error"))) return Fail(parse_upstream_error(200, body).error);
  const std::optional<json::Value> choices = root.find("choices");
  if (!choices || !choices->is_array()) return Fail(malformed("no choices"));
  UnaryAnswer answer;
  answer.items = choices->size();
  for (const json::Value choice : choices->elements()) {
    if (!choice.is_object()) return Fail(malformed("a choice is no object"));
    const std::optional<json::Value> reason = choice.find("finish_reason");
    if (!reason || !reason->is_string()) continue;
    answer.finish = more_telling(answer.finish, reason->is_plain_string() ? parse_finish_reason(reason->string_raw()) : FinishReason::kOther);
  }
  if (const std::optional<json::Value> usage = root.find("usage"); usage && usage->is_object()) answer.usage = parse_usage(usage->raw());
  patch_.start(document_);
  if (!options.show_filters) remove_filter_results(root, choices, patch_);
  if (const std::optional<json::Value> id = root.find("id")) patch_.replace_string(*id, options.id);
  if (const std::optional<json::Value> model = root.find("model")) {
    answer.upstream_model = model->string_raw();
    patch_.replace_string(*model, options.model);
  }
  TRY(answer.pieces, patch_.pieces());
  answer.size = patch_.size();
  return answer;
}

/// Without a Document: two thousand embeddings are millions of numbers that only pass through.
Result<UnaryAnswer> UnaryRewriter::rewrite_embeddings(std::string_view body, const UnaryOptions& options) {
  constexpr std::array<std::string_view, 4> kNames = {"model", "data", "usage", "error"};
  std::array<std::string_view, 4> values;
  const size_t end = body.find_last_not_of(" \t\r\n");
  body = end == std::string_view::npos ? std::string_view() : body.substr(0, end + 1);
  if (!json::find_members(body, kNames, values)) return Fail(malformed("not one JSON object"));
  if (!values[3].empty() && values[3] != "null") return Fail(parse_upstream_error(200, body).error);
  if (!values[1].starts_with('[')) return Fail(malformed("no data"));
  UnaryAnswer answer;
  answer.usage = parse_usage(values[2]);
  std::array<Splice, 2> splices;
  size_t count = 0;
  if (!values[0].empty()) {
    assign_json_string(options.model, model_json_);
    splices[count++] = replace_value(body, values[0], model_json_);
    if (values[0].size() >= 2) answer.upstream_model = values[0].substr(1, values[0].size() - 2);
  }
  const std::optional<EncodingFormat> have = encoding_of(values[1]);
  if (!have && values[1].find('{') != std::string_view::npos) return Fail(malformed("an embedding is neither numbers nor text"));
  if (have && *have != options.encoding) {
    converted_.clear();
    CHECK_OK(convert_embeddings(values[1], options.encoding, converted_));
    splices[count++] = replace_value(body, values[1], converted_);
  }
  if (count == 2 && splices[1].begin < splices[0].begin) std::swap(splices[0], splices[1]);
  pieces_.clear();
  size_t at = 0;
  const auto add = [&](std::string_view piece) {
    if (piece.empty()) return;
    pieces_.push_back(piece);
    answer.size += piece.size();
  };
  for (size_t i = 0; i < count; ++i) {
    add(body.substr(at, splices[i].begin - at));
    add(splices[i].text);
    at = splices[i].end;
  }
  add(body.substr(at));
  answer.pieces = pieces_;
  return answer;
}

}  // namespace wye::protocol
