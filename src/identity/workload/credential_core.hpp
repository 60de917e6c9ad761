// What Credentials is made of: one Keeper a Badge on the loop, and the list of readers. Private to identity/workload.
// Threads: `Core::{add_reader, remove_reader, want, reject}` from any thread; everything that says so on the loop.
#pragma once

#include "foundation/net/scope.hpp"
#include "identity/workload/credential_slot.hpp"
#include "identity/workload/credentials.hpp"
#include "identity/workload/token_source.hpp"

namespace wye::workload {

/// A Badge and what fetches for it. Shared by the sets that name it.
struct CredentialSet::Held {
  BadgePtr badge;
  std::unique_ptr<TokenSource> source;  // null: fixed. Used on the loop only
  mutable std::mutex mutex;
  CredentialState state;  // guarded by mutex
};

class Keeper;

struct Credentials::Core : std::enable_shared_from_this<Credentials::Core> {
  Core(net::Loop& l, net::Resolver& r, CredentialParts p);
  ~Core();

  void add_reader(net::Loop& of, std::weak_ptr<CredentialReader::State> state);
  /// Afterwards nothing is posted to its loop any more.
  void remove_reader(const CredentialReader::State& state);
  void want(BadgePtr badge);
  void reject(BadgePtr badge, uint64_t generation);
  /// On the loop. Tells every reader what the Badge says now.
  void publish(const BadgePtr& badge);
  /// On the loop.
  void keep(const CredentialSet& set);
  Keeper* keeper_of(const Badge& badge);

  struct Reader {
    net::Loop* loop;
    const CredentialReader::State* key;
    std::weak_ptr<CredentialReader::State> state;
  };

  net::Loop& loop;
  net::Resolver& resolver;
  const CredentialParts parts;
  SeededRandom random;  // the loop's
  std::map<const Badge*, std::unique_ptr<Keeper>> keepers;  // the loop's
  std::mutex mutex;
  std::vector<Reader> readers;   // guarded by mutex
  CredentialSetPtr current;      // guarded by mutex
  std::map<std::string, std::weak_ptr<CredentialSet::Held>> known;  // the composition root's: by all that makes a Badge what it is
};

/// Keeps one Badge fresh. On the loop.
class Keeper {
 public:
  Keeper(Credentials::Core& core, std::shared_ptr<CredentialSet::Held> held);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void begin();
  /// Looks again now, where that asks nobody else.
  void look_again();
  void wanted();
  void rejected(uint64_t generation);

 private:
  void arm();
  void start_fetch();
  net::Task<void> run();
  void succeeded(Fetched fetched, MonoTime began);
  void failed(const Fault& fault);
  void note(CredentialState::State state, const std::string& reason);
  void show(PresentedPtr presented, Unavailable unavailable);
  bool holding() const;

  Credentials::Core& core_;
  std::shared_ptr<CredentialSet::Held> held_;
  Schedule schedule_;
  std::optional<net::Loop::TimerToken> timer_;
  bool fetching_ = false;
  bool told_wrong_ = false;  // the log knows of a failure
  net::Cancel stop_;
  net::Scope scope_;
};

}  // namespace wye::workload
