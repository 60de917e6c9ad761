#include "llm/protocol/walk.hpp"

#include "llm/protocol/complaint.hpp"
#include "llm/protocol/pointer.hpp"

namespace wye::protocol {
namespace {

using json::Value;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

/// Code points of a string; only counted exactly where the bytes could be too many or too few.
size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}
size_t characters_of(Value value) { return value.is_plain_string() ? count_characters(value.string_raw()) : count_characters(value.text()); }

/// Path without what stands in brackets, so that `messages[3].x`, `messages[*].x` and `messages[].x` are one.
void append_without_indexes(std::string_view path, std::string& out) {
  bool inside = false;
  for (const char c : path) {
    if (c == '[') inside = true;
    if (!inside) out.push_back(c);
    if (c == ']') inside = false;
  }
}

uint8_t bit_of(Value value) {
  switch (value.kind()) {
    case json::Kind::kString: return kStringBit;
    case json::Kind::kTrue:
    case json::Kind::kFalse: return kBooleanBit;
    case json::Kind::kNumber: return kIntegerBit | kNumberBit;
    case json::Kind::kObject: return kObjectBit;
    case json::Kind::kArray: return kArrayBit;
    case json::Kind::kNull: return 0;
  }
  return 0;
}

std::string range_text(double min, double max) {
  std::array<char, 64> text{};
  const auto one = std::to_chars(text.data(), text.data() + 24, min);
  std::string out(text.data(), one.ptr);
  const auto two = std::to_chars(text.data(), text.data() + 24, max, std::chars_format::fixed);
  return out + " to " + std::string(text.data(), two.ptr);
}

}  // namespace

Result<void> Walk::object(Value value, const Object& shape) {
  uint64_t found = 0;
  for (const json::Member m : value.members()) CHECK_OK(member(m, shape, found));
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    if (shape.fields[i].required && (found >> i & 1U) == 0) return Fail(missing(document_, value, shape.fields[i].name));
  }
  return shape.check == Check::kAssistant ? assistant(value) : Result<void>{};
}

Result<void> Walk::member(json::Member member, const Object& shape, uint64_t& found) {
  std::string unescaped;
  std::string_view name = member.name_raw();
  if (!member.name_is_plain()) {
    unescaped = member.name();
    name = unescaped;
  }
  for (const Field& field : shape.candidates(name.size())) {
    if (field.name != name) continue;
    const Value v = member.value();
    if (v.is_null() && !field.required) return {};
    found |= uint64_t{1} << (&field - shape.fields.data());
    CHECK_OK(value(v, *field.shape));
    if (field.slot != Slot::kNone) capture(field.slot, v);
    return {};
  }
  return unknown(member, name, shape);
}

Result<void> Walk::unknown(json::Member member, std::string_view name, const Object& shape) {
  for (const Field& field : shape.candidates(name.size())) {
    if (equal_without_case(field.name, name)) return Fail(unknown_member(document_, member.value(), field.name));
  }
  if (shape.open) return {};
  if (policy_.refuse_unknown && !allowed_field(member.value())) return Fail(unknown_member(document_, member.value(), {}));
  out_.has_unknown = true;
  return {};
}

bool Walk::allowed_field(Value value) const {
  std::string path;
  append_without_indexes(document_.path_of(value), path);
  return std::ranges::any_of(policy_.allow_fields, [&path](const std::string& allowed) {
    std::string plain;
    append_without_indexes(allowed, plain);
    return plain == path;
  });
}

Result<void> Walk::value(Value value, const Shape& shape) {
  if (shape.check != Check::kNone) CHECK_OK(check(value, shape.check));
  if (shape.kinds == 0) return {};
  const uint8_t bits = bit_of(value);
  if ((bits & shape.kinds) == 0) return Fail(wrong_type(document_, value, shape.kinds));
  if (bits == kObjectBit) {
    if (shape.variants != nullptr) return variants(value, *shape.variants);
    if (shape.object != nullptr) return object(value, *shape.object);
    return free_object(value, shape);
  }
  if (bits == kArrayBit) return array(value, shape);
  return scalar(value, shape);
}

