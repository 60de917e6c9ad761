// A message of any size in bounded portions, so that a slow reader holds at most kSliceBytes in memory. Private to foundation/http.
#pragma once

#include "foundation/http/limits.hpp"
#include "foundation/net/stream.hpp"

namespace wye::http {

/// Walks over pieces that stay where they are. Threads: values of one thread.
class Slices {
 public:
  /// `pieces` and their bytes live as long as this.
  explicit Slices(std::span<const iovec> pieces) : pieces_(pieces) { skip_empty(); }
  bool done() const { return at_ == pieces_.size(); }
  /// What to send next, at most kSliceBytes; valid until the next call.
  std::span<const iovec> next();
  /// `n` bytes of what is next were taken.
  void advance(size_t n);

 private:
  static constexpr size_t kPiecesMax = 64;
  void skip_empty();
  std::span<const iovec> pieces_;
  size_t at_ = 0;
  size_t offset_ = 0;  // within the piece at at_
  std::array<iovec, kPiecesMax> slice_;
};

}  // namespace wye::http
