#include "identity/audit/anonymous.hpp"

namespace wye::audit {

bool AnonymousCount::enter(std::string_view reason, MonoTime now) {
  if (total_ == 0) since_ = now;
  ++total_;
  auto found = by_reason_.find(reason);
  if (found == by_reason_.end()) {
    const bool room = by_reason_.size() + 1 < kAnonymousReasons;
    found = by_reason_.try_emplace(room ? std::string(reason) : "other", 0).first;
  }
  ++found->second;
  return total_ <= kAnonymousSamples;
}

std::optional<Record> AnonymousCount::summary(MonoTime now, bool end) {
  if (total_ == 0 || (!end && now - since_ < kAnonymousWindow)) return std::nullopt;
  Record record;
  record.event = "authn.summary";
  record.decision = Decision::kDeny;
  record.detail.push_back({"refused", std::to_string(total_)});
  record.detail.push_back({"recorded", std::to_string(std::min<uint64_t>(total_, kAnonymousSamples))});
  record.detail.push_back({"milliseconds", std::to_string((now - since_).count() / 1'000'000)});
  // The most frequent ones fit; the rest is in the total.
  std::vector<std::pair<std::string, uint64_t>> reasons(by_reason_.begin(), by_reason_.end());
  std::ranges::sort(reasons, [](const auto& a, const auto& b) { return std::tie(b.second, a.first) < std::tie(a.second, b.first); });
  for (const auto& [reason, count] : reasons) {
    if (record.detail.size() == kFactsMax) break;
    record.detail.push_back({reason.empty() ? "none" : reason, std::to_string(count)});
  }
  const bool more = total_ > kAnonymousSamples;
  total_ = 0;
  by_reason_.clear();
  return more ? std::optional(std::move(record)) : std::nullopt;
}

}  // namespace wye::audit
