// A whole trail in memory, for tests of whoever records. Threads: any, as the trail.
#pragma once

#include "foundation/store/memory_table.hpp"
#include "identity/audit/test_chain_file.hpp"
#include "identity/audit/trail.hpp"

namespace wye::audit {

class TestTrail {
 public:
  explicit TestTrail(const Clock& clock)
      : trail_(std::move(*Trail::open({.chain = "test"}, std::make_unique<TestChainFile>(disk_), heads_, clock))) {}
  Trail& trail() { return *trail_; }
  /// What was recorded so far, once all of it is written.
  std::vector<std::string> lines() {
    if (!trail_->flush(std::chrono::seconds(10))) return {"the trail is not written"};
    return disk_.lines();
  }

 private:
  TestDisk disk_;
  store::MemoryTable heads_;
  std::unique_ptr<Trail> trail_;
};

}  // namespace wye::audit
