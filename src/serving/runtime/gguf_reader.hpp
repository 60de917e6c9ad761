// Primitive values of a GGUF header, read through a window and counted against the header limit. Private to this room.
#pragma once

#include "serving/runtime/gguf.hpp"

namespace wye::runtime {

/// The value types of docs/gguf.md.
enum class GgufType : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64 };
/// Bytes of one value; 0 for strings, arrays and numbers that are no type.
uint64_t gguf_type_bytes(GgufType type);

/// A quantisation: how many elements share a block, and its bytes.
struct TensorType {
  uint32_t number;
  uint32_t elements;
  uint32_t bytes;
};
/// Absent for removed and unknown types.
std::optional<TensorType> tensor_type(uint32_t number);

/// Threads: one owner. Lifetime: shorter than the source.
class GgufReader {
 public:
  GgufReader(ByteSource& source, const GgufLimits& limits);

  uint64_t position() const { return at_; }
  uint64_t size() const { return source_.size(); }
  /// kCorrupt with `what` and the position.
  std::unexpected<Error> corrupt(std::string what) const;

  Result<> take(std::span<char> out);
  Result<> skip(uint64_t bytes);
  template <class T>
  Result<T> number() {
    std::array<char, sizeof(T)> bytes;
    CHECK_OK(take(bytes));
    return std::bit_cast<T>(bytes);  // GGUF is little-endian, as are the machines that Wye runs on
  }
  /// A string of at most `bytes_max`.
  Result<std::string> string(uint64_t bytes_max);
  /// Steps over a string of at most the limit.
  Result<> skip_string();

 private:
  Result<> room_for(uint64_t bytes) const;
  static constexpr size_t kWindow = 64 << 10;
  ByteSource& source_;
  const GgufLimits& limits_;
  uint64_t at_ = 0;
  uint64_t window_at_ = 0;
  std::vector<char> window_;  // bytes of the source from window_at_ on
};

static_assert(std::endian::native == std::endian::little);

}  // namespace wye::runtime
