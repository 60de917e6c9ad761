#include "identity/issuer/directory.hpp"

#include "foundation/json/document.hpp"

namespace wye::issuer {
namespace {

constexpr size_t kWordMax = 128;

Fail wrong(std::string_view why) { return Fail(public_error(ErrorCode::kUsage, "The list of laptop users: " + std::string(why) + ".")); }

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kWordMax && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

/// 8-4-4-4-12 hex digits.
bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

Result<std::vector<std::string>> words(json::Value user, std::string_view name, size_t max, bool (*good)(std::string_view)) {
  std::vector<std::string> out;
  const auto value = user.find(name);
  if (!value) return out;
  if (!value->is_array() || value->size() > max) return wrong(std::string(name) + " is no array, or too long");
  for (const json::Value item : value->elements()) {
    if (!item.is_string() || !good(item.text())) return wrong(std::string(name) + " holds what it may not");
    out.push_back(item.text());
  }
  return out;
}

Result<User> read_user(json::Value value) {
  if (!value.is_object()) return wrong("a user is no object");
  for (const json::Member member : value.members()) {
    const std::string name = member.name();
    if (name != "login" && name != "name" && name != "oid" && name != "roles" && name != "groups") return wrong("`" + name + "` is unknown");
  }
  const auto text = [&](std::string_view name) { return value.find(name) ? value.find(name)->text() : std::string(); };
  User user{text("login"), text("name"), text("oid"), {}, {}};
  if (!is_word(user.login)) return wrong("every user has a login of visible characters");
  if (user.name.empty()) user.name = user.login;
  if (user.name.size() > kWordMax) return wrong("a name is too long");
  std::ranges::transform(user.oid, user.oid.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!is_guid(user.oid)) return wrong("the oid of " + user.login + " is no GUID");
  TRY(user.roles, words(value, "roles", kRolesMax, is_word));
  TRY(user.groups, words(value, "groups", kGroupsMax, is_guid));
  return user;
}

}  // namespace

const User* Directory::find(std::string_view login) const {
  const auto found = std::ranges::find(users, login, [](const User& user) -> std::string_view { return user.login; });
  return found == users.end() ? nullptr : &*found;
}

Result<Directory> parse_directory(std::string_view json) {
  json::Document document;
  if (!document.parse(json, {.bytes_max = Bytes{kDirectoryBytesMax}, .depth_max = 8}) || !document.root().is_object())
    return wrong("it is no JSON object");
  const auto users = document.root().find("users");
  if (!users || !users->is_array() || users->size() == 0 || users->size() > kUsersMax) return wrong("`users` holds 1 to 100 of them");
  Directory out;
  std::set<std::string> oids;
  for (const json::Value value : users->elements()) {
    TRY(User user, read_user(value));
    if (out.find(user.login) != nullptr || !oids.insert(user.oid).second) return wrong(user.login + " stands twice");
    out.users.push_back(std::move(user));
  }
  return out;
}

std::string default_directory() {
  return R"({"users": [
  {"login": "owner@laptop.example", "name": "Owner of this laptop", "oid": "aaaaaaaa-0000-4000-8000-000000000001",
   "roles": ["Wye.Caller"], "groups": ["bbbbbbbb-0000-4000-8000-000000000001"]},
  {"login": "visitor@laptop.example", "name": "Visitor without a role", "oid": "aaaaaaaa-0000-4000-8000-000000000002"}
]}
)";
}

}  // namespace wye::issuer
