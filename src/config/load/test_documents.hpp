// Documents for the tests of this room. Threads: pure.
#pragma once

#include "config/load/load.hpp"

namespace wye::config {

/// A document of one kind; the text of the spec begins at line 5.
inline std::string document(std::string_view kind, std::string_view name, std::string_view spec) {
  return "apiVersion: wye.dev/v1alpha1\nkind: " + std::string(kind) + "\nmetadata: {name: " + std::string(name) + "}\nspec:\n" + std::string(spec) +
         "\n";
}
inline Loaded load_one(std::string text) {
  const std::array files = {NamedText{"conf/a.yaml", std::move(text)}};
  return load_texts(files);
}
/// `LINE:COLUMN PATH` of every finding, with its text behind; for messages of failing tests.
inline std::string all_findings(const Loaded& loaded) { return to_text(loaded.findings); }

/// Whether a finding stands at that place and says that.
inline bool has_finding(const Loaded& loaded, std::string_view place, std::string_view text) {
  return std::ranges::any_of(loaded.findings, [&](const Diagnostic& d) {
    const std::string at = std::to_string(d.at.line) + ":" + std::to_string(d.at.column) + (d.path.empty() ? "" : " " + d.path);
    return at == place && (d.what + "\n" + d.help).find(text) != std::string::npos;
  });
}

}  // namespace wye::config
