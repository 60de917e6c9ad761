#include "foundation/store/fault_table.hpp"

namespace wye::store {

FaultTable::FaultTable(Table& inner, uint64_t seed, FaultPlan plan, Sleep sleep)
    : inner_(inner),
      sleep_(std::move(sleep)),
      random_(seed),
      plan_(plan) {}

void FaultTable::set_plan(FaultPlan plan) {
  const std::lock_guard lock(mutex_);
  plan_ = plan;
}

FaultTable::Draw FaultTable::draw() {
  Draw result;
  std::chrono::nanoseconds wait{};
  {
    const std::lock_guard lock(mutex_);
    // Always four numbers a call, so that a changed share moves no other decision of the same seed.
    const double fail = random_.unit();
    const double timeout = random_.unit();
    const double late = random_.unit();
    const uint64_t length = random_.below(static_cast<uint64_t>(std::max<int64_t>(plan_.delay_max.count(), 0)) + 1);
    if (fail < plan_.fail_before) {
      result.before = internal_error(ErrorCode::kIo, "store: injected failure before the call");
    } else if (timeout < plan_.lock_timeout) {
      result.before = internal_error(ErrorCode::kTimeout, "store: injected lock timeout");
    } else {
      // The same number decides, from the other end: both shares may be set at once.
      result.after = fail >= 1.0 - plan_.fail_after;
    }
    if (late < plan_.delay) wait = std::chrono::nanoseconds(length);
  }
  if (wait.count() > 0 && sleep_) sleep_(wait);
  if (result.before || result.after) faults_.fetch_add(1, std::memory_order_relaxed);
  return result;
}

namespace {
Fail lost_answer() { return Fail(internal_error(ErrorCode::kIo, "store: injected failure after the call")); }
}  // namespace

Result<std::optional<Record>> FaultTable::get(std::string_view collection, std::string_view key) {
  Draw fault = draw();
  if (fault.before) return Fail(std::move(*fault.before));
  auto result = inner_.get(collection, key);
  if (fault.after) return lost_answer();
  return result;
}

Result<Page> FaultTable::list(std::string_view collection, const ListFrom& from) {
  Draw fault = draw();
  if (fault.before) return Fail(std::move(*fault.before));
  auto result = inner_.list(collection, from);
  if (fault.after) return lost_answer();
  return result;
}

Result<Written> FaultTable::write(std::span<const Write> batch) {
  Draw fault = draw();
  if (fault.before) return Fail(std::move(*fault.before));
  auto result = inner_.write(batch);
  if (fault.after) return lost_answer();
  return result;
}

Result<uint64_t> FaultTable::sequence() {
  Draw fault = draw();
  if (fault.before) return Fail(std::move(*fault.before));
  auto result = inner_.sequence();
  if (fault.after) return lost_answer();
  return result;
}

Result<Changes> FaultTable::changes(std::string_view collection, uint64_t since, uint32_t limit) {
  Draw fault = draw();
  if (fault.before) return Fail(std::move(*fault.before));
  auto result = inner_.changes(collection, since, limit);
  if (fault.after) return lost_answer();
  return result;
}

}  // namespace wye::store
