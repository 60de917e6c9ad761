#include "foundation/json/names.hpp"

namespace wye::json {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }
bool has_upper(std::string_view text) { return std::ranges::any_of(text, is_upper); }

bool equal_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

/// Calls `test` with what the member's name means.
template <class Test>
auto with_name(Member member, Test test) {
  return member.name_is_plain() ? test(member.name_raw()) : test(std::string_view(member.name()));
}

}  // namespace

KnownNames::KnownNames(std::span<const std::string_view> names) : names_(names), any_upper_(std::ranges::any_of(names, has_upper)) {}

std::optional<std::string_view> KnownNames::variant_of(std::string_view name) const {
  // With known names in lower case a variant has a capital: nearly no name of a request has one.
  if (!any_upper_ && !has_upper(name)) return std::nullopt;
  std::optional<std::string_view> variant;
  for (const std::string_view known : names_) {
    if (known == name) return std::nullopt;
    if (!variant && equal_without_case(known, name)) variant = known;
  }
  return variant;
}

std::optional<Member> KnownNames::find_variant(Value object) const {
  for (const Member member : object.members()) {
    if (with_name(member, [this](std::string_view name) { return variant_of(name).has_value(); })) return member;
  }
  return std::nullopt;
}

Result<void> refuse_variants(Value object, const KnownNames& known, std::string_view path) {
  const std::optional<Member> member = known.find_variant(object);
  if (!member) return {};
  const std::string name = member->name();
  std::string message = "The member \"";
  message.append(name).append("\" differs from \"").append(known.variant_of(name).value_or("")).append("\" by case only.");
  std::string param(path);
  if (!param.empty()) param += '.';
  return Fail(public_error(ErrorCode::kInvalidRequest, std::move(message), param + name));
}

bool has_case_variant(Value object, std::string_view known) {
  return std::ranges::any_of(object.members(), [known](Member member) {
    return with_name(member, [known](std::string_view name) { return name != known && equal_without_case(name, known); });
  });
}

}  // namespace wye::json
