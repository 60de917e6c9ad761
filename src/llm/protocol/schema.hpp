// The little language of the field tables: what a value may be, and what it means to find it. Private to this room.
// Source: OpenAI API reference. Threads: constant data.
#pragma once

#include "llm/protocol/request.hpp"

namespace wye::protocol {

/// How a field is treated by policy. Content is never searched for attacks as control is; a pointer names something elsewhere.
enum class FieldClass : uint8_t { kControl, kPointer, kSampling, kContent, kToolResult };

/// Kinds a value may have, as bits.
enum KindBits : uint8_t { kStringBit = 1, kBooleanBit = 2, kIntegerBit = 4, kNumberBit = 8, kObjectBit = 16, kArrayBit = 32 };

/// A rule that type and range cannot say.
enum class Check : uint8_t {
  kNone,
  kUrl,          // `data:` is content, all else a pointer that policy allows or not
  kImageUrl,     // the same, and it needs vision
  kStoredId,     // refers to something that the provider keeps: ids of providers are never taken from clients
  kRefused,      // never passes: it would choose another store, filter or template
  kWebSearch,    // a hosted tool in the shape of a field
  kTrueIsStored, // `background`: a stored response
  kTools,        // a non-empty array needs tools
  kModalities,
  kAudio,
  kTrueLogprobs,
  kAnyLogprobs,
  kDigitKeys,
  kToolResult,
  kAssistant,    // content may lack only beside what replaces it
};

/// Where a top-level field goes in DecodedRequest.
enum class Slot : uint8_t {
  kNone,
  kModel,
  kContent,
  kTools,
  kStream,
  kStreamOptions,
  kIncludeUsage,
  kMaxTokens,
  kMaxCompletionTokens,
  kMaxOutputTokens,
  kN,
  kBestOf,
  kStore,
  kUser,
  kSafetyIdentifier,
  kCacheKey,
  kMetadata,
  kEncodingFormat,
  kDimensions,
  kLogprobs,
  kTopLogprobs,
  kBackground,
  kEcho,
};

struct Object;
struct Variants;

/// What a value may be. Sizes of strings count code points.
struct Shape {
  uint8_t kinds = 0;  // 0: anything
  double min = 0;
  double max = 0;                                // 0 and 0: no range
  uint32_t size_min = 0;                         // of a string or object
  uint32_t size_max = 0;                         // 0: no bound
  uint32_t items_min = 0;                        // of an array
  uint32_t items_max = 0;                        // 0: no bound
  std::span<const std::string_view> words{};     // what a string may be; empty: any
  const Object* object = nullptr;                // members of an object
  const Variants* variants = nullptr;            // or several kinds of objects
  const Shape* element = nullptr;                // of an array; of an object without `object`: of each member
  Check check = Check::kNone;
  uint32_t key_size_max = 0;                     // of an object: code points of each name
  bool name = false;                             // a string of A-Z a-z 0-9 _ - only
};

struct Field {
  std::string_view name;
  FieldClass field_class = FieldClass::kControl;
  const Shape* shape = nullptr;
  Slot slot = Slot::kNone;
  bool required = false;  // a required field is not null either
};

/// The known members of an object, ordered by length of name so that a look-up compares only a few.
struct Object {
  std::span<const Field> fields;       // sorted by size of name
  std::span<const uint8_t> starts;     // starts[n]: first field with a name of at least n bytes; one more than the longest + 1
  bool open = false;                   // other members are no unknown fields
  Check check = Check::kNone;

  constexpr std::span<const Field> candidates(size_t size) const {
    if (size + 1 >= starts.size()) return {};
    return fields.subspan(starts[size], static_cast<size_t>(starts[size + 1]) - starts[size]);
  }
};

/// Owns what an Object refers to; built at compile time.
template <size_t N>
struct FieldTable {
  static constexpr size_t kNameMax = 40;
  std::array<Field, N> fields{};
  std::array<uint8_t, kNameMax + 2> starts{};

  consteval explicit FieldTable(const Field (&list)[N]) {
    for (size_t i = 0; i < N; ++i) {
      size_t at = i;
      for (; at > 0 && fields[at - 1].name.size() > list[i].name.size(); --at) fields[at] = fields[at - 1];
      fields[at] = list[i];
    }
    for (size_t size = 0; size < starts.size(); ++size) {
      size_t first = 0;
      while (first < N && fields[first].name.size() < size) ++first;
      starts[size] = static_cast<uint8_t>(first);
    }
  }
  constexpr Object object(Check check = Check::kNone, bool open = false) const { return Object{fields, starts, open, check}; }
};

/// One kind of object among several, told apart by a word.
struct Variant {
  std::string_view word;
  const Object* object = nullptr;
  std::string_view hosted{};            // the hosted tool that the Route must list
  std::optional<Feature> needs{};
};
struct Variants {
  std::string_view key;                 // `type` or `role`
  std::span<const Variant> list;
  std::string_view absent{};            // the word where the member lacks; empty: it is required
  std::string_view absent_with_role{};  // the word where the member lacks but there is a `role`
};

/// The tables of the four operations.
const Object& chat_object();
const Object& completions_object();
const Object& embeddings_object();
const Object& responses_object();

}  // namespace wye::protocol
