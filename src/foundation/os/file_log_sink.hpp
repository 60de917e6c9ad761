// The log sink of the running program: a bounded queue and a thread that writes it out.
#pragma once

#include <condition_variable>

#include "foundation/base/log.hpp"
#include "foundation/os/rotating_file.hpp"

namespace wye::os {

/// Takes blocks of lines from any thread without waiting for the disk. Two buffers of `queue_bytes` are made once; writing
/// copies into one while the thread drains the other. A block that does not fit, or that the output refuses, is dropped and its
/// lines are counted. Lifetime: the destructor writes what is queued, for at most `kFlushMax`, unless the output hangs.
class FileLogSink final : public LogSink {
 public:
  static constexpr size_t kQueueBytes = 4 << 20;
  static constexpr Nanos kFlushMax = std::chrono::seconds(5);

  explicit FileLogSink(std::unique_ptr<LineOutput> output, size_t queue_bytes = kQueueBytes);
  ~FileLogSink() override;
  FileLogSink(const FileLogSink&) = delete;
  FileLogSink& operator=(const FileLogSink&) = delete;

  void write(std::string_view lines) override;
  uint64_t dropped() const override;
  /// Waits until everything written so far is out; false when `limit` passed first.
  bool flush(Nanos limit);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive us when its output hangs
  std::thread thread_;
};

}  // namespace wye::os
