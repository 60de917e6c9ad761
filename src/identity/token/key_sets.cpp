#include "identity/token/key_sets.hpp"

#include "foundation/crypto/digest.hpp"
#include "identity/token/key_source.hpp"
#include "identity/token/spiffe.hpp"

#include <fstream>

namespace wye::token {

/// A source and what it shares with everybody.
struct KeySets::Taken {
  KeySource source;
  std::shared_ptr<KeySourceState> state;
};

/// A bundle file of one trust domain. Guarded by bundles_mutex_.
struct KeySets::Bundle {
  KeySource source;
  std::shared_ptr<KeySourceState> state;
  std::filesystem::file_time_type written{};
  uintmax_t size = 0;
  std::optional<crypto::Digest> content{};  // of the last bundle that was good
  std::optional<int64_t> sequence{};
  std::string problem{};  // told once
};

namespace {

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kBundleFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || !in.eof()) return Fail(internal_error(in.is_open() ? ErrorCode::kTooLarge : ErrorCode::kIo, "the bundle can not be read"));
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

}  // namespace

const PublishedKeys* PublishedSets::find(std::string_view id) const {
  const auto found = std::ranges::find(sources, id, &PublishedKeys::id);
  return found == sources.end() ? nullptr : &*found;
}

KeySets::KeySets(Surroundings surroundings)
    : outside_(surroundings),
      published_(std::make_shared<PublishedSets>()),
      alive_(std::make_shared<bool>(true)) {}

KeySets::~KeySets() {
  *alive_ = false;
  sources_.clear();
}

void KeySets::take(std::vector<KeySource> sources) {
  std::vector<Taken> taken;
  {
    const std::lock_guard lock(publish_mutex_);
    auto next = std::make_shared<PublishedSets>();
    for (const KeySource& source : sources) {
      if (next->find(source.id) != nullptr) continue;
      const PublishedKeys* old = published_->find(source.id);
      const bool same = old != nullptr && std::ranges::find(taken_, source) != taken_.end();
      next->sources.push_back(same ? *old : PublishedKeys{source.id, source.issuer_name, nullptr, 0, std::make_shared<KeySourceState>()});
      taken.push_back({source, next->sources.back().state});
    }
    taken_ = std::move(sources);
    published_ = std::move(next);
    generation_.fetch_add(1, std::memory_order_release);
  }
  {
    const std::lock_guard lock(bundles_mutex_);
    auto old = std::exchange(bundles_, {});
    for (const Taken& one : taken) {
      if (one.source.bundle_file.empty()) continue;
      const auto kept = old.find(one.source.id);
      const bool same = kept != old.end() && kept->second->state == one.state;
      bundles_[one.source.id] = same ? std::move(kept->second) : std::make_unique<Bundle>(Bundle{.source = one.source, .state = one.state});
    }
  }
  outside_.loop.post([this, alive = alive_, taken = std::move(taken)] {
    if (*alive) adopt(taken);
  });
}

void KeySets::adopt(const std::vector<Taken>& sources) {
  auto old = std::exchange(sources_, {});
  std::vector<Source*> fresh;
  for (const Taken& one : sources) {
    if (!one.source.bundle_file.empty()) continue;
    const auto kept = old.find(one.source.id);
    if (kept != old.end() && kept->second->state() == one.state) {
      sources_[one.source.id] = std::move(kept->second);
      continue;
    }
    auto made = std::make_unique<Source>(*this, one.source, one.state);
    fresh.push_back(made.get());
    sources_[one.source.id] = std::move(made);
  }
  std::erase_if(old, [](const auto& entry) { return entry.second == nullptr; });
  old.clear();
  for (Source* source : fresh) source->start();
}

std::shared_ptr<const PublishedSets> KeySets::current() const {
  const std::lock_guard lock(publish_mutex_);
  return published_;
}

void KeySets::publish(const KeySourceState* state, std::shared_ptr<const KeySet> keys) {
  const std::lock_guard lock(publish_mutex_);
  auto next = std::make_shared<PublishedSets>(*published_);
  const auto found = std::ranges::find(next->sources, state, [](const PublishedKeys& one) { return one.state.get(); });
  if (found == next->sources.end()) return;  // taken away meanwhile
  found->keys = std::move(keys);
  found->version = ++versions_;
  published_ = std::move(next);
  generation_.fetch_add(1, std::memory_order_release);
}

std::vector<IssuerState> KeySets::states() const {
  const auto published = current();
  const MonoTime now = outside_.clock.mono();
  // From the best to the worst.
  const auto rank = [](KeyState state) { return state == KeyState::kEmpty ? 3 : static_cast<int>(state) - 1; };
  std::vector<IssuerState> states;
  for (const PublishedKeys& source : published->sources) {
    const KeyState state = key_state(source.state->good(), now);
    const auto known = std::ranges::find(states, source.issuer_name, &IssuerState::issuer);
    if (known == states.end()) states.push_back({source.issuer_name, state});
    else if (rank(state) > rank(known->state)) known->state = state;
  }
  return states;
}

