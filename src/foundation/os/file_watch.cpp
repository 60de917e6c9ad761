#include "foundation/os/file_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace wye::os {
namespace {

constexpr int kFoldersDeepMax = 16;
constexpr uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;

/// What a look at one path shows. Two equal looks mean that nothing was changed in between, up to the clock's tick of the file
/// system; the events cover what falls into one tick.
struct Entry {
  std::string path;
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = -1;  // -1: not there
  int64_t changed_ns = 0;
  int64_t modified_ns = 0;
  std::string link;
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct Tree {
  std::vector<Entry> entries;
  std::vector<std::string> folders;  // to be watched whole
  friend bool operator==(const Tree&, const Tree&) = default;
};

int64_t ns(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

std::string link_target(const std::string& path) {
  std::array<char, 4096> target;
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<size_t>(n)) : std::string();
}

void look(Tree& tree, const std::string& path, int deep, size_t files_max) {
  if (tree.entries.size() >= files_max || deep > kFoldersDeepMax) return;
  struct stat st{};
  Entry entry{.path = path, .device = 0, .inode = 0, .size = -1, .changed_ns = 0, .modified_ns = 0, .link = link_target(path)};
  const bool there = ::stat(path.c_str(), &st) == 0;
  const bool folder = there && S_ISDIR(st.st_mode);
  if (there) {
    entry.device = st.st_dev;
    entry.inode = st.st_ino;
    entry.size = folder ? 0 : st.st_size;
    entry.changed_ns = ns(st.st_ctim);
    entry.modified_ns = ns(st.st_mtim);
  }
  tree.entries.push_back(std::move(entry));
  if (!folder) return;
  tree.folders.push_back(path);
  std::vector<std::string> names;
  std::error_code ec;
  for (std::filesystem::directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec)) names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) look(tree, path + "/" + name, deep + 1, files_max);
}

int to_ms(Nanos d) { return static_cast<int>(std::clamp<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(d).count(), 1, INT32_MAX)); }

enum class Wake : uint8_t { kEnd, kQuiet, kEvent };

}  // namespace

struct FileWatch::State {
  std::vector<std::filesystem::path> roots;
  std::function<void()> changed;
  FileWatchLimits limits;
  Fd end;      // eventfd: readable once the watch ends
  Fd inotify;  // absent where the system gives none: then only the poll looks
  std::map<int, std::set<std::string>> names;  // watch → names in it that matter; empty: all
  std::vector<std::string> watched;
  Tree known;  // as last reported
  std::thread thread;

  void run();
  Tree scan();
  void watch(const Tree& tree);
  void watch_parents();
  Wake wait(Nanos limit);
  bool read_events();
};

Tree FileWatch::State::scan() {
  Tree tree;
  // Watches must stand before the look that they guard; a tree that changes its folders meanwhile is looked at again.
  for (int attempt = 0; attempt < 3; ++attempt) {
    tree = {};
    for (const auto& root : roots) look(tree, root.string(), 0, limits.files_max);
    if (tree.folders == watched && inotify) break;
    watch(tree);
  }
  return tree;
}

void FileWatch::State::watch(const Tree& tree) {
  inotify = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  names.clear();
  watched = tree.folders;
  if (!inotify) return;
  for (const std::string& folder : tree.folders) {
    const int id = ::inotify_add_watch(inotify.get(), folder.c_str(), kEvents | IN_ONLYDIR);
    if (id >= 0) names[id] = {};
  }
  watch_parents();
}

void FileWatch::State::watch_parents() {
  // A root itself can be made, replaced or deleted: that shows in the folder above it.
  for (const auto& root : roots) {
    const std::filesystem::path parent = root.has_parent_path() ? root.parent_path() : std::filesystem::path(".");
    const int id = ::inotify_add_watch(inotify.get(), parent.c_str(), kEvents | IN_ONLYDIR);
    if (id < 0) continue;
    const auto [at, added] = names.try_emplace(id);
    if (added || !at->second.empty()) at->second.insert(root.filename().string());
  }
}

/// Takes all waiting events; true when one of them concerns us.
bool FileWatch::State::read_events() {
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  bool ours = false;
  while (true) {
    const ssize_t n = ::read(inotify.get(), buffer.data(), buffer.size());
    if (n <= 0) return ours;
    for (ssize_t at = 0; at < n;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const std::string_view name = event.len == 0 ? std::string_view() : std::string_view(buffer.data() + at + sizeof event);
      at += static_cast<ssize_t>(sizeof event + event.len);
      const auto found = names.find(event.wd);
      const bool named = found != names.end() && (found->second.empty() || found->second.contains(std::string(name)));
      if (named || (event.mask & IN_Q_OVERFLOW) != 0) ours = true;
    }
  }
}

Wake FileWatch::State::wait(Nanos limit) {
  std::array<pollfd, 2> fds = {pollfd{.fd = end.get(), .events = POLLIN, .revents = 0}, pollfd{.fd = inotify.get(), .events = POLLIN, .revents = 0}};
  ::poll(fds.data(), fds.size(), to_ms(limit));
  if (fds[0].revents != 0) return Wake::kEnd;
  if (fds[1].revents == 0) return Wake::kQuiet;
  return read_events() ? Wake::kEvent : Wake::kQuiet;
}

void FileWatch::State::run() {
  const int64_t rounds_max = std::max<int64_t>(1, limits.settle_max / limits.settle);
  while (true) {
    Wake woke = wait(limits.poll);
    if (woke == Wake::kEnd) return;
    Tree seen = scan();
    if (woke == Wake::kQuiet && seen == known) continue;
    for (int64_t round = 0; round < rounds_max; ++round) {
      woke = wait(limits.settle);
      if (woke == Wake::kEnd) return;
      Tree next = scan();
      const bool rests = woke == Wake::kQuiet && next == seen;
      seen = std::move(next);
      if (rests) break;
    }
    known = std::move(seen);
    changed();
  }
}

FileWatch::FileWatch(std::vector<std::filesystem::path> roots, std::function<void()> changed, FileWatchLimits limits)
    : state_(std::make_unique<State>()) {
  for (auto& root : roots) {
    std::string text = root.lexically_normal().string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    state_->roots.emplace_back(std::move(text));
  }
  state_->changed = std::move(changed);
  state_->limits = limits;
  state_->end = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  state_->known = state_->scan();
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FileWatch::~FileWatch() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(state_->end.get(), &one, sizeof one);
  state_->thread.join();
}

}  // namespace wye::os
