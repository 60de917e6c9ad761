// Structured logs: JSON lines, collected in blocks, handed to a sink that never makes a request wait.
#pragma once

#include "foundation/base/json_line.hpp"

namespace wye {

/// Port: takes blocks of whole lines. Must not block on a disk: implementations queue within a bound and count what they drop.
/// Threads: any thread may call.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(std::string_view lines) = 0;
  /// Lines that were dropped because the queue was full or the disk refused.
  virtual uint64_t dropped() const = 0;
};

/// Keeps everything in memory: for tests.
class MemoryLogSink final : public LogSink {
 public:
  void write(std::string_view lines) override {
    const std::lock_guard lock(mutex_);
    text_ += lines;
  }
  uint64_t dropped() const override { return 0; }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// Collects lines of one thread in a 64 KiB block; the owner flushes it at every tick of its loop. Threads: one owner.
class LogBlock {
 public:
  static constexpr size_t kBlockBytes = 64 << 10;
  static constexpr size_t kLineBytesMax = 8 << 10;

  explicit LogBlock(LogSink& sink) : sink_(sink), block_(kBlockBytes) {}
  ~LogBlock() { flush(); }
  LogBlock(const LogBlock&) = delete;
  LogBlock& operator=(const LogBlock&) = delete;

  /// Starts a line; finish it with `commit` before the next one starts.
  JsonLine line() {
    if (used_ + kLineBytesMax > kBlockBytes) flush();
    return JsonLine(std::span(block_).subspan(used_, kLineBytesMax));
  }
  void commit(JsonLine& line) { used_ += line.finish().size(); }
  void flush() {
    if (used_ == 0) return;
    sink_.write({block_.data(), used_});
    used_ = 0;
  }

 private:
  LogSink& sink_;
  std::vector<char> block_;
  size_t used_ = 0;
};

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };
std::string_view to_string(LogLevel level);

/// The process log (`wye.jsonl`): rare events, one line each, written at once. Threads: any.
class Log {
 public:
  Log(LogSink& sink, const Clock& clock, LogLevel least = LogLevel::kInfo) : sink_(sink), clock_(clock), least_(least) {}

  struct Field {
    std::string_view key;
    std::string_view value;
  };
  /// `event` is a constant dotted name (`config.refused`); values are escaped; never a secret, never content of a request.
  void write(LogLevel level, std::string_view event, std::initializer_list<Field> fields = {});
  void info(std::string_view event, std::initializer_list<Field> fields = {}) { write(LogLevel::kInfo, event, fields); }
  void warning(std::string_view event, std::initializer_list<Field> fields = {}) { write(LogLevel::kWarning, event, fields); }
  void error(std::string_view event, std::initializer_list<Field> fields = {}) { write(LogLevel::kError, event, fields); }

 private:
  LogSink& sink_;
  const Clock& clock_;
  LogLevel least_;
};

}  // namespace wye
