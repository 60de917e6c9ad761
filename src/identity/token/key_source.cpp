#include "identity/token/key_source.hpp"

#include "foundation/crypto/digest.hpp"

namespace wye::token {
namespace {

/// Of one set; the rest are only counted.
constexpr size_t kQuarantineLinesMax = 8;

}  // namespace

void KeySets::Waiter::answer(const std::shared_ptr<Waiter>& waiter, KidOutcome outcome) {
  waiter->outcome = outcome;
  waiter->own.post([waiter] {
    if (waiter->slot != nullptr) waiter->slot->notify();
  });
}

KeySets::Source::Source(KeySets& sets, KeySource source, std::shared_ptr<KeySourceState> state)
    : sets_(sets),
      source_(std::move(source)),
      state_(std::move(state)),
      schedule_(sets.outside_.clock.mono()),
      wake_(sets.outside_.loop.wheel()) {}

// Where all sets go, the loops of those who wait may be gone already: then nobody waits any more.
KeySets::Source::~Source() {
  if (*sets_.alive_) answer_all(KidOutcome::kUnavailable);
}

void KeySets::Source::start() { scope_.spawn(run()); }

net::Task<void> KeySets::Source::run() {
  for (;;) {
    const MonoTime now = sets_.outside_.clock.mono();
    const bool asked = schedule_.fetching();
    if (!asked && now < schedule_.next()) {
      // Until the next one is due, or somebody asks for a kid.
      co_await Signal(wake_, {Deadline{sets_.outside_.loop.now() + (schedule_.next() - now)}, nullptr});
      continue;
    }
    schedule_.begin();
    tell_state();
    // What is due by the clock asks for the metadata again; a kid only for the keys.
    if (!asked) uri_.clear();
    co_await fetch();
  }
}

net::Task<void> KeySets::Source::fetch() {
  sets_.fetches_.fetch_add(1, std::memory_order_relaxed);
  const FetchOutside outside{sets_.outside_.loop, sets_.outside_.resolver, sets_.outside_.clock};
  Result<FetchedKeys> fetched = co_await fetch_keys(outside, source_, uri_);
  if (fetched) take_set(std::move(*fetched));
  else fail(fetched.error());
}

void KeySets::Source::take_set(FetchedKeys fetched) {
  const crypto::Digest content = crypto::sha256(fetched.json);
  if (content != content_) {
    const Result<KeySetParse> parsed = KeySet::parse(fetched.json, {});
    if (!parsed) return fail(parsed.error());
    report(*parsed);
    if (parsed->keys->size() == 0) return fail(internal_error(ErrorCode::kCorrupt, "no usable key in the set: it replaces nothing"));
    content_ = content;
    keys_ = parsed->keys;
    sets_.publish(state_.get(), keys_);
    sets_.outside_.log.info("issuer.keys", {{"issuer", source_.issuer_name}, {"source", source_.id}, {"keys", std::to_string(keys_->size())}});
  }
  uri_ = std::move(fetched.uri);
  const MonoTime now = sets_.outside_.clock.mono();
  schedule_.succeeded(now, sets_.outside_.random.unit());
  for (const auto& waiter : waiters_) {
    if (keys_->find(waiter->kid).empty()) schedule_.remember_missing(waiter->kid, now);
  }
  tell_state();
  answer_all(KidOutcome::kNoSuchKey);
}

void KeySets::Source::fail(const Error& error) {
  uri_.clear();
  schedule_.failed(sets_.outside_.clock.mono(), sets_.outside_.random.unit());
  tell_state();
  sets_.outside_.log.warning("issuer.fetch_failed", {{"issuer", source_.issuer_name}, {"source", source_.id}, {"detail", error.detail}});
  answer_all(KidOutcome::kUnavailable);
}

void KeySets::Source::report(const KeySetParse& parsed) {
  size_t lines = 0;
  for (const QuarantinedKey& key : parsed.quarantine) {
    if (!is_alarm(key.fault) || ++lines > kQuarantineLinesMax) continue;
    sets_.outside_.log.error(
        "issuer.key_quarantined",
        {{"issuer", source_.issuer_name}, {"source", source_.id}, {"kid", key.kid}, {"fault", to_string(key.fault)}, {"detail", key.why}});
  }
  if (lines > kQuarantineLinesMax) {
    sets_.outside_.log.error("issuer.key_quarantined", {{"issuer", source_.issuer_name}, {"more", std::to_string(lines - kQuarantineLinesMax)}});
  }
}

void KeySets::Source::tell_state() {
  if (const auto good = schedule_.good_at()) state_->good_at.store(good->ns, std::memory_order_release);
  state_->open_at.store(schedule_.open_at().ns, std::memory_order_relaxed);
  state_->fetching.store(schedule_.fetching(), std::memory_order_relaxed);
  state_->failing.store(schedule_.failing(), std::memory_order_relaxed);
}

void KeySets::Source::answer_all(KidOutcome otherwise) {
  for (const auto& waiter : std::exchange(waiters_, {})) {
    const bool there = keys_ != nullptr && !keys_->find(waiter->kid).empty();
    Waiter::answer(waiter, there ? KidOutcome::kLookAgain : otherwise);
  }
}

void KeySets::Source::ask(std::shared_ptr<Waiter> waiter) {
  if (keys_ != nullptr && !keys_->find(waiter->kid).empty()) return Waiter::answer(waiter, KidOutcome::kLookAgain);
  const KidAnswer answer = schedule_.on_unknown_kid(waiter->kid, sets_.outside_.clock.mono());
  if (answer == KidAnswer::kNoSuchKey) return Waiter::answer(waiter, KidOutcome::kNoSuchKey);
  if (answer == KidAnswer::kUnavailable || waiters_.size() >= kKeyWaitersMax) return Waiter::answer(waiter, KidOutcome::kUnavailable);
  waiters_.push_back(std::move(waiter));
  if (answer != KidAnswer::kFetch) return;
  schedule_.begin();
  tell_state();
  wake_.notify();
}

}  // namespace wye::token
