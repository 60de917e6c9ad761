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
  void find(const token::PrincipalFields& caller, Take&& take) const;

 private:
  using Form = config::Subject::Form;
  struct Key {
    Form form = Form::kSubject;
    std::string_view issuer{};
    std::string_view text{};
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Slot {
    Key key{};
    uint32_t begin = 0;
    uint32_t count = 0;  // 0: empty slot
  };
  /// An open hash table with linear probing; sized twice what it holds.
  struct Table {
    std::vector<Slot> slots{};
    std::span<const Entry> find(const Key& key, const std::vector<Entry>& entries) const;
  };
  struct Lengths {
    Form form = Form::kSubject;
    std::string_view issuer{};
    std::vector<uint16_t> lengths{};  // of patterns, without their `*`
  };

  template <class Take>
  void look_up(Form form, std::string_view issuer, std::string_view text, Take& take) const {
    if (text.empty()) return;
    if (const auto found = exact_.find({form, issuer, text}, entries_); !found.empty()) take(found, Match::kSure);
    for (const Lengths& known : lengths_) {
      if (known.form != form || known.issuer != issuer) continue;
      for (const uint16_t length : known.lengths) {
        if (length > text.size()) break;
        if (const auto found = patterns_.find({form, issuer, text.substr(0, length)}, entries_); !found.empty()) take(found, Match::kSure);
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
void SubjectIndex::find(const token::PrincipalFields& caller, Take&& take) const {
  if (caller.kind == token::PrincipalKind::kKey) return look_up(Form::kKey, {}, caller.key_id, take);
  look_up(Form::kSubject, caller.issuer, caller.subject, take);
  look_up(Form::kClient, caller.issuer, caller.client, take);
  look_up(Form::kServiceAccount, caller.issuer, caller.service_account, take);
  look_up(Form::kSpiffe, {}, caller.spiffe_id, take);
  for (const std::string& role : caller.roles) look_up(Form::kAppRole, caller.issuer, role, take);
  for (const std::string& group : caller.groups) look_up(Form::kGroup, caller.issuer, group, take);
  if (caller.groups_state != token::GroupsState::kOverage) return;
  if (const auto it = by_group_issuer_.find(caller.issuer); it != by_group_issuer_.end()) take(std::span<const Entry>(it->second), Match::kPerhaps);
}

}  // namespace wye::access
