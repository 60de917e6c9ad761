#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/local_admin.hpp"

namespace wye::app {
namespace {

/// A little more than the instance allows its requests and its models.
constexpr Nanos kEndMax = std::chrono::seconds(90);
constexpr Nanos kLook = std::chrono::milliseconds(50);

/// Whether it has ended. `exit` may be closed: then the lock alone tells.
bool wait_for_end(const DataFolder& data, const Clock& clock, const os::Fd& exit) {
  const MonoTime end = clock.mono() + kEndMax;
  while (clock.mono() < end) {
    pollfd look{exit.get(), POLLIN, 0};
    ::poll(&look, 1, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kLook).count()));
    const bool gone = exit.get() < 0 || (look.revents & POLLIN) != 0;
    if (gone && !os::FolderLock::holder(data.lock())) return true;
  }
  return false;
}

}  // namespace

int run_down(const InstanceOptions& options, const Outside& outside) {
  const Result<DataFolder> data = find_data_folder(options.data, outside.environment);
  if (!data) return report(data.error());
  const std::optional<int> holder = os::FolderLock::holder(data->lock());
  if (!holder) return report_unreachable(public_error(ErrorCode::kNotFound, "No instance runs on " + data->root.string() + "."));
  // Opened before it is told to end: the number can not become another program's.
  const os::Fd exit(static_cast<int>(::syscall(SYS_pidfd_open, *holder, 0)));
  if (const auto told = call_admin(*data, outside.clock, "POST", "stop"); !told) {
    // It holds the lock but does not listen yet, or no more: a signal says the same.
    if (exit.get() < 0 || ::syscall(SYS_pidfd_send_signal, exit.get(), SIGTERM, nullptr, 0) != 0) return report_unreachable(told.error());
  }
  if (!wait_for_end(*data, outside.clock, exit)) {
    return report(public_error(ErrorCode::kTimeout, "Process " + std::to_string(*holder) + " has not ended after 90 seconds."),
                  "look into " + (data->logs() / "wye.jsonl").string() + "; `kill -9 " + std::to_string(*holder) + "` ends it and its children");
  }
  std::fputs("Wye is down.\n", stderr);
  return kDone;
}

}  // namespace wye::app
