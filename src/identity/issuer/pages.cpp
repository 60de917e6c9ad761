#include "identity/issuer/pages.hpp"

namespace wye::issuer {
namespace {

std::string page(std::string_view title, std::string_view body) {
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + html_text(title) + "</title>\n";
  out +=
      "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em}label{display:block;margin:.6em 0}"
      "input[type=password],input[type=text]{width:100%;font:inherit;padding:.3em}button{font:inherit;padding:.3em 1.2em;margin-right:.6em}"
      ".no{color:#a00}</style></head>\n<body><main><h1>" +
      html_text(title) + "</h1>\n";
  out += body;
  out += "</main></body></html>\n";
  return out;
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + html_text(name) + "\" value=\"" + html_text(value) + "\">\n";
}

/// Who, the owner's key, yes or no.
std::string choice(const Directory& directory, std::string_view chosen) {
  std::string out = "<fieldset><legend>Sign in as</legend>\n";
  bool first = directory.find(chosen) == nullptr;
  for (const User& user : directory.users) {
    const bool checked = first || user.login == chosen;
    first = false;
    out += "<label><input type=\"radio\" name=\"" + std::string(kUserField) + "\" value=\"" + html_text(user.login) + "\"" +
           (checked ? " checked" : "") + "> " + html_text(user.name) + " (" + html_text(user.login) + ")</label>\n";
  }
  out +=
      "</fieldset>\n<label>Key of the owner: what <code>secrets/laptop-owner.key</code> in the data folder holds\n<input type=\"password\" name=\"" +
      std::string(kOwnerField) + "\" autocomplete=\"off\" required></label>\n";
  out += "<p><button name=\"" + std::string(kAnswerField) + "\" value=\"allow\">Allow</button><button name=\"" + std::string(kAnswerField) +
         "\" value=\"deny\" formnovalidate>Deny</button></p>\n";
  return out;
}

std::string complain(std::string_view complaint) {
  return complaint.empty() ? std::string() : "<p class=\"no\" role=\"alert\">" + html_text(complaint) + "</p>\n";
}

}  // namespace

std::string sign_in_page(const Directory& directory, const Form& asked, std::string_view action, std::string_view complaint) {
  std::string body = complain(complaint) + "<p>A program on this machine asks for a token. Allow it only if you started it.</p>\n";
  body += "<form method=\"post\" action=\"" + html_text(action) + "\">\n";
  for (const auto& [name, value] : asked.all()) {
    if (name != kUserField && name != kOwnerField && name != kAnswerField) body += hidden(name, value);
  }
  const std::string_view chosen = asked.has(kUserField) ? asked.value(kUserField) : asked.value("login_hint");
  body += choice(directory, chosen) + "</form>\n";
  return page("Sign in to Wye", body);
}

std::string device_page(const Directory& directory, std::string_view user_code, std::string_view action, std::string_view complaint) {
  std::string body = complain(complaint) + "<p>A program shows a code. Type it here only if you started that program.</p>\n";
  body += "<form method=\"post\" action=\"" + html_text(action) + "\">\n<label>Code\n<input type=\"text\" name=\"" + std::string(kUserCodeField) +
          "\" value=\"" + html_text(user_code) + "\" autocomplete=\"off\" required></label>\n";
  body += choice(directory, {}) + "</form>\n";
  return page("Sign in a program", body);
}

std::string message_page(std::string_view title, std::string_view text) { return page(title, "<p>" + html_text(text) + "</p>\n"); }

}  // namespace wye::issuer
