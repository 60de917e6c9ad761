#include "foundation/net/frame_pool.hpp"

namespace wye::net {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// A recycled frame would hide a use after free.
constexpr bool kRecycle = false;
#else
constexpr bool kRecycle = true;
#endif
#else
constexpr bool kRecycle = true;
#endif

constexpr size_t kStep = 256;
constexpr size_t kClasses = 64;

struct Lists {
  struct Node {
    Node* next;
  };
  std::array<Node*, kClasses + 1> heads{};
  ~Lists() {
    for (Node*& head : heads) {
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
    }
  }
};
thread_local Lists lists;

}  // namespace

void* FramePool::take(size_t size) {
  const size_t k = (size + kStep - 1) / kStep;
  if (!kRecycle || k > kClasses) return ::operator new(size);
  if (Lists::Node* node = lists.heads[k]) {
    lists.heads[k] = node->next;
    return node;
  }
  return ::operator new(k * kStep);
}

void FramePool::give(void* frame, size_t size) noexcept {
  const size_t k = (size + kStep - 1) / kStep;
  if (!kRecycle || k > kClasses) {
    ::operator delete(frame);
    return;
  }
  auto* node = static_cast<Lists::Node*>(frame);
  node->next = lists.heads[k];
  lists.heads[k] = node;
}

}  // namespace wye::net
