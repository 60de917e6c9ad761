// The two pages of the laptop issuer: pick a user for a program, pick a user for a device. No script, no outside content.
// Threads: pure.
#pragma once

#include "identity/issuer/directory.hpp"
#include "identity/issuer/form.hpp"

namespace wye::issuer {

/// Field names of both pages.
inline constexpr std::string_view kUserField = "wye_user";
inline constexpr std::string_view kOwnerField = "wye_owner_key";
inline constexpr std::string_view kAnswerField = "wye_answer";  // `allow` or `deny`
inline constexpr std::string_view kUserCodeField = "user_code";

/// For `authorize`: what was asked comes back as it came, in hidden fields. `complaint` empty: the first look.
std::string sign_in_page(const Directory& directory, const Form& asked, std::string_view action, std::string_view complaint);
/// For `devicelogin`.
std::string device_page(const Directory& directory, std::string_view user_code, std::string_view action, std::string_view complaint);
/// A page that only says something.
std::string message_page(std::string_view title, std::string_view text);

}  // namespace wye::issuer
