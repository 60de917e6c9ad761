// The tables of responses. Source: OpenAI API reference, "Create a model response"; openai-python `types/responses`.
#include "llm/protocol/shapes.hpp"

namespace wye::protocol {
namespace {
using namespace shapes;  // the vocabulary of the tables

constexpr std::array<std::string_view, 5> kStatusWords = {"in_progress", "completed", "incomplete", "failed", "calling"};
constexpr Shape kStatus = words(kStatusWords);
constexpr std::array<std::string_view, 2> kPhaseWords = {"commentary", "final_answer"};
constexpr Shape kPhase = words(kPhaseWords);

// Parts.
constexpr Shape kImageUrl{.kinds = kStringBit, .check = Check::kImageUrl};
constexpr Shape kFileUrl{.kinds = kStringBit, .check = Check::kUrl};
constexpr FieldTable kTextTable({Field{"type", kControl, &kString}, Field{"text", kContent, &kString, Slot::kNone, true},
                                 Field{"annotations", kContent, &kFreeArray}, Field{"logprobs", kContent, &kFreeArray},
                                 Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kText = kTextTable.object();
constexpr FieldTable kRefusalTable({Field{"type", kControl, &kString}, Field{"refusal", kContent, &kString, Slot::kNone, true}});
constexpr Object kRefusal = kRefusalTable.object();
constexpr FieldTable kImageTable({Field{"type", kControl, &kString}, Field{"image_url", kPointer, &kImageUrl}, Field{"file_id", kPointer, &kStoredId},
                                  Field{"detail", kControl, &kDetail}, Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kImage = kImageTable.object();
constexpr FieldTable kFileTable({Field{"type", kControl, &kString}, Field{"filename", kContent, &kString}, Field{"file_data", kContent, &kString},
                                 Field{"file_id", kPointer, &kStoredId}, Field{"file_url", kPointer, &kFileUrl}, Field{"detail", kControl, &kDetail},
                                 Field{"prompt_cache_breakpoint", kControl, &kFreeObject}});
constexpr Object kFile = kFileTable.object();
constexpr FieldTable kAudioTable({Field{"type", kControl, &kString}, Field{"input_audio", kContent, &kFreeObject, Slot::kNone, true}});
constexpr Object kAudio = kAudioTable.object();
constexpr std::array kPartVariants = {Variant{"input_text", &kText},
                                      Variant{"output_text", &kText},
                                      Variant{"text", &kText},
                                      Variant{"refusal", &kRefusal},
                                      Variant{"input_image", &kImage, {}, Feature::kVision},
                                      Variant{"input_file", &kFile},
                                      Variant{"input_audio", &kAudio, {}, Feature::kAudio}};
constexpr Variants kParts{.key = "type", .list = kPartVariants};
constexpr Shape kPart = variant_of(kParts);
constexpr Shape kPartsOrText{.kinds = kStringBit | kArrayBit, .element = &kPart};
constexpr Shape kToolOutput{.kinds = kStringBit | kArrayBit, .element = &kPart, .check = Check::kToolResult};

// Tools. Those that the provider runs itself pass only where the Route lists them; their URLs are pointers all the same.
constexpr FieldTable kFunctionTable({
    Field{"type", kControl, &kString},
    Field{"name", kControl, &kName, Slot::kNone, true},
    Field{"description", kContent, &kString},
    Field{"parameters", kContent, &kFreeObject},
    Field{"strict", kControl, &kBoolean},
    Field{"defer_loading", kControl, &kBoolean},
    Field{"output_schema", kContent, &kFreeObject},
    Field{"allowed_callers", kControl, &kStringArray},
});
constexpr Object kFunction = kFunctionTable.object();
constexpr FieldTable kCustomTable({Field{"type", kControl, &kString}, Field{"name", kControl, &kName, Slot::kNone, true},
                                   Field{"description", kContent, &kString}, Field{"format", kContent, &kFreeObject},
                                   Field{"defer_loading", kControl, &kBoolean}, Field{"allowed_callers", kControl, &kStringArray}});
constexpr Object kCustom = kCustomTable.object();
constexpr FieldTable kHostedTable({Field{"type", kControl, &kString}, Field{"server_url", kPointer, &kFileUrl}});
constexpr Object kHosted = kHostedTable.object(Check::kNone, true);
constexpr std::array kToolVariants = {
    Variant{"function", &kFunction},
    Variant{"custom", &kCustom},
    Variant{"mcp", &kHosted, "mcp"},
    Variant{"web_search", &kHosted, "web_search"},
    Variant{"web_search_2025_08_26", &kHosted, "web_search"},
    Variant{"web_search_preview", &kHosted, "web_search_preview"},
    Variant{"web_search_preview_2025_03_11", &kHosted, "web_search_preview"},
    Variant{"file_search", &kHosted, "file_search"},
    Variant{"code_interpreter", &kHosted, "code_interpreter"},
    Variant{"computer", &kHosted, "computer"},
    Variant{"computer_use_preview", &kHosted, "computer_use_preview"},
    Variant{"image_generation", &kHosted, "image_generation"},
    Variant{"shell", &kHosted, "shell"},
    Variant{"local_shell", &kHosted, "local_shell"},
    Variant{"apply_patch", &kHosted, "apply_patch"},
    Variant{"tool_search", &kHosted, "tool_search"},
    Variant{"namespace", &kHosted, "namespace"},
    Variant{"programmatic_tool_calling", &kHosted, "programmatic_tool_calling"},
};
constexpr Variants kTools{.key = "type", .list = kToolVariants};
constexpr Shape kTool = variant_of(kTools);
constexpr Shape kToolArray{.kinds = kArrayBit, .items_max = kToolsMax, .element = &kTool, .check = Check::kTools};

// Items of the input.
constexpr std::array<std::string_view, 4> kRoleWords = {"user", "assistant", "system", "developer"};
constexpr Shape kRole = words(kRoleWords);
constexpr FieldTable kMessageTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString},
                                    Field{"role", kControl, &kRole, Slot::kNone, true}, Field{"content", kContent, &kPartsOrText, Slot::kNone, true},
                                    Field{"status", kControl, &kStatus}, Field{"phase", kControl, &kPhase}});
constexpr Object kMessage = kMessageTable.object();
constexpr FieldTable kCallTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString},
                                 Field{"call_id", kControl, &kString, Slot::kNone, true}, Field{"name", kControl, &kString, Slot::kNone, true},
                                 Field{"arguments", kContent, &kString, Slot::kNone, true}, Field{"status", kControl, &kStatus},
                                 Field{"namespace", kControl, &kString}, Field{"caller", kControl, &kFreeObject}});