bool KeySets::starting() const {
  const auto published = current();
  return std::ranges::any_of(published->sources, [](const PublishedKeys& source) {
    return !source.state->good() && !source.state->failing.load(std::memory_order_relaxed);
  });
}

std::optional<KidOutcome> KeySets::judge(const PublishedKeys& keys, MonoTime now) {
  const KeySourceState& state = *keys.state;
  if (state.failing.load(std::memory_order_relaxed)) return KidOutcome::kUnavailable;
  if (state.fetching.load(std::memory_order_relaxed)) return std::nullopt;
  if (now.ns < state.open_at.load(std::memory_order_relaxed)) return KidOutcome::kNoSuchKey;
  return std::nullopt;
}

void KeySets::on_request(const std::shared_ptr<Waiter>& waiter) {
  const auto found = sources_.find(waiter->source);
  if (found == sources_.end()) return Waiter::answer(waiter, KidOutcome::kNoSuchKey);
  found->second->ask(waiter);
}

net::Task<KidOutcome> KeySets::request(net::Loop& own, std::string source, std::string kid) {
  net::WaitSlot slot(own.wheel());
  const auto waiter = std::make_shared<Waiter>(Waiter{.own = own, .source = std::move(source), .kid = std::move(kid), .slot = &slot});
  struct Leave {
    Waiter& left;
    ~Leave() { left.slot = nullptr; }
  } leave{*waiter};
  outside_.loop.post([this, alive = alive_, waiter] {
    if (*alive) on_request(waiter);
    else Waiter::answer(waiter, KidOutcome::kUnavailable);
  });
  const net::IoStatus status = co_await Signal(slot, {own.after(kKeyWaitMax - net::TimerWheel::kTick), nullptr});
  // A good set that has not got the kid says that the token is bad, until a better one comes.
  co_return status == net::IoStatus::kOk ? waiter->outcome : KidOutcome::kNoSuchKey;
}

void KeySets::refresh_files() {
  const std::lock_guard lock(bundles_mutex_);
  for (const auto& [id, bundle] : bundles_) refresh_bundle(*bundle);
}

void KeySets::refresh_bundle(Bundle& bundle) {
  const auto problem = [&](std::string_view text) {
    bundle.state->failing.store(true, std::memory_order_relaxed);
    if (bundle.problem == text) return;
    bundle.problem = text;
    outside_.log.error("issuer.bundle_refused", {{"issuer", bundle.source.issuer_name}, {"source", bundle.source.id}, {"detail", text}});
  };
  std::error_code fault;
  const auto written = std::filesystem::last_write_time(bundle.source.bundle_file, fault);
  const auto size = fault ? 0 : std::filesystem::file_size(bundle.source.bundle_file, fault);
  if (fault) {
    bundle.written = {};  // when it comes back it is read, whatever its time says
    return problem("no such file: " + bundle.source.bundle_file.string());
  }
  const auto good = [&] {
    bundle.state->good_at.store(outside_.clock.mono().ns, std::memory_order_release);
    bundle.state->open_at.store(INT64_MAX, std::memory_order_relaxed);  // nobody can be asked for a kid
    bundle.state->failing.store(false, std::memory_order_relaxed);
    bundle.problem.clear();
  };
  if (bundle.content && written == bundle.written && size == bundle.size) {
    if (bundle.problem.empty()) good();
    return;
  }
  const Result<std::string> text = read_file(bundle.source.bundle_file);
  if (!text) return problem(text.error().detail);
  bundle.written = written;
  bundle.size = size;
  const crypto::Digest content = crypto::sha256(*text);
  if (content == bundle.content) return good();
  const auto own = spiffe_bundle_text(*text, bundle.source.trust_domain, bundle.source.only_domain);
  if (!own) return problem(own.error().detail);
  const Result<KeySetParse> parsed = KeySet::parse(*own, {.use = KeyUse::kJwtSvid});
  if (!parsed) return problem(parsed.error().detail);
  if (bundle.sequence && parsed->spiffe_sequence.value_or(0) < *bundle.sequence) return problem("spiffe_sequence went back");
  // No key at all: the trust domain revoked them. Keys of which none can be used: somebody broke the file.
  if (parsed->keys->size() == 0 && parsed->alarms() > 0) return problem("no usable key in the bundle: it replaces nothing");
  for (const QuarantinedKey& key : parsed->quarantine) {
    if (!is_alarm(key.fault)) continue;
    outside_.log.error("issuer.key_quarantined", {{"issuer", bundle.source.issuer_name}, {"kid", key.kid}, {"fault", to_string(key.fault)}});
  }
  bundle.content = content;
  bundle.sequence = parsed->spiffe_sequence;
  publish(bundle.state.get(), parsed->keys);
  good();
}

}  // namespace wye::token
