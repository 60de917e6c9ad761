#include "identity/workload/credentials.hpp"

#include "config/kinds/canonical.hpp"
#include "identity/workload/credential_core.hpp"
#include "identity/workload/make_source.hpp"

namespace wye::workload {
namespace {

/// How long a request is told "not now" where its configuration has gone.
constexpr Nanos kGoneFor = std::chrono::seconds(1);

/// Nothing is wrong with it and it never ends.
PresentedPtr fixed(HeaderStyle style, std::string_view value) {
  std::optional<Secret> line = Badge::line_of(style, value);
  if (!line) return nullptr;
  auto presented = std::make_shared<Presented>();
  presented->line = std::move(*line);
  presented->generation = 1;
  return presented;
}

std::string all_of(const CredentialWanted& wanted, const std::string& audience, const std::string& more) {
  std::string text = wanted.name + "\n" + config::canonical_json(wanted.spec) + "\n" + audience + "\n";
  for (const std::string& origin : wanted.origins) text += origin + " ";
  return text + "\n" + more;
}

}  // namespace

std::string_view to_string(CredentialState::State state) {
  constexpr std::array<std::string_view, 5> kNames = {"starting", "live", "stale", "failing", "refused"};
  return kNames[static_cast<size_t>(state)];
}

BadgePtr CredentialSet::find(size_t credential, std::string_view audience) const {
  if (credential >= badges_.size()) return nullptr;
  for (const BadgePtr& badge : badges_[credential]) {
    if (badge->identity().audience.empty() || badge->identity().audience == audience) return badge;
  }
  return nullptr;
}

CredentialSetPtr CredentialSet::of_keys(std::vector<Fixed> keys) {
  auto set = std::make_shared<CredentialSet>();
  for (Fixed& key : keys) {
    auto badge = std::make_shared<Badge>(std::move(key.identity));
    badge->set(fixed(badge->identity().style, key.value), {});
    set->badges_.push_back({std::move(badge)});
    set->keys_.emplace_back(std::move(key.value));
  }
  return set;
}

Credentials::Credentials(net::Loop& loop, net::Resolver& resolver, CredentialParts parts)
    : core_(std::make_shared<Core>(loop, resolver, std::move(parts))) {}
Credentials::~Credentials() = default;

CredentialSetPtr Credentials::prepare(std::span<const CredentialWanted> wanted, const TakeVariable& take, std::vector<CredentialFinding>& findings) {
  std::erase_if(core_->known, [](const auto& item) { return item.second.expired(); });
  const MakeContext context{core_->parts.environment, core_->parts.trust, take};
  auto set = std::make_shared<CredentialSet>();
  bool good = true;
  for (const CredentialWanted& one : wanted) {
    set->badges_.emplace_back();
    set->keys_.emplace_back();
    std::vector<std::string> audiences = one.audiences;
    if (!depends_on_audience(one.spec.type)) audiences = {std::string()};
    for (const std::string& audience : audiences) {
      Result<MadeSource> made = make_source(one.spec, audience, context);
      if (!made) {
        findings.push_back({one.name, made.error().public_message.empty() ? made.error().detail : made.error().public_message, {}});
        good = false;
        break;
      }
      if (!made->initial.empty()) set->keys_.back() = made->initial.clone();
      std::weak_ptr<CredentialSet::Held>& known = core_->known[all_of(one, audience, made->identity)];
      std::shared_ptr<CredentialSet::Held> held = known.lock();
      if (held == nullptr) {
        held = std::make_shared<CredentialSet::Held>();
        held->badge = std::make_shared<Badge>(BadgeIdentity{one.name, audience, one.origins, made->style, made->source != nullptr});
        held->state.credential = one.name;
        held->state.audience = audience;
        if (made->source != nullptr) held->state.place = made->source->place();
        if (!made->initial.empty()) {
          held->badge->set(fixed(made->style, made->initial.reveal()), {});
          held->state.state = CredentialState::State::kLive;
        }
        held->source = std::move(made->source);
        known = held;
      }
      set->badges_.back().push_back(held->badge);
      set->held_.push_back(std::move(held));
    }
  }
  return good ? set : nullptr;
}

void Credentials::take(CredentialSetPtr set) {
  {
    const std::lock_guard lock(core_->mutex);
    core_->current = set;
  }
  core_->loop.post([core = core_, set = std::move(set)] { core->keep(*set); });
}

std::vector<CredentialState> Credentials::states() const {
  CredentialSetPtr set;
  {
    const std::lock_guard lock(core_->mutex);
    set = core_->current;
  }
  std::vector<CredentialState> states;
  if (set == nullptr) return states;
  for (const auto& held : set->held_) {
    const std::lock_guard lock(held->mutex);
    states.push_back(held->state);
  }
  return states;
}

Credentials::Core::Core(net::Loop& l, net::Resolver& r, CredentialParts p) : loop(l), resolver(r), parts(std::move(p)), random(parts.seed) {}
Credentials::Core::~Core() = default;

void Credentials::Core::add_reader(net::Loop& of, std::weak_ptr<CredentialReader::State> state) {
  const std::lock_guard lock(mutex);
  readers.push_back({&of, state.lock().get(), std::move(state)});
}

void Credentials::Core::remove_reader(const CredentialReader::State& state) {
  const std::lock_guard lock(mutex);
  std::erase_if(readers, [&](const Reader& reader) { return reader.key == &state; });
}

void Credentials::Core::want(BadgePtr badge) {
  loop.post([core = shared_from_this(), badge = std::move(badge)] {
    if (Keeper* keeper = core->keeper_of(*badge)) {
      keeper->wanted();
      return;
    }
    // The configuration that named it has gone; the requests that began with it end.
    badge->set(badge->view().presented, {"its configuration has gone", false, core->loop.now() + kGoneFor});
    core->publish(badge);
  });
}

void Credentials::Core::reject(BadgePtr badge, uint64_t generation) {
  loop.post([core = shared_from_this(), badge = std::move(badge), generation] {
    if (Keeper* keeper = core->keeper_of(*badge)) keeper->rejected(generation);
    else core->publish(badge);
  });
}

void Credentials::Core::publish(const BadgePtr& badge) {
  const Badge::View view = badge->view();
  const std::lock_guard lock(mutex);
  for (const Reader& reader : readers) {
    reader.loop->post([state = reader.state, badge, view] {
      if (const auto there = state.lock()) there->deliver(*badge, view);
    });
  }
}

void Credentials::Core::keep(const CredentialSet& set) {
  std::map<const Badge*, std::unique_ptr<Keeper>> before = std::move(keepers);
  keepers.clear();
  for (const auto& held : set.held_) {
    if (held->source == nullptr) continue;
    std::unique_ptr<Keeper>& keeper = keepers[held->badge.get()];
    if (keeper != nullptr) continue;
    if (const auto kept = before.find(held->badge.get()); kept != before.end()) {
      keeper = std::move(kept->second);
      keeper->look_again();
    } else {
      keeper = std::make_unique<Keeper>(*this, held);
      keeper->begin();
    }
  }
}

Keeper* Credentials::Core::keeper_of(const Badge& badge) {
  const auto found = keepers.find(&badge);
  return found == keepers.end() ? nullptr : found->second.get();
}

}  // namespace wye::workload
