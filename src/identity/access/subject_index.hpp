// From a caller to the ids that name it: of Grants, of Tenants. Exact texts are found by one hash each; patterns by one hash for each
// length of pattern that its kind has.
// Threads: immutable after `seal`. Lifetime: views into the strings of the subjects, which outlive it.
#pragma once

#include "config/kinds/subject.hpp"
#include "identity/token/principal.hpp"

namespace wye::access {

/// Whether the caller is surely meant, or perhaps: its groups are unknown and a group is named.
enum class Match : uint8_t { kSure, kPerhaps };

class SubjectIndex {
 public:
  struct Entry {
    uint32_t tenant = 0;
    uint32_t id = 0;
    friend auto operator<=>(Entry, Entry) = default;
  };

  void add(const config::Subject& subject, Entry entry);
  void seal();

  /// Calls `take(std::span<const Entry>, Match)` for each subject that matches; an id may come more than once, by several subjects.
  /// Entries of one span are sorted. Allocates nothing. Subjects `{members: true}` are not kept here.
  template <class Take>
  void find(const token::Principal& caller, Take&& take) const;

 private:
  using Form = config::Subject::Form;
  struct Key {
    Form form = Form::kSubject;
    std::string_view issuer{};
    std::string_view text{};
    friend bool operator==(const Key&, const Key&) = default;
  };
  static uint64_t hash_of(Form form, uint64_t issuer, uint64_t text) {
    const uint64_t h = (text ^ (issuer * 0x9E3779B97F4A7C15u) ^ static_cast<uint64_t>(form)) * 0xD1B54A32D192ED03u;
    return (h ^ (h >> 29)) | 1;  // 0 is an empty slot
  }
  static uint64_t hash_of(const Key& key) { return hash_of(key.form, token::name_hash(key.issuer), token::name_hash(key.text)); }
  struct Slot {
    Key key{};
    uint32_t begin = 0;
    uint32_t count = 0;
  };
  /// An open hash table with linear probing; sized twice what it holds. A text that is not there costs one look at `hashes`.
  struct Table {
    std::vector<uint64_t> hashes{};
    std::vector<Slot> slots{};
    std::span<const Entry> find(uint64_t hash, const Key& key, const std::vector<Entry>& entries) const {
      if (slots.empty()) return {};
      for (size_t at = hash & (slots.size() - 1); hashes[at] != 0; at = (at + 1) & (slots.size() - 1)) {
        if (hashes[at] == hash && slots[at].key == key) return std::span(entries).subspan(slots[at].begin, slots[at].count);
      }
      return {};
    }
  };
  struct Lengths {
    Form form = Form::kSubject;
    std::string_view issuer{};
    std::vector<uint16_t> lengths{};  // of patterns, without their `*`
  };

  template <class Take>
  void look_up(Form form, std::string_view issuer, uint64_t issuer_hash, const std::string& text, uint64_t text_hash, Take& take) const {
    if (const auto found = exact_.find(hash_of(form, issuer_hash, text_hash), {form, issuer, text}, entries_); !found.empty())
      take(found, Match::kSure);
    for (const Lengths& known : lengths_) {
      if (known.form != form || known.issuer != issuer) continue;
      for (const uint16_t length : known.lengths) {
        if (length > text.size()) break;
        const Key key{form, issuer, std::string_view(text).substr(0, length)};
        if (const auto found = patterns_.find(hash_of(key), key, entries_); !found.empty()) take(found, Match::kSure);
      }
    }
  }
  static Table make_table(const std::map<std::tuple<Form, std::string_view, std::string_view>, std::vector<Entry>>& from,
                          std::vector<Entry>& entries);

  std::map<std::tuple<Form, std::string_view, std::string_view>, std::vector<Entry>> exact_build_, pattern_build_;
  std::map<std::string_view, std::vector<Entry>> group_build_;
  std::vector<Entry> entries_;
  Table exact_, patterns_;
  std::vector<Lengths> lengths_;
  std::map<std::string_view, std::vector<Entry>> by_group_issuer_;  // everything that names a group of the Issuer: read under overage only
};

template <class Take>
void SubjectIndex::find(const token::Principal& principal, Take&& take) const {
  const token::PrincipalFields& caller = principal.fields();
  const auto named = [&](Form form, std::string_view issuer, uint64_t issuer_hash, const std::string& text, uint64_t text_hash) {
    if (!text.empty()) look_up(form, issuer, issuer_hash, text, text_hash, take);
  };
  static const uint64_t kNoIssuer = token::name_hash({});
  if (caller.kind == token::PrincipalKind::kKey) return named(Form::kKey, {}, kNoIssuer, caller.key_id, token::name_hash(caller.key_id));
  std::span<const uint64_t> hashes = principal.name_hashes();
  const uint64_t issuer = hashes[0];
  named(Form::kSubject, caller.issuer, issuer, caller.subject, hashes[1]);
  named(Form::kClient, caller.issuer, issuer, caller.client, hashes[2]);
  named(Form::kServiceAccount, caller.issuer, issuer, caller.service_account, hashes[3]);
  named(Form::kSpiffe, {}, kNoIssuer, caller.spiffe_id, hashes[4]);
  hashes = hashes.subspan(5);
  for (size_t i = 0; i < caller.roles.size(); ++i) named(Form::kAppRole, caller.issuer, issuer, caller.roles[i], hashes[i]);
  hashes = hashes.subspan(caller.roles.size());
  for (size_t i = 0; i < caller.groups.size(); ++i) named(Form::kGroup, caller.issuer, issuer, caller.groups[i], hashes[i]);
  if (caller.groups_state != token::GroupsState::kOverage) return;
  if (const auto it = by_group_issuer_.find(caller.issuer); it != by_group_issuer_.end()) take(std::span<const Entry>(it->second), Match::kPerhaps);
}

}  // namespace wye::access
