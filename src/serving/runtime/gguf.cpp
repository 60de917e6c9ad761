#include "serving/runtime/gguf.hpp"

#include <unordered_set>

#include "serving/runtime/artefact_kind.hpp"
#include "serving/runtime/gguf_reader.hpp"

namespace wye::runtime {
namespace {

constexpr uint64_t kTemplateBytesMax = 256 << 10;

/// What the keys say, before the architecture is known: its name is part of most keys.
struct Keys {
  std::map<std::string, uint64_t, std::less<>> numbers;  // integers, booleans, the largest element of short arrays, lengths of others
  std::map<std::string, std::string, std::less<>> strings;

  uint64_t number(std::string_view key) const {
    const auto found = numbers.find(key);
    return found == numbers.end() ? 0 : found->second;
  }
};

bool key_is_sound(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(),
                                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'; });
}

bool wanted_string(std::string_view key) {
  return key == "general.architecture" || key == "general.name" || key == "general.type" || key == "tokenizer.chat_template";
}

/// An integer or boolean; negative ones and floats count as 0: no fact that we read is one.
Result<uint64_t> read_scalar(GgufReader& in, GgufType type) {
  std::array<char, 8> bytes{};
  CHECK_OK(in.take(std::span(bytes).first(gguf_type_bytes(type))));
  const auto value = std::bit_cast<uint64_t>(bytes);
  switch (type) {
    case GgufType::kBool:
      if (value > 1) return in.corrupt("a boolean that is neither 0 nor 1");
      return value;
    case GgufType::kI8: return value > INT8_MAX ? 0 : value;
    case GgufType::kI16: return value > INT16_MAX ? 0 : value;
    case GgufType::kI32: return value > INT32_MAX ? 0 : value;
    case GgufType::kI64: return value > INT64_MAX ? 0 : value;
    case GgufType::kF32:
    case GgufType::kF64: return uint64_t{0};
    default: return value;
  }
}

Result<GgufType> read_type(GgufReader& in) {
  TRY(const uint32_t number, in.number<uint32_t>());
  if (number > static_cast<uint32_t>(GgufType::kF64)) return in.corrupt("value type " + std::to_string(number) + " is unknown");
  return static_cast<GgufType>(number);
}

/// The largest element of an array of at most this many (such as heads a layer); the length of a longer one.
constexpr uint64_t kShortArray = 1024;

Result<uint64_t> read_array(GgufReader& in, const GgufLimits& limits) {
  TRY(const GgufType type, read_type(in));
  if (type == GgufType::kArray) return in.corrupt("an array of arrays");
  TRY(const uint64_t count, in.number<uint64_t>());
  if (count > limits.array_elements) return in.corrupt("an array of " + std::to_string(count) + " elements");
  if (type == GgufType::kString) {
    for (uint64_t i = 0; i < count; ++i) CHECK_OK(in.skip_string());
    return count;
  }
  if (count > kShortArray && type != GgufType::kBool) {
    CHECK_OK(in.skip(count * gguf_type_bytes(type)));  // no wrap: at most 4 Mi × 8
    return count;
  }
  uint64_t largest = 0;
  for (uint64_t i = 0; i < count; ++i) {
    TRY(const uint64_t element, read_scalar(in, type));
    largest = std::max(largest, element);
  }
  return largest;
}

Result<> read_key(GgufReader& in, const GgufLimits& limits, Keys& keys, std::unordered_set<std::string>& seen) {
  TRY(std::string key, in.string(limits.key_bytes));
  if (!key_is_sound(key)) return in.corrupt("a key with other characters than a-z 0-9 _ . -");
  if (!seen.insert(key).second) return in.corrupt("the key " + key + " stands there twice");
  TRY(const GgufType type, read_type(in));
  if (type == GgufType::kString) {
    if (!wanted_string(key)) return in.skip_string();
    TRY(std::string value, in.string(key == "tokenizer.chat_template" ? kTemplateBytesMax : limits.string_bytes));
    keys.strings.emplace(std::move(key), std::move(value));
    return {};
  }
  TRY(const uint64_t value, type == GgufType::kArray ? read_array(in, limits) : read_scalar(in, type));
  keys.numbers.emplace(std::move(key), value);
  return {};
}

struct Range {
  uint64_t begin;
  uint64_t end;
};

/// Name, shape, type and offset of one tensor; the range is relative to the data section.
Result<Range> read_tensor(GgufReader& in, const GgufLimits& limits, uint64_t alignment, std::unordered_set<std::string>& names) {
  TRY(std::string name, in.string(limits.tensor_name_bytes));
  TRY(const uint32_t dims, in.number<uint32_t>());
  if (name.empty()) return in.corrupt("a tensor without a name");
  if (dims > 4) return in.corrupt("a tensor of " + std::to_string(dims) + " dimensions");
  uint64_t elements = 1;
  uint64_t row = 1;
  for (uint32_t i = 0; i < dims; ++i) {
    TRY(const uint64_t dim, in.number<uint64_t>());
    if (dim == 0 || __builtin_mul_overflow(elements, dim, &elements) || elements > INT64_MAX)
      return in.corrupt("the shape of tensor " + std::to_string(names.size()));
    if (i == 0) row = dim;
  }
  TRY(const uint32_t number, in.number<uint32_t>());
  TRY(const uint64_t offset, in.number<uint64_t>());
  const auto type = tensor_type(number);
  if (!type) return in.corrupt("tensor type " + std::to_string(number) + " is unknown or was removed");
  if (row % type->elements != 0) return in.corrupt("a row of " + std::to_string(row) + " elements is no multiple of its block");
  Range range{.begin = offset, .end = 0};
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements / type->elements, uint64_t{type->bytes}, &bytes) || __builtin_add_overflow(offset, bytes, &range.end))
    return in.corrupt("the size of tensor " + std::to_string(names.size()));
  if (offset % alignment != 0) return in.corrupt("a tensor at offset " + std::to_string(offset) + ", not aligned to " + std::to_string(alignment));
  if (!names.insert(std::move(name)).second) return in.corrupt("two tensors of one name");
  return range;
}

