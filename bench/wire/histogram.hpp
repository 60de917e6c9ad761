#pragma once
// A histogram of durations in nanoseconds with a bounded relative error, after the idea of HdrHistogram: every power of two is
// cut into 256 equal buckets, so that a quantile is at most 0.4 % off. Fixed size (about 90 KB), no allocation after construction.
// One thread.
#include <array>
#include <bit>
#include <cstdint>

namespace wye::bench {

class Histogram {
 public:
  void record(int64_t ns) {
    const uint64_t value = ns < 0 ? 0 : static_cast<uint64_t>(ns);
    ++buckets_[bucket_of(value)];
    ++count_;
    sum_ += value;
    if (value > max_) max_ = value;
  }

  uint64_t count() const { return count_; }
  uint64_t max_ns() const { return max_; }
  double mean_ns() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }

  // The smallest recorded value (to the bucket's precision) that at least `share` of all values do not exceed; share in (0, 1].
  uint64_t quantile_ns(double share) const {
    if (count_ == 0) return 0;
    auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_) + 0.999999);
    if (wanted < 1) wanted = 1;
    if (wanted > count_) wanted = count_;
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen >= wanted) {
        const uint64_t middle = middle_of(i);
        return middle < max_ ? middle : max_;
      }
    }
    return max_;
  }

 private:
  static constexpr unsigned kBits = 8;
  static constexpr size_t kSub = size_t{1} << kBits;
  static constexpr size_t kBuckets = (64 - kBits + 1) * kSub;

  static size_t bucket_of(uint64_t value) {
    if (value < kSub) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return (shift + 1) * kSub + ((value >> shift) - kSub);
  }

  static uint64_t middle_of(size_t bucket) {
    if (bucket < kSub) return bucket;
    const auto shift = static_cast<unsigned>(bucket / kSub - 1);
    const uint64_t low = (kSub + bucket % kSub) << shift;
    return low + ((uint64_t{1} << shift) >> 1);
  }

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace wye::bench
