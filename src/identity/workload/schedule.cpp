#include "identity/workload/schedule.hpp"

namespace wye::workload {
namespace {

constexpr MonoTime kNever{INT64_MAX};

Nanos scaled(Nanos d, double factor) { return Nanos(static_cast<int64_t>(static_cast<double>(d.count()) * factor)); }
/// 1 ± spread, for a chance in [0, 1).
double wobble(double chance, double spread) { return 1 + (2 * chance - 1) * spread; }

bool imds_may_retry(const Fault& fault) { return fault.status == 404 || fault.status == 410 || fault.kind == Fault::Kind::kRetryable; }

}  // namespace

Nanos refresh_after(Nanos life, double chance) {
  const Nanos ideal = std::min(life / 2, life - kRefreshAhead);
  return scaled(std::max(ideal, life / 10), wobble(chance, kRefreshJitter));
}

Nanos backoff_after(uint32_t failures, double chance) {
  const Nanos plain = kBackoffFirst * (int64_t{1} << std::min(failures == 0 ? 0U : failures - 1, 6U));
  return std::clamp(scaled(plain, wobble(chance, kBackoffJitter)), kBackoffFirst, kBackoffMax);
}

std::optional<Nanos> next_imds_try(const Fault& fault, size_t tries, Nanos elapsed) {
  if (!imds_may_retry(fault)) return std::nullopt;
  if (tries < kImdsTries.size()) return std::max(kImdsTries[tries], elapsed);
  if (fault.status == 410 && elapsed < kImdsGoneMax) return std::min(elapsed + kImdsGoneEvery, kImdsGoneMax);
  return std::nullopt;
}

void Schedule::begin(MonoTime now) {
  due_ = round_began_ = now;
  tries_ = 0;
}

void Schedule::succeeded(MonoTime now, std::optional<Nanos> life, double chance) {
  failures_ = 0;
  tries_ = 0;
  refused_ = false;
  if (rules_.every.count() > 0) due_ = now + scaled(rules_.every, wobble(chance, kRefreshJitter));
  else due_ = life ? now + refresh_after(*life, chance) : kNever;
}

bool Schedule::failed(MonoTime now, const Fault& fault, double chance, bool holding) {
  if (tries_ == 0) round_began_ = std::min(due_, now);
  ++tries_;
  failed_at_ = now;
  if (fault.again_at_once && tries_ == 1) {
    due_ = now;
    return false;
  }
  if (rules_.imds) {
    if (const auto next = next_imds_try(fault, tries_, now - round_began_)) {
      due_ = round_began_ + *next;
      return false;
    }
  }
  tries_ = 0;
  ++failures_;
  refused_ = fault.kind == Fault::Kind::kPermanent && !rules_.local;
  Nanos wait = backoff_after(failures_, chance);
  if (fault.retry_after) wait = std::clamp(*fault.retry_after, wait, kBackoffMax);
  if (refused_) due_ = holding ? now + kBackoffMax : kNever;
  else due_ = now + wait;
  return true;
}

void Schedule::wanted(MonoTime now) {
  if (refused_ && due_ == kNever && now - failed_at_ >= kBackoffMax) due_ = now;
}

bool Schedule::rejected(MonoTime now) {
  if (rejected_at_ && now - *rejected_at_ < kRejectionEvery) return false;
  rejected_at_ = now;
  due_ = now;
  return true;
}

}  // namespace wye::workload
