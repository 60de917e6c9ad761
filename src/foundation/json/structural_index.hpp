// Where the structural characters and the starts of scalars stand in a text: the vectorised first half of simdjson.
// Private to this room. Threads: one owner. Steady state allocates nothing.
#pragma once

namespace wye::json {

enum class IndexFault : uint8_t { kNone, kEmpty, kUtf8, kControlCharacter, kUnclosedString, kOutOfMemory, kInternal };

/// Indexes one text at a time. A position is that of one of `{}[]:,` outside strings, of an opening quote, or of the first
/// byte of any other run of bytes that is not white space.
class StructuralIndex {
 public:
  StructuralIndex();
  ~StructuralIndex();
  StructuralIndex(const StructuralIndex&) = delete;
  StructuralIndex& operator=(const StructuralIndex&) = delete;

  /// Checks that `text` is UTF-8 and that its strings close and hold no control characters. Reads no byte outside `text`.
  /// Precondition: under 4 GiB.
  IndexFault read(std::string_view text);
  /// Positions, rising; valid until the next read.
  std::span<const uint32_t> positions() const { return {positions_, count_}; }
  /// Returns what only a very large text needed.
  void trim();

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
  const uint32_t* positions_ = nullptr;
  uint32_t count_ = 0;
  size_t capacity_ = 0;  // bytes of text
};

}  // namespace wye::json
