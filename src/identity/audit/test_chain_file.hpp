// The file of a chain in memory, for tests: it can refuse, tear and be bent by hand. Threads: any; one mutex.
#pragma once

#include "identity/audit/chain_file.hpp"

namespace wye::audit {

/// What outlives the file object, as a disk does.
struct TestDisk {
  std::mutex mutex;
  std::string bytes;
  bool refuse = false;
  std::string text() {
    const std::lock_guard lock(mutex);
    return bytes;
  }
  void set_refuse(bool value) {
    const std::lock_guard lock(mutex);
    refuse = value;
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
};

class TestChainFile final : public ChainFile {
 public:
  explicit TestChainFile(TestDisk& disk) : disk_(disk) {}
  Result<uint64_t> size() override {
    const std::lock_guard lock(disk_.mutex);
    return disk_.bytes.size();
  }
  Result<std::string> read(uint64_t offset, size_t count) override {
    const std::lock_guard lock(disk_.mutex);
    return disk_.bytes.substr(std::min<size_t>(offset, disk_.bytes.size()), count);
  }
  Result<void> append(std::string_view lines) override {
    const std::lock_guard lock(disk_.mutex);
    if (disk_.refuse) return Fail(internal_error(ErrorCode::kIo, "the disk is full"));
    disk_.bytes += lines;
    return {};
  }
  Result<void> truncate(uint64_t size) override {
    const std::lock_guard lock(disk_.mutex);
    disk_.bytes.resize(size);
    return {};
  }

 private:
  TestDisk& disk_;
};

}  // namespace wye::audit