constexpr Object kCall = kCallTable.object();
constexpr FieldTable kOutputTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString},
                                   Field{"call_id", kControl, &kString, Slot::kNone, true},
                                   Field{"output", kToolResult, &kToolOutput, Slot::kNone, true}, Field{"status", kControl, &kStatus},
                                   Field{"name", kControl, &kString}, Field{"namespace", kControl, &kString},
                                   Field{"caller", kControl, &kFreeObject}});
constexpr Object kOutput = kOutputTable.object();
constexpr FieldTable kCustomCallTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString},
                                       Field{"call_id", kControl, &kString, Slot::kNone, true}, Field{"name", kControl, &kString, Slot::kNone, true},
                                       Field{"input", kContent, &kString, Slot::kNone, true}, Field{"status", kControl, &kStatus},
                                       Field{"namespace", kControl, &kString}, Field{"caller", kControl, &kFreeObject}});
constexpr Object kCustomCall = kCustomCallTable.object();
constexpr FieldTable kReasoningTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString}, Field{"summary", kContent, &kFreeArray},
                                      Field{"content", kContent, &kFreeArray}, Field{"encrypted_content", kContent, &kString},
                                      Field{"status", kControl, &kStatus}});
constexpr Object kReasoning = kReasoningTable.object();
constexpr FieldTable kReferenceTable({Field{"type", kControl, &kString}, Field{"id", kPointer, &kStoredId, Slot::kNone, true}});
constexpr Object kReference = kReferenceTable.object();
constexpr FieldTable kCompactionTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString},
                                       Field{"encrypted_content", kContent, &kString}});
constexpr Object kCompaction = kCompactionTable.object();
constexpr FieldTable kMoreToolsTable({Field{"type", kControl, &kString}, Field{"id", kControl, &kString}, Field{"role", kControl, &kRole},
                                      Field{"tools", kContent, &kToolArray, Slot::kNone, true}});