Result<void> Walk::variants(Value value, const Variants& variants) {
  const std::optional<Value> key = value.find(variants.key);
  std::string_view word = variants.absent;
  if (key && !key->is_null()) {
    if (!key->is_string()) return Fail(wrong_type(document_, *key, kStringBit));
    if (!key->is_plain_string()) return Fail(unknown_word(document_, *key, variants.key, variants.list));
    word = key->string_raw();
  } else if (!variants.absent_with_role.empty() && value.find("role")) {
    word = variants.absent_with_role;
  } else if (variants.absent.empty()) {
    return Fail(missing(document_, value, variants.key));
  }
  for (const Variant& variant : variants.list) {
    if (variant.word != word) continue;
    if (!variant.hosted.empty()) CHECK_OK(hosted(key.value_or(value), variant.hosted));
    if (variant.needs) out_.needs.insert(*variant.needs);
    return object(value, *variant.object);
  }
  return Fail(unknown_word(document_, *key, variants.key, variants.list));
}

Result<void> Walk::scalar(Value value, const Shape& shape) {
  if (value.is_string()) return string(value, shape);
  if (value.is_number()) return number(value, shape);
  return {};
}

Result<void> Walk::string(Value value, const Shape& shape) {
  if (!shape.words.empty()) {
    if (std::ranges::any_of(shape.words, [value](std::string_view word) { return value.equals(word); })) return {};
    std::string expected = "one of ";
    for (size_t i = 0; i < shape.words.size(); ++i) expected += (i == 0 ? "'" : ", '") + std::string(shape.words[i]) + "'";
    return Fail(wrong_value(document_, value, std::move(expected)));
  }
  const size_t bytes = value.string_raw().size();
  const bool may_be_long = shape.size_max != 0 && bytes > shape.size_max;
  if (bytes < shape.size_min || may_be_long) {
    const size_t size = characters_of(value);
    if (size < shape.size_min || (shape.size_max != 0 && size > shape.size_max))
      return Fail(wrong_size(document_, value, size, shape.size_min, shape.size_max, "characters"));
  }
  if (shape.name) {
    const std::string_view raw = value.string_raw();
    const bool plain = value.is_plain_string() && std::ranges::all_of(raw, [](char c) {
                         return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
                       });
    if (!plain) return Fail(wrong_value(document_, value, "only A-Z a-z 0-9 _ -"));
  }
  return {};
}

Result<void> Walk::number(Value value, const Shape& shape) {
  double number = 0;
  if ((shape.kinds & kNumberBit) != 0) {
    const std::optional<double> n = value.number();
    if (!n) return Fail(wrong_value(document_, value, "a number that a double can hold"));
    number = *n;
  } else {
    const std::optional<int64_t> n = value.integer();
    if (!n) return Fail(wrong_type(document_, value, shape.kinds));
    number = static_cast<double>(*n);
  }
  const bool bounded = shape.min != 0 || shape.max != 0;
  if (bounded && (number < shape.min || number > shape.max)) return Fail(wrong_value(document_, value, range_text(shape.min, shape.max)));
  return {};
}

Result<void> Walk::array(Value value, const Shape& shape) {
  const size_t size = value.size();
  if (size < shape.items_min || (shape.items_max != 0 && size > shape.items_max))
    return Fail(wrong_size(document_, value, size, shape.items_min, shape.items_max, "items"));
  if (shape.element == nullptr) return {};
  for (const Value element : value.elements()) CHECK_OK(this->value(element, *shape.element));
  return {};
}

Result<void> Walk::free_object(Value value, const Shape& shape) {
  const size_t size = value.size();
  if (shape.size_max != 0 && size > shape.size_max) return Fail(wrong_size(document_, value, size, 0, shape.size_max, "members"));
  if (shape.element == nullptr) return {};
  for (const json::Member member : value.members()) {
    const std::string_view name = member.name_raw();
    if (shape.key_size_max != 0 && name.size() > shape.key_size_max) {
      const size_t characters = count_characters(member.name());
      if (characters > shape.key_size_max)
        return Fail(wrong_size(document_, member.value(), characters, 0, shape.key_size_max, "characters in its name"));
    }
    if (shape.check == Check::kDigitKeys && (name.empty() || !std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })))
      return Fail(wrong_value(document_, value, "token ids as names"));
    CHECK_OK(this->value(member.value(), *shape.element));
  }
  return {};
}

Result<void> Walk::check(Value value, Check check) {
  switch (check) {
    case Check::kImageUrl: out_.needs.insert(Feature::kVision); return url(value);
    case Check::kUrl: return url(value);
    case Check::kTools:
      if (value.is_array() && value.size() != 0) out_.needs.insert(Feature::kTools);
      return {};
    case Check::kModalities:
      for (const Value element : value.elements()) {
        if (element.equals("audio")) out_.needs.insert(Feature::kAudio);
      }
      return {};
    case Check::kAudio: out_.needs.insert(Feature::kAudio); return {};
    case Check::kTrueLogprobs:
      if (value.boolean().value_or(false)) out_.needs.insert(Feature::kLogprobs);
      return {};
    case Check::kAnyLogprobs: out_.needs.insert(Feature::kLogprobs); return {};
    case Check::kToolResult: out_.has_tool_result = true; return {};
    default: return check_policy(value, check);
  }
}

