// Shapes that several tables share. Private to this room. Threads: constant data.
#pragma once

#include "llm/protocol/schema.hpp"

namespace wye::protocol::shapes {

inline constexpr FieldClass kControl = FieldClass::kControl;
inline constexpr FieldClass kPointer = FieldClass::kPointer;
inline constexpr FieldClass kSampling = FieldClass::kSampling;
inline constexpr FieldClass kContent = FieldClass::kContent;
inline constexpr FieldClass kToolResult = FieldClass::kToolResult;

constexpr Shape words(std::span<const std::string_view> list) { return Shape{.kinds = kStringBit, .words = list}; }
constexpr Shape integers(double min, double max) { return Shape{.kinds = kIntegerBit, .min = min, .max = max}; }
constexpr Shape numbers(double min, double max) { return Shape{.kinds = kNumberBit, .min = min, .max = max}; }
constexpr Shape strings(uint32_t size_min, uint32_t size_max) { return Shape{.kinds = kStringBit, .size_min = size_min, .size_max = size_max}; }
constexpr Shape object_of(const Object& object) { return Shape{.kinds = kObjectBit, .object = &object}; }
constexpr Shape variant_of(const Variants& variants) { return Shape{.kinds = kObjectBit, .variants = &variants}; }
constexpr Shape array_of(const Shape& element, uint32_t items_min = 0, uint32_t items_max = 0) {
  return Shape{.kinds = kArrayBit, .items_min = items_min, .items_max = items_max, .element = &element};
}

inline constexpr Shape kAny{};
inline constexpr Shape kBoolean{.kinds = kBooleanBit};
inline constexpr Shape kString{.kinds = kStringBit};
inline constexpr Shape kInteger{.kinds = kIntegerBit};
inline constexpr Shape kNumber{.kinds = kNumberBit};
inline constexpr Shape kFreeObject{.kinds = kObjectBit};
inline constexpr Shape kFreeArray{.kinds = kArrayBit};
inline constexpr Shape kStringArray = array_of(kString);
inline constexpr Shape kName{.kinds = kStringBit, .size_min = 1, .size_max = 64, .name = true};
inline constexpr Shape kModel = strings(1, 256);
inline constexpr Shape kTokenCap = integers(1, static_cast<double>(kOutputTokensMax));
inline constexpr Shape kStoredId{.kinds = kStringBit, .check = Check::kStoredId};
inline constexpr Shape kStored{.check = Check::kStoredId};
inline constexpr Shape kRefused{.check = Check::kRefused};
inline constexpr Shape kIdentifier = strings(0, 64);
inline constexpr Shape kUser = strings(0, 1024);

inline constexpr Shape kTemperature = numbers(0, 2);
inline constexpr Shape kTopP = numbers(0, 1);
inline constexpr Shape kPenalty = numbers(-2, 2);
inline constexpr Shape kChoices = integers(1, 128);
inline constexpr Shape kBias = numbers(-100, 100);
inline constexpr Shape kLogitBias{.kinds = kObjectBit, .element = &kBias, .check = Check::kDigitKeys};
inline constexpr Shape kStop{.kinds = kStringBit | kArrayBit, .items_max = 4, .element = &kString};

inline constexpr Shape kMetadataValue = strings(0, 512);
inline constexpr Shape kMetadata{.kinds = kObjectBit, .size_max = 16, .element = &kMetadataValue, .key_size_max = 64};

inline constexpr std::array<std::string_view, 6> kTierWords = {"auto", "default", "flex", "scale", "priority", "fast"};
inline constexpr Shape kTier = words(kTierWords);
inline constexpr std::array<std::string_view, 7> kEffortWords = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};
inline constexpr Shape kEffort = words(kEffortWords);
inline constexpr std::array<std::string_view, 3> kVerbosityWords = {"low", "medium", "high"};
inline constexpr Shape kVerbosity = words(kVerbosityWords);
inline constexpr std::array<std::string_view, 2> kRetentionWords = {"in_memory", "24h"};
inline constexpr Shape kRetention = words(kRetentionWords);
inline constexpr std::array<std::string_view, 5> kDetailWords = {"auto", "low", "high", "original", "standard"};
inline constexpr Shape kDetail = words(kDetailWords);

inline constexpr std::array<std::string_view, 2> kCacheModeWords = {"implicit", "explicit"};
inline constexpr Shape kCacheMode = words(kCacheModeWords);
inline constexpr FieldTable kCacheOptionsTable({
    Field{"ttl", kControl, &kString},
    Field{"mode", kControl, &kCacheMode},
    Field{"prewarm", kControl, &kBoolean},
    Field{"comparison_response_id", kPointer, &kStoredId},
});
inline constexpr Object kCacheOptionsObject = kCacheOptionsTable.object();
inline constexpr Shape kCacheOptions = object_of(kCacheOptionsObject);

inline constexpr FieldTable kModerationTable({
    Field{"model", kControl, &kModel, Slot::kNone, true},
    Field{"policy", kControl, &kFreeObject},
});
inline constexpr Object kModerationObject = kModerationTable.object();
inline constexpr Shape kModeration = object_of(kModerationObject);

inline constexpr FieldTable kStreamOptionsTable({
    Field{"include_usage", kControl, &kBoolean, Slot::kIncludeUsage},
    Field{"include_obfuscation", kControl, &kBoolean},
});
inline constexpr Object kStreamOptionsObject = kStreamOptionsTable.object();
inline constexpr Shape kStreamOptions = object_of(kStreamOptionsObject);

/// `{"name": …}`, and tools and choices made of it.
inline constexpr FieldTable kNamedTable({Field{"name", kControl, &kName, Slot::kNone, true}});
inline constexpr Object kNamedObject = kNamedTable.object();
inline constexpr Shape kNamed = object_of(kNamedObject);

}  // namespace wye::protocol::shapes
