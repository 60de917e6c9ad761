#include "accounting.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../wire/time.hpp"

namespace wye::bench::load {
namespace {

uint64_t first_number(const std::string& path) {
  std::string text;
  return read_file(path, text) ? std::strtoull(text.c_str(), nullptr, 10) : 0;
}

template <class Visit>
void each_thread(int pid, Visit visit) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') visit(folder + "/" + entry->d_name, std::atoi(entry->d_name));
  }
  closedir(dir);
}

uint64_t tick_ns_of(int pid) {
  std::string text;
  if (!read_file("/proc/" + std::to_string(pid) + "/stat", text)) return 0;
  const size_t name_end = text.rfind(')');  // a process name may hold spaces
  if (name_end == std::string::npos) return 0;
  unsigned long long user = 0, system = 0;
  std::sscanf(text.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system);
  return (user + system) * static_cast<uint64_t>(kNsPerSecond / sysconf(_SC_CLK_TCK));
}

uint64_t rss_of(int pid) {
  std::string text;
  if (!read_file("/proc/" + std::to_string(pid) + "/smaps_rollup", text)) return 0;
  const size_t at = text.find("Rss:");
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 4, nullptr, 10) * 1024;
}

GroupSample sample_group(const std::vector<int>& pids) {
  GroupSample group;
  for (const int pid : pids) {
    each_thread(pid, [&](const std::string& folder, int) { group.run_ns += first_number(folder + "/schedstat"); });
    group.tick_ns += tick_ns_of(pid);
    group.rss_bytes += rss_of(pid);
  }
  return group;
}

// Busy and stolen ticks of each core. Interrupt time is left out: neither is it in the ticks of any process.
void sample_cores(Sample& sample) {
  std::string text;
  read_file("/proc/stat", text);
  const auto tick = static_cast<uint64_t>(kNsPerSecond / sysconf(_SC_CLK_TCK));
  for (size_t at = text.find("\ncpu"); at != std::string::npos; at = text.find("\ncpu", at + 1)) {
    unsigned core = 0;
    unsigned long long user = 0, nice = 0, system = 0, steal = 0;
    const int read = std::sscanf(text.c_str() + at, "\ncpu%u %llu %llu %llu %*u %*u %*u %*u %llu", &core, &user, &nice, &system, &steal);
    if (read != 5 || core >= kCoresMax) continue;
    sample.core_busy_ns[core] = (user + nice + system) * tick;
    sample.core_steal_ns[core] = steal * tick;
    if (core + 1 > sample.cores) sample.cores = core + 1;
  }
}

}  // namespace

Accounting::~Accounting() {
  for (const auto& group : counters_) {
    for (const int fd : group) close(fd);
  }
}

bool Accounting::open() {
  if (options_.watched.size() > kGroupsMax) {
    std::fprintf(stderr, "error: more than %zu --watch\n", kGroupsMax);
    return false;
  }
  for (const WatchedGroup& group : options_.watched) {
    for (const int pid : group.pids) {
      if (access(("/proc/" + std::to_string(pid) + "/schedstat").c_str(), R_OK) == 0) continue;
      std::fprintf(stderr, "error: --watch %s: no accounting for process %d\n", group.name.c_str(), pid);
      return false;
    }
  }
  if (options_.count_syscalls && !open_tracepoint()) return false;
  if (options_.malloc_file.empty()) return true;
  const int fd = ::open(options_.malloc_file.c_str(), O_RDONLY | O_CLOEXEC);
  void* mapped = fd < 0 ? MAP_FAILED : mmap(nullptr, 16, PROT_READ, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  if (mapped == MAP_FAILED) {
    std::fprintf(stderr, "error: cannot read --malloc-file %s: %s\n", options_.malloc_file.c_str(), std::strerror(errno));
    return false;
  }
  mallocs_ = static_cast<const volatile uint64_t*>(mapped);
  return true;
}

bool Accounting::open_tracepoint() {
  uint64_t id = first_number("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id");
  if (id == 0) id = first_number("/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id");
  if (id == 0) {
    std::fprintf(stderr, "error: --count-syscalls: the tracepoint raw_syscalls:sys_enter is not readable below /sys/kernel/tracing\n");
    return false;
  }
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = id;
  attributes.inherit = 1;  // threads that start later
  bool good = true;
  for (size_t i = 0; i < options_.watched.size(); ++i) {
    for (const int pid : options_.watched[i].pids) {
      each_thread(pid, [&](const std::string&, int thread) {
        const auto fd = static_cast<int>(syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
        if (fd >= 0) counters_[i].push_back(fd);
        good = good && fd >= 0;
      });
    }
  }
  if (!good) std::fprintf(stderr, "error: --count-syscalls: perf_event_open: %s\n", std::strerror(errno));
  return good;
}

Sample Accounting::sample() const {
  Sample sample;
  for (size_t i = 0; i < options_.watched.size(); ++i) {
    for (const int fd : counters_[i]) {
      uint64_t calls = 0;
      if (read(fd, &calls, sizeof calls) == sizeof calls) sample.groups[i].syscalls += calls;
    }
  }
  if (mallocs_ != nullptr) {
    sample.malloc_calls = mallocs_[0];
    sample.malloc_bytes = mallocs_[1];
  }
  for (size_t i = 0; i < options_.watched.size(); ++i) {
    const uint64_t calls = sample.groups[i].syscalls;
    sample.groups[i] = sample_group(options_.watched[i].pids);
    sample.groups[i].syscalls = calls;
  }
  sample_cores(sample);
  sample.own = sample_group({getpid()});
  sample.at_ns = now_ns();
  return sample;
}

}  // namespace wye::bench::load