Result<> check_ranges(GgufReader& in, std::vector<Range>& ranges, uint64_t alignment) {
  const uint64_t begin = (in.position() + alignment - 1) / alignment * alignment;  // no wrap: the header is at most 64 MiB
  const uint64_t space = begin < in.size() ? in.size() - begin : 0;
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  uint64_t end = 0;
  for (const Range& range : ranges) {
    if (range.end > space) {
      return Fail(internal_error(ErrorCode::kCorrupt, "the file is truncated: it has " + std::to_string(in.size()) +
                                                          " bytes, its tensors need at least " +
                                                          std::to_string(range.end > UINT64_MAX - begin ? UINT64_MAX : begin + range.end)));
    }
    if (range.begin < end) return in.corrupt("two tensors overlap");
    end = range.end;
  }
  return {};
}

/// `tools` as a variable of the template's own code; the word in the text around it means nothing.
bool mentions_tools(std::string_view text) {
  const auto part_of_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
  size_t at = 0;
  while ((at = text.find('{', at)) != std::string_view::npos) {
    const char kind = at + 1 < text.size() ? text[at + 1] : ' ';
    if (kind != '%' && kind != '{') {
      ++at;
      continue;
    }
    const size_t end = std::min(text.find(kind == '%' ? "%}" : "}}", at + 2), text.size());
    const std::string_view code = text.substr(at + 2, end - std::min(end, at + 2));
    for (size_t word = 0; (word = code.find("tools", word)) != std::string_view::npos; word += 5) {
      const bool starts = word == 0 || !part_of_name(code[word - 1]);
      const bool ends = word + 5 >= code.size() || !part_of_name(code[word + 5]);
      const bool quoted = word > 0 && (code[word - 1] == '\'' || code[word - 1] == '"');
      if (starts && ends && !quoted) return true;
    }
    at = std::max(end, at + 2);
  }
  return false;
}

