// Whom the laptop issuer vouches for: one tenant, one API (the gateway), one public client (the command line), one application
// without a person, and the users that the owner of the data folder wrote down.
// The ids are the same on every laptop: what makes a token worth something is the key that signs it.
// Threads: immutable values.
#pragma once

#include "foundation/base/result.hpp"

namespace wye::issuer {

inline constexpr std::string_view kTenantId = "11111111-1111-4111-8111-111111111111";
/// `aud` of v2.0 tokens: the application id of the API.
inline constexpr std::string_view kApiId = "22222222-2222-4222-8222-222222222222";
/// `aud` of v1.0 tokens, and what scopes begin with.
inline constexpr std::string_view kApiUri = "api://22222222-2222-4222-8222-222222222222";
/// An application that signs in for itself, with a key of its own.
inline constexpr std::string_view kAppId = "33333333-3333-4333-8333-333333333333";
inline constexpr std::string_view kAppObjectId = "55555555-5555-4555-8555-555555555555";
/// `wye login`: a public client, device code and code with PKCE.
inline constexpr std::string_view kCommandLineId = "44444444-4444-4444-8444-444444444444";
/// The one scope that users are asked for.
inline constexpr std::string_view kUserScope = "access_as_user";
/// The role of callers of the gateway, in tokens of users and of the application.
inline constexpr std::string_view kCallerRole = "Wye.Caller";

inline constexpr size_t kUsersMax = 100;
inline constexpr size_t kRolesMax = 32;
inline constexpr size_t kGroupsMax = 200;  // more do not fit into a token (overage)
inline constexpr size_t kDirectoryBytesMax = 256 << 10;

struct User {
  std::string login;  // `owner@laptop.example`: what people are called, never who they are
  std::string name;
  std::string oid;    // GUID, lower case: who they are
  std::vector<std::string> roles;
  std::vector<std::string> groups;  // GUIDs
};

struct Directory {
  std::vector<User> users;  // at least one; the first is the owner
  /// By login; null where there is none.
  const User* find(std::string_view login) const;
  const User& owner() const { return users.front(); }
};

/// `{"users":[{"login":"…","name":"…","oid":"…","roles":["…"],"groups":["…"]}]}`. Errors: kUsage saying what is wrong.
Result<Directory> parse_directory(std::string_view json);
/// What a first start writes: `owner`, who may call the gateway, and `visitor`, who may not.
std::string default_directory();

}  // namespace wye::issuer
