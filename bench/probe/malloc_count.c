// Counts the allocations of a process and of those it forks, for LD_PRELOAD. The counters lie in a shared mapping of the file that
// WYE_BENCH_MALLOC_FILE names: two 64-bit words, calls and bytes asked for, so that another process can read them at any time.
// realloc counts as one call. Forwards to glibc's own entry points; a program with another allocator linked in shows zero calls
// from its start on, which the runner refuses.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t count, size_t size);
extern void* __libc_realloc(void* old, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

struct Counters {
  _Atomic uint64_t calls, bytes;
};

static struct Counters unmapped;
static struct Counters* counters = &unmapped;

__attribute__((constructor)) static void map_counters(void) {
  const char* path = getenv("WYE_BENCH_MALLOC_FILE");
  if (path == NULL) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (ftruncate(fd, sizeof(struct Counters)) == 0) {
    void* mapped = mmap(NULL, sizeof(struct Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) counters = mapped;
  }
  close(fd);
}

static void count(size_t bytes) {
  atomic_fetch_add_explicit(&counters->calls, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&counters->bytes, bytes, memory_order_relaxed);
}

void* malloc(size_t size) {
  count(size);
  return __libc_malloc(size);
}

void* calloc(size_t n, size_t size) {
  count(n * size);
  return __libc_calloc(n, size);
}

void* realloc(void* old, size_t size) {
  count(size);
  return __libc_realloc(old, size);
}

void* memalign(size_t alignment, size_t size) {
  count(size);
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, size_t alignment, size_t size) {
  void* got = memalign(alignment, size);
  if (got == NULL) return ENOMEM;
  *out = got;
  return 0;
}