Result<GgufFacts> facts_of(GgufReader& in, const Keys& keys) {
  GgufFacts out;
  const auto text = [&](std::string_view key) {
    const auto found = keys.strings.find(key);
    return found == keys.strings.end() ? std::string() : found->second;
  };
  out.architecture = text("general.architecture");
  out.name = text("general.name");
  if (out.architecture.empty()) return in.corrupt("general.architecture is missing");
  const std::string type = text("general.type");
  if (!type.empty() && type != "model") return in.corrupt("this is no model but of type " + type.substr(0, 32));
  if (keys.number("split.count") > 1) return in.corrupt("this is one part of a split model");
  const auto own = [&](std::string_view key) { return keys.number(out.architecture + "." + std::string(key)); };
  out.context_tokens = own("context_length");
  out.layers = own("block_count");
  out.embedding_length = own("embedding_length");
  out.heads = own("attention.head_count");
  out.kv_heads = own("attention.head_count_kv");
  if (out.kv_heads == 0) out.kv_heads = out.heads;
  const uint64_t per_head = out.heads == 0 ? 0 : out.embedding_length / out.heads;
  out.key_length = own("attention.key_length") != 0 ? own("attention.key_length") : per_head;
  out.value_length = own("attention.value_length") != 0 ? own("attention.value_length") : per_head;
  out.vocabulary = keys.number("tokenizer.ggml.tokens");
  if (const auto causal = keys.numbers.find(out.architecture + ".attention.causal"); causal != keys.numbers.end()) out.causal = causal->second != 0;
  if (const auto pooling = keys.numbers.find(out.architecture + ".pooling_type"); pooling != keys.numbers.end()) {
    if (pooling->second > static_cast<uint64_t>(Pooling::kRank)) return in.corrupt("pooling type " + std::to_string(pooling->second));
    out.pooling = static_cast<Pooling>(pooling->second);
  }
  const std::string chat = text("tokenizer.chat_template");
  out.has_chat_template = !chat.empty();
  out.template_has_tools = mentions_tools(chat);
  return out;
}

Result<> check_start(GgufReader& in, ByteSource& source, uint32_t& version) {
  std::array<char, 4> magic{};
  if (source.size() < magic.size() || !in.take(magic) || std::string_view(magic.data(), 4) != "GGUF")
    return Fail(internal_error(ErrorCode::kCorrupt, "this is no GGUF file: " + describe_artefact(source)));
  TRY(version, in.number<uint32_t>());
  if (version == 0x02000000 || version == 0x03000000) return in.corrupt("a big-endian GGUF file");
  if (version < 2 || version > 3) return in.corrupt("GGUF version " + std::to_string(version) + ", only 2 and 3 are known");
  return {};
}

}  // namespace

Result<GgufFacts> read_gguf(ByteSource& source, const GgufLimits& limits) {
  GgufReader in(source, limits);
  uint32_t version = 0;
  CHECK_OK(check_start(in, source, version));
  TRY(const uint64_t tensors, in.number<uint64_t>());
  TRY(const uint64_t key_count, in.number<uint64_t>());
  if (tensors > limits.tensors) return in.corrupt(std::to_string(tensors) + " tensors");
  if (key_count > limits.keys) return in.corrupt(std::to_string(key_count) + " keys");
  Keys keys;
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < key_count; ++i) CHECK_OK(read_key(in, limits, keys, names));
  uint64_t alignment = 32;
  if (const auto found = keys.numbers.find("general.alignment"); found != keys.numbers.end()) alignment = found->second;
  if (alignment < 8 || alignment > 4096 || !std::has_single_bit(alignment)) return in.corrupt("alignment " + std::to_string(alignment));
  names.clear();
  std::vector<Range> ranges;
  for (uint64_t i = 0; i < tensors; ++i) {
    TRY(const Range range, read_tensor(in, limits, alignment, names));
    ranges.push_back(range);
  }
  CHECK_OK(check_ranges(in, ranges, alignment));
  TRY(GgufFacts facts, facts_of(in, keys));
  facts.version = version;
  facts.tensors = tensors;
  facts.file_bytes = source.size();
  return facts;
}

}  // namespace wye::runtime
