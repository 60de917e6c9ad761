#include "app/commands.hpp"

namespace wye::app {

int report(const Error& error, std::string_view help) {
  std::string text = "error: ";
  text += error.public_message.empty() ? (error.detail.empty() ? client_message(error) : std::string_view(error.detail))
                                       : std::string_view(error.public_message);
  text += '\n';
  if (!help.empty()) text += "  help: " + std::string(help) + "\n";
  std::fputs(text.c_str(), stderr);
  switch (error.code) {
    case ErrorCode::kUsage: return kUsageError;
    case ErrorCode::kConflict: return kConflictExit;
    case ErrorCode::kForbidden:
    case ErrorCode::kUnauthenticated: return kNotAllowed;
    default: return kFailed;
  }
}

}  // namespace wye::app
