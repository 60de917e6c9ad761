// Documents in, typed resources and every finding out. YAML as resources spell it: one or more documents a file, no anchors,
// aliases, tags or merge keys. Reads files; looks into no secret file, opens no socket.
// Threads: no shared state. Errors: Diagnostics with positions; a Loaded with errors must not be used further.
#pragma once

#include "config/kinds/backend.hpp"
#include "config/kinds/credential.hpp"
#include "config/kinds/gateway.hpp"
#include "config/kinds/grant.hpp"
#include "config/kinds/issuer.hpp"
#include "config/kinds/model.hpp"
#include "config/kinds/role.hpp"
#include "config/kinds/route.hpp"
#include "config/kinds/tenant.hpp"
#include "config/load/diagnostic.hpp"

namespace wye::config {

/// Bounds of what is read; each has a test.
struct LoadLimits {
  size_t file_bytes = 4 << 20;
  size_t documents = 10'000;
  size_t depth = 32;
  size_t nodes_per_file = 200'000;
  size_t keys_per_map = 1000;
  size_t findings = 200;
};

/// Where the fields of one document stand, by path (`spec.candidates[0].model`). Absent: the field was not written.
struct Source {
  std::string file;
  std::map<std::string, Position, std::less<>> positions;
  bool wrote(std::string_view path) const { return positions.contains(path); }
  /// Of the path, else of its nearest parent, else of the document.
  Position at(std::string_view path) const;
};

/// One resource with its metadata and origin.
template <class Spec>
struct Document {
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  Spec spec;
  Source source;
};

/// All resources, sorted by name within a kind.
struct Resources {
  std::vector<Document<Gateway>> gateways;
  std::vector<Document<Issuer>> issuers;
  std::vector<Document<Role>> roles;
  std::vector<Document<Grant>> grants;
  std::vector<Document<Tenant>> tenants;
  std::vector<Document<Credential>> credentials;
  std::vector<Document<Backend>> backends;
  std::vector<Document<Model>> models;
  std::vector<Document<Route>> routes;
};

struct Loaded {
  Resources resources;
  Diagnostics findings;
  bool ok() const { return !has_errors(findings); }
};

/// A file that is already read. Relative paths inside are resolved against the folder of `file`.
struct NamedText {
  std::string file;
  std::string text;
};

/// Reads every .yaml and .yml below the given folders and the given files themselves, in the order of their names.
Loaded load_folder(std::span<const std::filesystem::path> paths, const LoadLimits& limits = {});
/// The same without reading files. `findings`: what reading them found already.
Loaded load_texts(std::span<const NamedText> texts, const LoadLimits& limits = {}, Diagnostics findings = {});
/// Reads the files that load_folder would, and binds nothing: for who keeps what was accepted as it was written.
std::vector<NamedText> read_texts(std::span<const std::filesystem::path> paths, Diagnostics& findings, const LoadLimits& limits = {});

}  // namespace wye::config
