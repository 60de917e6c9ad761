// Writes GGUF files byte by byte, sound and broken ones: for tests. Source: ggml-org/ggml docs/gguf.md.
#pragma once

#include "serving/runtime/gguf_reader.hpp"

namespace wye::runtime {

class GgufBuilder {
 public:
  uint32_t version = 3;
  std::optional<uint64_t> announced_keys;     // instead of the true number
  std::optional<uint64_t> announced_tensors;
  uint64_t alignment = 32;                    // of the data section
  uint64_t tensor_bytes = 0;                  // size of the data section

  template <class T>
  static std::string raw(T value) {
    const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    return {bytes.data(), bytes.size()};
  }
  static std::string string(std::string_view text) { return raw(uint64_t{text.size()}) + std::string(text); }

  GgufBuilder& key(std::string_view name, GgufType type, std::string_view value) {
    keys_ += string(name) + raw(static_cast<uint32_t>(type)) + std::string(value);
    ++key_count_;
    return *this;
  }
  GgufBuilder& text(std::string_view name, std::string_view value) { return key(name, GgufType::kString, string(value)); }
  GgufBuilder& number(std::string_view name, uint32_t value) { return key(name, GgufType::kU32, raw(value)); }
  GgufBuilder& array(std::string_view name, GgufType type, uint64_t count, std::string_view values) {
    return key(name, GgufType::kArray, raw(static_cast<uint32_t>(type)) + raw(count) + std::string(values));
  }
  GgufBuilder& tensor(std::string_view name, const std::vector<uint64_t>& dims, uint32_t type, uint64_t offset) {
    tensors_ += string(name) + raw(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) tensors_ += raw(dim);
    tensors_ += raw(type) + raw(offset);
    ++tensor_count_;
    return *this;
  }

  std::string header() const {
    return "GGUF" + raw(version) + raw(announced_tensors.value_or(tensor_count_)) + raw(announced_keys.value_or(key_count_)) + keys_ + tensors_;
  }
  std::string file() const {
    std::string out = header();
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    out.resize(out.size() + tensor_bytes);
    return out;
  }

  /// A chat model with tools that reads as sound: two tensors of 128 and 20 bytes.
  static GgufBuilder sound() {
    GgufBuilder out;
    out.text("general.architecture", "llama").text("general.name", "tiny").number("llama.context_length", 8192).number("llama.block_count", 30);
    out.number("llama.embedding_length", 576).number("llama.attention.head_count", 9).number("llama.attention.head_count_kv", 3);
    out.array("tokenizer.ggml.tokens", GgufType::kString, 2, string("a") + string("b"));
    out.text("tokenizer.chat_template", "{% if tools %}{{ tools }}{% endif %}{{ messages }}");
    out.tensor("a.weight", {32}, 0, 0).tensor("b.weight", {32}, 3, 128);
    out.tensor_bytes = 148;
    return out;
  }

 private:
  std::string keys_;
  std::string tensors_;
  uint64_t key_count_ = 0;
  uint64_t tensor_count_ = 0;
};

}  // namespace wye::runtime
