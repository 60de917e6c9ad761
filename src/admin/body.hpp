// Bodies of the admin API: strict JSON objects whose every member is known.
// Threads: one owner.
#pragma once

#include "admin/api.hpp"
#include "foundation/json/document.hpp"

namespace wye::admin {

/// Reads members by name; what nobody asked for is refused at the end.
class Body {
 public:
  /// Errors: kInvalidRequest (no JSON, no object).
  static Result<Body> parse(std::string_view text);

  std::optional<json::Value> member(std::string_view name);
  /// Absent: the default. Another type is remembered and refused by `finish`.
  std::string text(std::string_view name, std::string otherwise = {});
  bool flag(std::string_view name, bool otherwise = false);
  std::vector<std::string> texts(std::string_view name);
  /// Must be there.
  std::string required_text(std::string_view name);
  void fail(std::string_view name, std::string what);
  /// The first thing that is wrong.
  Result<void> finish() const;

 private:
  Body() = default;
  std::unique_ptr<json::Document> document_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

/// `files: [{name, text}]` of a configuration. Errors go to the body. Names are relative paths of .yaml or .yml files, no dot segments.
ConfigFiles read_files(Body& body);
/// Whether a file may be named so.
bool is_config_name(std::string_view name);

}  // namespace wye::admin