Result<void> Walk::check_policy(Value value, Check check) {
  switch (check) {
    case Check::kStoredId: return Fail(not_allowed(document_, value, "refers to something stored by a provider, which is not available here."));
    case Check::kRefused: return Fail(not_allowed(document_, value, "is not available here."));
    case Check::kTrueIsStored:
      if (!value.boolean().value_or(false)) return {};
      return Fail(not_allowed(document_, value, "would store the response at a provider, which is not available here."));
    case Check::kWebSearch: return hosted(value, "web_search");
    default: return {};
  }
}

Result<void> Walk::url(Value value) {
  if (!value.is_string()) return {};  // the type is judged next
  std::string unescaped;
  std::string_view text = value.string_raw();
  if (!value.is_plain_string()) {
    unescaped = value.text();
    text = unescaped;
  }
  switch (judge_pointer(text, policy_.pointer_schemes, policy_.pointer_hosts)) {
    case PointerVerdict::kInline: return {};
    case PointerVerdict::kAllowed: out_.has_pointer = true; return {};
    case PointerVerdict::kScheme:
      return Fail(not_allowed(document_, value, "has a URL scheme that is not allowed here; send the content as a data: URL."));
    case PointerVerdict::kHost: return Fail(not_allowed(document_, value, "names a host that is not allowed here; send the content as a data: URL."));
    case PointerVerdict::kMalformed: break;
  }
  return Fail(wrong_value(document_, value, "a URL"));
}

Result<void> Walk::hosted(Value value, std::string_view tool) {
  const bool listed = std::ranges::any_of(policy_.hosted_tools, [tool](const std::string& name) { return name == tool; });
  if (!listed)
    return Fail(
        not_allowed(document_, value, "asks for a tool that the provider would run, '" + std::string(tool) + "', which is not allowed here."));
  out_.has_hosted_tool = true;
  return {};
}

Result<void> Walk::assistant(Value message) {
  const auto set = [message](std::string_view name) {
    const std::optional<Value> v = message.find(name);
    return v && !v->is_null();
  };
  if (set("content") || set("tool_calls") || set("function_call") || set("refusal") || set("audio")) return {};
  return Fail(missing(document_, message, "content"));
}

void Walk::capture(Slot slot, Value value) {
  const auto integer = [value] { return static_cast<uint32_t>(value.integer().value_or(0)); };
  switch (slot) {
    case Slot::kModel: out_.model = value; return;
    case Slot::kContent: out_.content = value; return;
    case Slot::kTools:
      out_.tools = value;
      out_.tool_count = value.size();
      return;
    case Slot::kStream:
      out_.stream_value = value;
      out_.stream = value.boolean().value_or(false);
      return;
    case Slot::kStreamOptions: out_.stream_options = value; return;
    case Slot::kIncludeUsage:
      out_.include_usage_value = value;
      out_.include_usage = value.boolean().value_or(false);
      return;
    case Slot::kMaxTokens:
    case Slot::kMaxCompletionTokens:
    case Slot::kMaxOutputTokens:
      out_.output_cap = value;
      out_.output_cap_name = slot == Slot::kMaxTokens ? "max_tokens" : slot == Slot::kMaxOutputTokens ? "max_output_tokens" : "max_completion_tokens";
      out_.output_tokens_max = static_cast<uint64_t>(value.integer().value_or(0));
      return;
    case Slot::kN: out_.n = integer(); return;
    case Slot::kBestOf: out_.best_of = integer(); return;
    case Slot::kStore: out_.store = value; return;
    case Slot::kUser: out_.user = value; return;
    case Slot::kSafetyIdentifier: out_.safety_identifier = value; return;
    case Slot::kCacheKey: out_.prompt_cache_key = value; return;
    case Slot::kMetadata: out_.metadata = value; return;
    case Slot::kEncodingFormat: out_.encoding_format = value.equals("base64") ? EncodingFormat::kBase64 : EncodingFormat::kFloat; return;
    case Slot::kDimensions: out_.dimensions = value; return;
    default: return;
  }
}

}  // namespace wye::protocol
