// Member names that equal a known name but for the case of ASCII letters. One parser in front and another one behind may
// disagree on `Model` and `model`; such a body is refused.
// Lifetime: the list refers to the caller's names. Threads: immutable once made.
#pragma once

#include "foundation/json/document.hpp"

namespace wye::json {

/// The names that an object may have a meaning for: `static constexpr`-like tables, made once.
class KnownNames {
 public:
  /// `names` and what they refer to outlive this object.
  explicit KnownNames(std::span<const std::string_view> names);

  /// The known name that `name` (unescaped) is a variant of: equal without ASCII case, yet equal to none exactly.
  std::optional<std::string_view> variant_of(std::string_view name) const;
  /// The first member of `object` that is a variant of a known name. Does not allocate but for names with escapes.
  std::optional<Member> find_variant(Value object) const;

 private:
  std::span<const std::string_view> names_;
  bool any_upper_ = false;
};

/// kInvalidRequest with the member's place when `object` (whose path is `path`, empty for the root) has such a member.
Result<void> refuse_variants(Value object, const KnownNames& known, std::string_view path = {});

/// Whether `object` has a member that equals `known` without ASCII case but not exactly.
bool has_case_variant(Value object, std::string_view known);

}  // namespace wye::json