constexpr Object kMoreTools = kMoreToolsTable.object();
constexpr std::array kItemVariants = {
    Variant{"message", &kMessage},
    Variant{"function_call", &kCall},
    Variant{"function_call_output", &kOutput},
    Variant{"custom_tool_call", &kCustomCall},
    Variant{"custom_tool_call_output", &kOutput},
    Variant{"reasoning", &kReasoning},
    Variant{"item_reference", &kReference},
    Variant{"compaction", &kCompaction},
    Variant{"compaction_summary", &kCompaction},
    Variant{"compaction_trigger", &kCompaction},
    Variant{"additional_tools", &kMoreTools},
    Variant{"web_search_call", &kHosted, "web_search"},
    Variant{"file_search_call", &kHosted, "file_search"},
    Variant{"code_interpreter_call", &kHosted, "code_interpreter"},
    Variant{"computer_call", &kHosted, "computer"},
    Variant{"computer_call_output", &kHosted, "computer"},
    Variant{"image_generation_call", &kHosted, "image_generation"},
    Variant{"shell_call", &kHosted, "shell"},
    Variant{"shell_call_output", &kHosted, "shell"},
    Variant{"local_shell_call", &kHosted, "local_shell"},
    Variant{"local_shell_call_output", &kHosted, "local_shell"},
    Variant{"apply_patch_call", &kHosted, "apply_patch"},
    Variant{"apply_patch_call_output", &kHosted, "apply_patch"},
    Variant{"tool_search_call", &kHosted, "tool_search"},
    Variant{"tool_search_output", &kHosted, "tool_search"},
    Variant{"mcp_list_tools", &kHosted, "mcp"},
    Variant{"mcp_approval_request", &kHosted, "mcp"},
    Variant{"mcp_approval_response", &kHosted, "mcp"},
    Variant{"mcp_call", &kHosted, "mcp"},
    Variant{"program", &kHosted, "programmatic_tool_calling"},
    Variant{"program_output", &kHosted, "programmatic_tool_calling"},
};
constexpr Variants kItems{.key = "type", .list = kItemVariants, .absent = "item_reference", .absent_with_role = "message"};
constexpr Shape kItem = variant_of(kItems);
constexpr Shape kInput{.kinds = kStringBit | kArrayBit, .items_max = kMessagesMax, .element = &kItem};

// What chooses among tools.
constexpr std::array<std::string_view, 2> kAllowedModeWords = {"auto", "required"};
constexpr Shape kAllowedMode = words(kAllowedModeWords);
constexpr FieldTable kChooseNamedTable({Field{"type", kControl, &kString}, Field{"name", kControl, &kName, Slot::kNone, true}});
constexpr Object kChooseNamed = kChooseNamedTable.object();
constexpr FieldTable kAllowedTable({Field{"type", kControl, &kString}, Field{"mode", kControl, &kAllowedMode, Slot::kNone, true},
                                    Field{"tools", kControl, &kFreeArray, Slot::kNone, true}});
constexpr Object kAllowed = kAllowedTable.object();
constexpr std::array kChoiceVariants = {
    Variant{"function", &kChooseNamed},
    Variant{"custom", &kChooseNamed},
    Variant{"allowed_tools", &kAllowed},
    Variant{"mcp", &kHosted, "mcp"},
    Variant{"web_search_preview", &kHosted, "web_search_preview"},
    Variant{"web_search_preview_2025_03_11", &kHosted, "web_search_preview"},
    Variant{"file_search", &kHosted, "file_search"},
    Variant{"code_interpreter", &kHosted, "code_interpreter"},
    Variant{"computer", &kHosted, "computer"},
    Variant{"computer_use", &kHosted, "computer"},
    Variant{"computer_use_preview", &kHosted, "computer_use_preview"},
    Variant{"image_generation", &kHosted, "image_generation"},
    Variant{"shell", &kHosted, "shell"},
    Variant{"apply_patch", &kHosted, "apply_patch"},
    Variant{"programmatic_tool_calling", &kHosted, "programmatic_tool_calling"},
};
constexpr Variants kChoices{.key = "type", .list = kChoiceVariants};
constexpr std::array<std::string_view, 3> kChoiceWords = {"none", "auto", "required"};
constexpr Shape kToolChoice{.kinds = kStringBit | kObjectBit, .words = kChoiceWords, .variants = &kChoices};

// Forms of the answer.
constexpr FieldTable kPlainFormatTable({Field{"type", kControl, &kString}});
constexpr Object kPlainFormat = kPlainFormatTable.object();
constexpr FieldTable kSchemaFormatTable({Field{"type", kControl, &kString}, Field{"name", kControl, &kName, Slot::kNone, true},
                                         Field{"schema", kContent, &kFreeObject, Slot::kNone, true}, Field{"strict", kControl, &kBoolean},
                                         Field{"description", kContent, &kString}});
