// Checks the header of a GGUF model file before any engine sees it, and reads from it what the model can do.
// Source: ggml-org/ggml docs/gguf.md; limits are Wye's own and stricter than the reference reader's.
#pragma once

#include "foundation/base/result.hpp"
#include "foundation/base/units.hpp"

namespace wye::runtime {

/// Port: bytes of an artefact at an offset. Threads: one owner.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /// Fills all of `out` from `offset`; kCorrupt when that reaches beyond the end, kIo when reading fails.
  virtual Result<> read(uint64_t offset, std::span<char> out) = 0;
};

/// Bytes in memory; they outlive the source.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  Result<> read(uint64_t offset, std::span<char> out) override;

 private:
  std::string_view bytes_;
};

/// A regular file, opened once. kNotFound when it is missing; kIo when it cannot be read or is no regular file.
Result<std::unique_ptr<ByteSource>> open_artefact(const std::filesystem::path& path);

struct GgufLimits {
  uint64_t header_bytes = 64 << 20;
  uint64_t tensors = 65'536;
  uint64_t keys = 4'096;
  uint64_t key_bytes = 256;
  uint64_t string_bytes = 1 << 20;
  uint64_t array_elements = 4 << 20;
  uint64_t tensor_name_bytes = 63;
};

/// llama.pooling_type and its relatives: how token vectors become one.
enum class Pooling : uint8_t { kNone, kMean, kCls, kLast, kRank };
std::string_view to_string(Pooling pooling);

/// What the header says. Counts that the file does not state are 0.
struct GgufFacts {
  uint32_t version = 0;
  std::string architecture;
  std::string name;
  uint64_t context_tokens = 0;
  uint64_t layers = 0;
  uint64_t embedding_length = 0;
  uint64_t heads = 0;
  uint64_t kv_heads = 0;       // the largest where layers differ
  uint64_t key_length = 0;     // per head
  uint64_t value_length = 0;   // per head
  uint64_t vocabulary = 0;
  std::optional<Pooling> pooling;  // absent: not stated
  bool causal = true;
  bool has_chat_template = false;
  bool template_has_tools = false;
  uint64_t tensors = 0;
  uint64_t file_bytes = 0;

  /// A model that turns text into a vector rather than into text.
  bool embeds() const;
};

/// Reads and checks the whole header: counts, lengths, types, ranges of tensors, with checked arithmetic. Allocates at most
/// twice the header limit. kCorrupt with what is wrong and where; a pickle or an archive of pickles is named as such.
Result<GgufFacts> read_gguf(ByteSource& source, const GgufLimits& limits = {});

/// What the model can be asked for: `chat completions embeddings tools`, as configuration spells capabilities.
std::vector<std::string> capabilities_of(const GgufFacts& facts);

/// Bytes that weights and the key-value cache of `context_tokens` (all slots together, 16-bit entries) take.
Bytes estimate_memory(const GgufFacts& facts, uint64_t context_tokens);

}  // namespace wye::runtime
