// Counts what a thread allocates, to hold "steady state allocates nothing". For tests only; include it in exactly one file of a test program,
// for without a sanitizer it replaces operator new.
// Source: [new.delete]; compiler-rt include/sanitizer/allocator_interface.h, whose hooks see malloc as well.
#pragma once

#include <cstdlib>

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#define WYE_ALLOCATIONS_BY_HOOK 1
#else
#define WYE_ALLOCATIONS_BY_HOOK 0
#endif

namespace wye::test {

/// Of this thread, so far.
inline thread_local size_t allocations = 0;
/// The largest since somebody set it to 0.
inline thread_local size_t largest_allocation = 0;

/// Coroutine frames are recycled everywhere but under AddressSanitizer, which is to see each use of a dead one (net/frame_pool.hpp).
inline constexpr bool kRecyclesFrames = !__has_feature(address_sanitizer);
inline constexpr const char* kNotRecycled = "frames are not recycled under AddressSanitizer; the stage `release` counts them";

inline void note_allocation(size_t size) {
  ++allocations;
  largest_allocation = std::max(largest_allocation, size);
}

#if WYE_ALLOCATIONS_BY_HOOK
inline void on_malloc(const volatile void*, size_t size) { note_allocation(size); }
inline void on_free(const volatile void*) {}
[[maybe_unused]] static const int kHooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#else
inline void* count_and_take(size_t size) {
  note_allocation(size);
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
#endif

}  // namespace wye::test

#if !WYE_ALLOCATIONS_BY_HOOK
void* operator new(size_t size) { return wye::test::count_and_take(size); }
void* operator new[](size_t size) { return wye::test::count_and_take(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
#endif