constexpr Object kSchemaFormat = kSchemaFormatTable.object();
constexpr std::array kFormatVariants = {Variant{"text", &kPlainFormat}, Variant{"json_object", &kPlainFormat, {}, Feature::kJsonSchema},
                                        Variant{"json_schema", &kSchemaFormat, {}, Feature::kJsonSchema}};
constexpr Variants kFormats{.key = "type", .list = kFormatVariants};
constexpr Shape kFormat = variant_of(kFormats);
constexpr FieldTable kTextFieldTable({Field{"format", kControl, &kFormat}, Field{"verbosity", kSampling, &kVerbosity}});
constexpr Object kTextFieldObject = kTextFieldTable.object();
constexpr Shape kTextField = object_of(kTextFieldObject);

constexpr std::array<std::string_view, 3> kSummaryWords = {"auto", "concise", "detailed"};
constexpr Shape kSummary = words(kSummaryWords);
constexpr FieldTable kReasoningFieldTable({Field{"effort", kSampling, &kEffort}, Field{"summary", kControl, &kSummary},
                                           Field{"generate_summary", kControl, &kSummary}, Field{"context", kControl, &kString},
                                           Field{"mode", kControl, &kString}});
constexpr Object kReasoningFieldObject = kReasoningFieldTable.object();
constexpr Shape kReasoningField = object_of(kReasoningFieldObject);

constexpr std::array<std::string_view, 2> kTruncationWords = {"auto", "disabled"};
constexpr Shape kTruncation = words(kTruncationWords);
constexpr Shape kOutputCap = integers(16, static_cast<double>(kOutputTokensMax));
constexpr Shape kTopLogprobs{.kinds = kIntegerBit, .min = 0, .max = 20};
constexpr Shape kToolCalls = integers(1, 1'000'000);
constexpr Shape kBackground{.kinds = kBooleanBit, .check = Check::kTrueIsStored};
constexpr FieldTable kEventOptionsTable({Field{"include_obfuscation", kControl, &kBoolean}});
constexpr Object kEventOptionsObject = kEventOptionsTable.object();
constexpr Shape kEventOptions = object_of(kEventOptionsObject);

constexpr FieldTable kResponsesTable({
    Field{"model", kControl, &kModel, Slot::kModel},
    Field{"input", kContent, &kInput, Slot::kContent, true},
    Field{"instructions", kContent, &kString},
    Field{"previous_response_id", kPointer, &kStoredId},
    Field{"conversation", kPointer, &kStored},
    Field{"prompt", kPointer, &kStored},
    Field{"background", kControl, &kBackground, Slot::kBackground},
    Field{"background_options", kControl, &kStored},
    Field{"store", kControl, &kBoolean, Slot::kStore},
    Field{"stream", kControl, &kBoolean, Slot::kStream},
    Field{"stream_options", kControl, &kEventOptions, Slot::kStreamOptions},
    Field{"max_output_tokens", kControl, &kOutputCap, Slot::kMaxOutputTokens},
    Field{"max_tool_calls", kControl, &kToolCalls},
    Field{"parallel_tool_calls", kControl, &kBoolean},
    Field{"tools", kContent, &kToolArray, Slot::kTools},
    Field{"tool_choice", kControl, &kToolChoice},
    Field{"service_tier", kControl, &kTier},
    Field{"truncation", kControl, &kTruncation},
    Field{"include", kControl, &kStringArray},
    Field{"metadata", kControl, &kMetadata, Slot::kMetadata},
    Field{"text", kControl, &kTextField},
    Field{"context_management", kControl, &kFreeArray},
    Field{"moderation", kControl, &kModeration},
    Field{"prompt_cache_key", kControl, &kUser, Slot::kCacheKey},
    Field{"prompt_cache_options", kControl, &kCacheOptions},
    Field{"prompt_cache_retention", kControl, &kRetention},
    Field{"user", kControl, &kUser, Slot::kUser},
    Field{"safety_identifier", kControl, &kIdentifier, Slot::kSafetyIdentifier},
    Field{"reasoning", kSampling, &kReasoningField},
    Field{"temperature", kSampling, &kTemperature},
    Field{"top_p", kSampling, &kTopP},
    Field{"top_logprobs", kSampling, &kTopLogprobs},
    Field{"access_programs", kControl, &kFreeObject},
    Field{"image", kControl, &kFreeObject},
});
constexpr Object kResponses = kResponsesTable.object();

}  // namespace

const Object& responses_object() { return kResponses; }

}  // namespace wye::protocol
