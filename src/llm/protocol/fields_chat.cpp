// The tables of chat: what each field may be. Source: OpenAI API reference, "Create chat completion".
#include "llm/protocol/shapes.hpp"

namespace wye::protocol {
namespace {
using namespace shapes;  // the vocabulary of the tables

// Parts of messages.
constexpr Shape kUrl{.kinds = kStringBit, .check = Check::kImageUrl};
constexpr FieldTable kImageTable({Field{"url", kPointer, &kUrl, Slot::kNone, true}, Field{"detail", kControl, &kDetail}});
constexpr Object kImageObject = kImageTable.object();
constexpr Shape kImage = object_of(kImageObject);
constexpr std::array<std::string_view, 2> kAudioInWords = {"wav", "mp3"};
constexpr Shape kAudioInFormat = words(kAudioInWords);
constexpr FieldTable kAudioInTable({Field{"data", kContent, &kString, Slot::kNone, true},
                                    Field{"format", kControl, &kAudioInFormat, Slot::kNone, true}});
constexpr Object kAudioInObject = kAudioInTable.object();
constexpr Shape kAudioIn = object_of(kAudioInObject);
constexpr FieldTable kFileTable({Field{"filename", kContent, &kString}, Field{"file_data", kContent, &kString},
                                 Field{"file_id", kPointer, &kStoredId}});
constexpr Object kFileObject = kFileTable.object();
constexpr Shape kFile = object_of(kFileObject);

constexpr FieldTable kTextPartTable({Field{"type", kControl, &kString}, Field{"text", kContent, &kString, Slot::kNone, true},
                                     Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kTextPart = kTextPartTable.object();
constexpr FieldTable kRefusalPartTable({Field{"type", kControl, &kString}, Field{"refusal", kContent, &kString, Slot::kNone, true},
                                        Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kRefusalPart = kRefusalPartTable.object();
constexpr FieldTable kImagePartTable({Field{"type", kControl, &kString}, Field{"image_url", kPointer, &kImage, Slot::kNone, true},
                                      Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kImagePart = kImagePartTable.object();
constexpr FieldTable kAudioPartTable({Field{"type", kControl, &kString}, Field{"input_audio", kContent, &kAudioIn, Slot::kNone, true},
                                      Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kAudioPart = kAudioPartTable.object();
constexpr FieldTable kFilePartTable({Field{"type", kControl, &kString}, Field{"file", kContent, &kFile, Slot::kNone, true},
                                     Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kFilePart = kFilePartTable.object();

constexpr std::array kTextVariants = {Variant{"text", &kTextPart}};
constexpr std::array kAssistantVariants = {Variant{"text", &kTextPart}, Variant{"refusal", &kRefusalPart}};
constexpr std::array kUserVariants = {Variant{"text", &kTextPart}, Variant{"image_url", &kImagePart, {}, Feature::kVision},
                                      Variant{"input_audio", &kAudioPart, {}, Feature::kAudio}, Variant{"file", &kFilePart}};
constexpr Variants kTextParts{.key = "type", .list = kTextVariants};
constexpr Variants kAssistantParts{.key = "type", .list = kAssistantVariants};
constexpr Variants kUserParts{.key = "type", .list = kUserVariants};
constexpr Shape kTextPartShape = variant_of(kTextParts);
constexpr Shape kAssistantPartShape = variant_of(kAssistantParts);
constexpr Shape kUserPartShape = variant_of(kUserParts);
constexpr Shape kTextContent{.kinds = kStringBit | kArrayBit, .element = &kTextPartShape};
constexpr Shape kToolContent{.kinds = kStringBit | kArrayBit, .element = &kTextPartShape, .check = Check::kToolResult};
constexpr Shape kAssistantContent{.kinds = kStringBit | kArrayBit, .element = &kAssistantPartShape};
constexpr Shape kUserContent{.kinds = kStringBit | kArrayBit, .element = &kUserPartShape};

// Calls of tools.
constexpr FieldTable kCalledTable({Field{"name", kControl, &kString, Slot::kNone, true}, Field{"arguments", kContent, &kString, Slot::kNone, true}});
constexpr Object kCalledObject = kCalledTable.object();
constexpr Shape kCalled = object_of(kCalledObject);
constexpr FieldTable kCustomCalledTable({Field{"name", kControl, &kString, Slot::kNone, true},
                                         Field{"input", kContent, &kString, Slot::kNone, true}});
constexpr Object kCustomCalledObject = kCustomCalledTable.object();
constexpr Shape kCustomCalled = object_of(kCustomCalledObject);
constexpr FieldTable kFunctionCallTable({Field{"id", kControl, &kString, Slot::kNone, true}, Field{"type", kControl, &kString},
                                         Field{"function", kContent, &kCalled, Slot::kNone, true}, Field{"index", kControl, &kInteger}});
constexpr Object kFunctionCall = kFunctionCallTable.object();
constexpr FieldTable kCustomCallTable({Field{"id", kControl, &kString, Slot::kNone, true}, Field{"type", kControl, &kString},
                                       Field{"custom", kContent, &kCustomCalled, Slot::kNone, true}, Field{"index", kControl, &kInteger}});
constexpr Object kCustomCall = kCustomCallTable.object();
constexpr std::array kCallVariants = {Variant{"function", &kFunctionCall}, Variant{"custom", &kCustomCall}};
constexpr Variants kCalls{.key = "type", .list = kCallVariants};
constexpr Shape kCall = variant_of(kCalls);
constexpr Shape kCallArray = array_of(kCall, 0, kToolsMax);

// Messages.
constexpr FieldTable kAudioRefTable({Field{"id", kPointer, &kStoredId, Slot::kNone, true}});
constexpr Object kAudioRefObject = kAudioRefTable.object();
constexpr Shape kAudioRef = object_of(kAudioRefObject);
constexpr FieldTable kSystemTable({Field{"role", kControl, &kString}, Field{"content", kContent, &kTextContent, Slot::kNone, true},
                                   Field{"name", kContent, &kString}});
constexpr Object kSystem = kSystemTable.object();
constexpr FieldTable kUserTable({Field{"role", kControl, &kString}, Field{"content", kContent, &kUserContent, Slot::kNone, true},
                                 Field{"name", kContent, &kString}});
constexpr Object kUserMessage = kUserTable.object();
constexpr FieldTable kAssistantTable({
    Field{"role", kControl, &kString},
    Field{"content", kContent, &kAssistantContent},
    Field{"name", kContent, &kString},
    Field{"refusal", kContent, &kString},
    Field{"tool_calls", kContent, &kCallArray},
    Field{"audio", kPointer, &kAudioRef},
    Field{"function_call", kContent, &kCalled},
});
constexpr Object kAssistant = kAssistantTable.object(Check::kAssistant);
constexpr FieldTable kToolTable({Field{"role", kControl, &kString}, Field{"content", kToolResult, &kToolContent, Slot::kNone, true},
                                 Field{"tool_call_id", kControl, &kString, Slot::kNone, true}});
constexpr Object kToolMessage = kToolTable.object();
constexpr FieldTable kFunctionTable({Field{"role", kControl, &kString}, Field{"content", kToolResult, &kToolContent},
                                     Field{"name", kControl, &kString, Slot::kNone, true}});
constexpr Object kFunctionMessage = kFunctionTable.object();
constexpr std::array kRoleVariants = {Variant{"user", &kUserMessage}, Variant{"assistant", &kAssistant}, Variant{"system", &kSystem},
                                      Variant{"developer", &kSystem}, Variant{"tool", &kToolMessage},    Variant{"function", &kFunctionMessage}};
constexpr Variants kMessages{.key = "role", .list = kRoleVariants};
constexpr Shape kMessage = variant_of(kMessages);
constexpr Shape kMessageArray = array_of(kMessage, 1, kMessagesMax);

// Tools and what chooses among them.
constexpr FieldTable kFunctionDefTable({Field{"name", kControl, &kName, Slot::kNone, true}, Field{"description", kContent, &kString},
                                        Field{"parameters", kContent, &kFreeObject}, Field{"strict", kControl, &kBoolean}});
constexpr Object kFunctionDefObject = kFunctionDefTable.object();
constexpr Shape kFunctionDef = object_of(kFunctionDefObject);
constexpr FieldTable kCustomDefTable({Field{"name", kControl, &kName, Slot::kNone, true}, Field{"description", kContent, &kString},
                                      Field{"format", kContent, &kFreeObject}});
constexpr Object kCustomDefObject = kCustomDefTable.object();
constexpr Shape kCustomDef = object_of(kCustomDefObject);
constexpr FieldTable kFunctionToolTable({Field{"type", kControl, &kString}, Field{"function", kContent, &kFunctionDef, Slot::kNone, true}});
constexpr Object kFunctionTool = kFunctionToolTable.object();
constexpr FieldTable kCustomToolTable({Field{"type", kControl, &kString}, Field{"custom", kContent, &kCustomDef, Slot::kNone, true}});
constexpr Object kCustomTool = kCustomToolTable.object();
constexpr std::array kToolVariants = {Variant{"function", &kFunctionTool}, Variant{"custom", &kCustomTool}};
constexpr Variants kTools{.key = "type", .list = kToolVariants};
constexpr Shape kTool = variant_of(kTools);
constexpr Shape kToolArray{.kinds = kArrayBit, .items_max = kToolsMax, .element = &kTool, .check = Check::kTools};
constexpr Shape kFunctionArray{.kinds = kArrayBit, .items_max = kToolsMax, .element = &kFunctionDef, .check = Check::kTools};

constexpr FieldTable kChooseFunctionTable({Field{"type", kControl, &kString}, Field{"function", kControl, &kNamed, Slot::kNone, true}});
constexpr Object kChooseFunction = kChooseFunctionTable.object();
constexpr FieldTable kChooseCustomTable({Field{"type", kControl, &kString}, Field{"custom", kControl, &kNamed, Slot::kNone, true}});
constexpr Object kChooseCustom = kChooseCustomTable.object();
constexpr std::array<std::string_view, 2> kAllowedModeWords = {"auto", "required"};
constexpr Shape kAllowedMode = words(kAllowedModeWords);
constexpr FieldTable kAllowedTable({Field{"mode", kControl, &kAllowedMode, Slot::kNone, true},
                                    Field{"tools", kControl, &kFreeArray, Slot::kNone, true}});
constexpr Object kAllowedObject = kAllowedTable.object();
constexpr Shape kAllowed = object_of(kAllowedObject);
constexpr FieldTable kChooseAllowedTable({Field{"type", kControl, &kString}, Field{"allowed_tools", kControl, &kAllowed, Slot::kNone, true}});
constexpr Object kChooseAllowed = kChooseAllowedTable.object();
constexpr std::array kChoiceVariants = {Variant{"function", &kChooseFunction}, Variant{"custom", &kChooseCustom},
                                        Variant{"allowed_tools", &kChooseAllowed}};
constexpr Variants kToolChoices{.key = "type", .list = kChoiceVariants};
constexpr std::array<std::string_view, 3> kToolChoiceWords = {"none", "auto", "required"};
constexpr Shape kToolChoice{.kinds = kStringBit | kObjectBit, .words = kToolChoiceWords, .variants = &kToolChoices};
constexpr std::array<std::string_view, 2> kFunctionChoiceWords = {"none", "auto"};
constexpr Shape kFunctionChoice{.kinds = kStringBit | kObjectBit, .words = kFunctionChoiceWords, .object = &kNamedObject};

// Forms of the answer.
constexpr FieldTable kSchemaTable({Field{"name", kControl, &kName, Slot::kNone, true}, Field{"schema", kContent, &kFreeObject},
                                   Field{"strict", kControl, &kBoolean}, Field{"description", kContent, &kString}});
constexpr Object kSchemaObject = kSchemaTable.object();
constexpr Shape kSchema = object_of(kSchemaObject);
constexpr FieldTable kTextFormatTable({Field{"type", kControl, &kString}});
constexpr Object kTextFormat = kTextFormatTable.object();
constexpr FieldTable kSchemaFormatTable({Field{"type", kControl, &kString}, Field{"json_schema", kContent, &kSchema, Slot::kNone, true}});
constexpr Object kSchemaFormat = kSchemaFormatTable.object();
constexpr std::array kFormatVariants = {Variant{"text", &kTextFormat}, Variant{"json_object", &kTextFormat, {}, Feature::kJsonSchema},
                                        Variant{"json_schema", &kSchemaFormat, {}, Feature::kJsonSchema}};
constexpr Variants kFormats{.key = "type", .list = kFormatVariants};
constexpr Shape kResponseFormat = variant_of(kFormats);

constexpr std::array<std::string_view, 2> kModalityWords = {"text", "audio"};
constexpr Shape kModality = words(kModalityWords);
constexpr Shape kModalities{.kinds = kArrayBit, .element = &kModality, .check = Check::kModalities};
constexpr std::array<std::string_view, 6> kAudioOutWords = {"wav", "aac", "mp3", "flac", "opus", "pcm16"};
constexpr Shape kAudioOutFormat = words(kAudioOutWords);
constexpr Shape kVoice{.kinds = kStringBit | kObjectBit};
constexpr FieldTable kAudioOutTable({Field{"voice", kControl, &kVoice, Slot::kNone, true},
                                     Field{"format", kControl, &kAudioOutFormat, Slot::kNone, true}});
constexpr Object kAudioOutObject = kAudioOutTable.object();
constexpr Shape kAudioOut{.kinds = kObjectBit, .object = &kAudioOutObject, .check = Check::kAudio};

constexpr std::array<std::string_view, 1> kPredictionWords = {"content"};
constexpr Shape kPredictionType = words(kPredictionWords);
constexpr FieldTable kPredictionTable({Field{"type", kControl, &kPredictionType, Slot::kNone, true},
                                       Field{"content", kContent, &kTextContent, Slot::kNone, true}});
constexpr Object kPredictionObject = kPredictionTable.object();
constexpr Shape kPrediction = object_of(kPredictionObject);

constexpr Shape kWebSearch{.kinds = kObjectBit, .check = Check::kWebSearch};
constexpr Shape kLogprobsFlag{.kinds = kBooleanBit, .check = Check::kTrueLogprobs};
constexpr Shape kTopLogprobs = integers(0, 20);

constexpr FieldTable kChatTable({
    Field{"model", kControl, &kModel, Slot::kModel},
    Field{"messages", kContent, &kMessageArray, Slot::kContent, true},
    Field{"stream", kControl, &kBoolean, Slot::kStream},
    Field{"stream_options", kControl, &kStreamOptions, Slot::kStreamOptions},
    Field{"max_completion_tokens", kControl, &kTokenCap, Slot::kMaxCompletionTokens},
    Field{"max_tokens", kControl, &kTokenCap, Slot::kMaxTokens},
    Field{"n", kControl, &kChoices, Slot::kN},
    Field{"store", kControl, &kBoolean, Slot::kStore},
    Field{"metadata", kControl, &kMetadata, Slot::kMetadata},
    Field{"service_tier", kControl, &kTier},
    Field{"user", kControl, &kUser, Slot::kUser},
    Field{"safety_identifier", kControl, &kIdentifier, Slot::kSafetyIdentifier},
    Field{"prompt_cache_key", kControl, &kUser, Slot::kCacheKey},
    Field{"prompt_cache_options", kControl, &kCacheOptions},
    Field{"prompt_cache_retention", kControl, &kRetention},
    Field{"modalities", kControl, &kModalities},
    Field{"audio", kControl, &kAudioOut},
    Field{"response_format", kControl, &kResponseFormat},
    Field{"tools", kContent, &kToolArray, Slot::kTools},
    Field{"functions", kContent, &kFunctionArray},
    Field{"tool_choice", kControl, &kToolChoice},
    Field{"function_call", kControl, &kFunctionChoice},
    Field{"parallel_tool_calls", kControl, &kBoolean},
    Field{"web_search_options", kPointer, &kWebSearch},
    Field{"moderation", kControl, &kModeration},
    Field{"prediction", kContent, &kPrediction},
    Field{"temperature", kSampling, &kTemperature},
    Field{"top_p", kSampling, &kTopP},
    Field{"frequency_penalty", kSampling, &kPenalty},
    Field{"presence_penalty", kSampling, &kPenalty},
    Field{"logit_bias", kSampling, &kLogitBias},
    Field{"logprobs", kSampling, &kLogprobsFlag, Slot::kLogprobs},
    Field{"top_logprobs", kSampling, &kTopLogprobs, Slot::kTopLogprobs},
    Field{"seed", kSampling, &kInteger},
    Field{"stop", kSampling, &kStop},
    Field{"reasoning_effort", kSampling, &kEffort},
    Field{"verbosity", kSampling, &kVerbosity},
    Field{"data_sources", kPointer, &kRefused},
});
constexpr Object kChat = kChatTable.object();

}  // namespace

const Object& chat_object() { return kChat; }

}  // namespace wye::protocol
