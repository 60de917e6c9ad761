#pragma once
// The monotonic clock of the bench programs, in nanoseconds. These are programs, not rooms: they read real time themselves.
#include <time.h>

#include <cstdint>

namespace wye::bench {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;
inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kNsPerUs = 1'000;

inline int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * kNsPerSecond + t.tv_nsec;
}

}  // namespace wye::bench
