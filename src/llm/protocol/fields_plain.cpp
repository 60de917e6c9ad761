// The tables of completions and embeddings. Source: OpenAI API reference, "Create completion", "Create embeddings".
#include "llm/protocol/shapes.hpp"

namespace wye::protocol {
namespace {
using namespace shapes;  // the vocabulary of the tables

// A prompt or input: a string, strings, tokens, or lists of tokens; the first element decides nothing, each is checked.
constexpr Shape kToken = integers(0, 2'147'483'647);
constexpr Shape kPromptItem{.kinds = kStringBit | kIntegerBit | kArrayBit, .min = 0, .max = 2'147'483'647, .element = &kToken};
constexpr Shape kPrompt{.kinds = kStringBit | kArrayBit, .items_min = 1, .element = &kPromptItem};
constexpr Shape kBestOf = integers(0, 20);
constexpr Shape kLogprobsCount{.kinds = kIntegerBit, .min = 0, .max = 5, .check = Check::kAnyLogprobs};
constexpr Shape kCompletionCap = integers(0, static_cast<double>(kOutputTokensMax));

constexpr FieldTable kCompletionsTable({
    Field{"model", kControl, &kModel, Slot::kModel},
    Field{"prompt", kContent, &kPrompt, Slot::kContent, true},
    Field{"suffix", kContent, &kString},
    Field{"max_tokens", kControl, &kCompletionCap, Slot::kMaxTokens},
    Field{"best_of", kControl, &kBestOf, Slot::kBestOf},
    Field{"n", kControl, &kChoices, Slot::kN},
    Field{"echo", kControl, &kBoolean, Slot::kEcho},
    Field{"stream", kControl, &kBoolean, Slot::kStream},
    Field{"stream_options", kControl, &kStreamOptions, Slot::kStreamOptions},
    Field{"user", kControl, &kUser, Slot::kUser},
    Field{"temperature", kSampling, &kTemperature},
    Field{"top_p", kSampling, &kTopP},
    Field{"frequency_penalty", kSampling, &kPenalty},
    Field{"presence_penalty", kSampling, &kPenalty},
    Field{"logit_bias", kSampling, &kLogitBias},
    Field{"logprobs", kSampling, &kLogprobsCount},
    Field{"seed", kSampling, &kInteger},
    Field{"stop", kSampling, &kStop},
});
constexpr Object kCompletions = kCompletionsTable.object();

constexpr Shape kInputItem{
    .kinds = kStringBit | kIntegerBit | kArrayBit, .min = 0, .max = 2'147'483'647, .size_min = 1, .items_min = 1, .element = &kToken};
constexpr Shape kInput{.kinds = kStringBit | kArrayBit, .size_min = 1, .items_min = 1, .element = &kInputItem};
constexpr std::array<std::string_view, 2> kEncodingWords = {"float", "base64"};
constexpr Shape kEncoding = words(kEncodingWords);
constexpr Shape kDimensions = integers(1, 1 << 20);

constexpr FieldTable kEmbeddingsTable({
    Field{"model", kControl, &kModel, Slot::kModel},
    Field{"input", kContent, &kInput, Slot::kContent, true},
    Field{"encoding_format", kControl, &kEncoding, Slot::kEncodingFormat},
    Field{"dimensions", kControl, &kDimensions, Slot::kDimensions},
    Field{"user", kControl, &kUser, Slot::kUser},
});
constexpr Object kEmbeddings = kEmbeddingsTable.object();

}  // namespace

const Object& completions_object() { return kCompletions; }
const Object& embeddings_object() { return kEmbeddings; }

}  // namespace wye::protocol
