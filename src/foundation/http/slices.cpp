#include "foundation/http/slices.hpp"

namespace wye::http {

void Slices::skip_empty() {
  while (at_ < pieces_.size() && offset_ == pieces_[at_].iov_len) {
    ++at_;
    offset_ = 0;
  }
}

std::span<const iovec> Slices::next() {
  size_t count = 0;
  size_t left = kSliceBytes;
  size_t offset = offset_;
  for (size_t i = at_; i < pieces_.size() && count < kPiecesMax && left > 0; ++i, offset = 0) {
    const size_t n = std::min(left, pieces_[i].iov_len - offset);
    if (n == 0) continue;
    slice_[count++] = {static_cast<char*>(pieces_[i].iov_base) + offset, n};
    left -= n;
  }
  return {slice_.data(), count};
}

void Slices::advance(size_t n) {
  while (n > 0) {
    const size_t taken = std::min(n, pieces_[at_].iov_len - offset_);
    offset_ += taken;
    n -= taken;
    skip_empty();
  }
}

}  // namespace wye::http
