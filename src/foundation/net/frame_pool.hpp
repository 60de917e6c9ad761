// Coroutine frames, recycled per thread in steps of 256 bytes up to 16 KiB.
#pragma once

namespace wye::net {

/// Threads: each has its own lists; a frame is given back on the thread that took it.
class FramePool {
 public:
  static void* take(size_t size);
  static void give(void* frame, size_t size) noexcept;
};

}  // namespace wye::net
