#include "config/load/load.hpp"

#include <fstream>

#include "config/kinds/kinds.hpp"
#include "config/load/binder.hpp"
#include "config/load/document_rules.hpp"
#include "config/load/nearest.hpp"
#include "config/load/relations.hpp"
#include "config/load/secret_shape.hpp"
#include "config/load/yaml.hpp"

namespace wye::config {
namespace {

/// Reports values that look like secrets and marks them, so that no later message quotes one.
class SecretSweep {
 public:
  SecretSweep(std::string_view file, Diagnostics& findings) : file_(file), findings_(findings) {}

  void sweep(YamlNode& node, const std::string& path, bool key_field) {
    if (node.kind == YamlNode::Kind::kScalar && looks_like_secret(node.text, key_field)) {
      report(node.at, path);
      node.kind = YamlNode::Kind::kBad;
      node.text.clear();
      return;
    }
    for (size_t i = 0; i < node.members.size(); ++i) {
      YamlMember& member = node.members[i];
      const bool in_map = node.kind == YamlNode::Kind::kMap;
      if (in_map && looks_like_secret(member.key, false)) {
        report(member.key_at, path);
        node.members.erase(node.members.begin() + static_cast<ptrdiff_t>(i--));
        continue;
      }
      const std::string inner = !in_map ? path + "[" + std::to_string(i) + "]" : (path.empty() ? member.key : path + "." + member.key);
      // A digest is public by nature, whatever the field around it is called.
      const bool inner_key = in_map ? member.key != "digest" && (is_key_field(member.key) || key_field) : key_field;
      sweep(member.value, inner, inner_key);
    }
  }

 private:
  void report(Position at, const std::string& path) {
    findings_.push_back({Severity::kError, std::string(file_), at, path,
                         "this looks like a secret; a configuration holds names of secrets, never values",
                         "put it into a file (0600) and write `{file: PATH}`; change the secret, it has been in a file that is shared"});
  }
  std::string_view file_;
  Diagnostics& findings_;
};

class Loader {
 public:
  Loader(const LoadLimits& limits, Diagnostics findings) : limits_(limits) { loaded_.findings = std::move(findings); }

  void add(const NamedText& file) {
    if (full()) return;
    for (YamlNode& document : parse_yaml(file, limits_, loaded_.findings)) {
      if (++documents_ > limits_.documents) {
        error(file.file, document.at, "", "more than " + std::to_string(limits_.documents) + " documents", "split the configuration");
        documents_ = SIZE_MAX / 2;  // said once
        return;
      }
      SecretSweep(file.file, loaded_.findings).sweep(document, "", false);
      add_document(file, document);
      if (full()) return;
    }
  }
  void error(const std::string& file, Position at, std::string path, std::string what, std::string help) {
    loaded_.findings.push_back({Severity::kError, file, at, std::move(path), std::move(what), std::move(help)});
  }
  Loaded finish() {
    check_relations(loaded_.resources, references_, loaded_.findings);
    if (loaded_.findings.size() > limits_.findings) {
      loaded_.findings.resize(limits_.findings);
      error("", {}, "", "more than " + std::to_string(limits_.findings) + " findings; the rest is not shown", "");
    }
    return std::move(loaded_);
  }

 private:
  bool full() const { return loaded_.findings.size() > limits_.findings || documents_ > limits_.documents; }

  void add_document(const NamedText& file, const YamlNode& document) {
    if (document.kind == YamlNode::Kind::kBad) return;
    if (document.kind != YamlNode::Kind::kMap) {
      return error(file.file, document.at, "", "a document is a map with `apiVersion`, `kind`, `metadata` and `spec`", "write `kind: ...` lines");
    }
    const std::string kind = read_kind(file, document);
    if (kind.empty()) return;
    Resources& r = loaded_.resources;
    if (kind == Gateway::kKind) bind(file, document, r.gateways);
    if (kind == Issuer::kKind) bind(file, document, r.issuers);
    if (kind == Role::kKind) bind(file, document, r.roles);
    if (kind == Grant::kKind) bind(file, document, r.grants);
    if (kind == Tenant::kKind) bind(file, document, r.tenants);
    if (kind == Credential::kKind) bind(file, document, r.credentials);
    if (kind == Backend::kKind) bind(file, document, r.backends);
    if (kind == Model::kKind) bind(file, document, r.models);
    if (kind == Route::kKind) bind(file, document, r.routes);
  }

  /// The kind, if it is one that this build knows; else a finding and an empty string.
  std::string read_kind(const NamedText& file, const YamlNode& document) {
    const YamlMember* kind = document.find("kind");
    if (kind == nullptr) {
      error(file.file, document.at, "kind", "the key `kind` is missing", "one of " + quoted_list(kKinds));
      return {};
    }
    if (kind->value.kind == YamlNode::Kind::kBad) return {};
    const std::string& text = kind->value.text;
    if (kind->value.kind == YamlNode::Kind::kScalar && std::ranges::find(kKinds, text) != kKinds.end()) return text;
    if (std::ranges::find(kRefusedKinds, text) != kRefusedKinds.end()) {
      error(file.file, kind->value.at, "kind", "kind `" + text + "` is not available in this build", "remove the document");
      return {};
    }
    const std::string_view near = nearest(text, kKinds);
    error(file.file, kind->value.at, "kind", "unknown kind " + shown(text),
          (near.empty() ? "" : "did you mean `" + std::string(near) + "`? ") + "known: " + quoted_list(kKinds));
    return {};
  }

  template <class Spec>
  void bind(const NamedText& file, const YamlNode& document, std::vector<Document<Spec>>& into) {
    const size_t first = loaded_.findings.size();
    Document<Spec> out;
    out.source.file = file.file;
    out.source.positions.emplace("", document.at);
    Binder binder(file, out.source, references_, loaded_.findings);
    constexpr std::array<std::string_view, 4> kTop = {"apiVersion", "kind", "metadata", "spec"};
    binder.unknown_keys(document, kTop, {});
    read_api_version(binder, document);
    if (const YamlMember* metadata = document.find("metadata")) {
      const Binder::Step step(binder, "metadata");
      read_metadata(binder, metadata->value, out.name, out.labels, out.annotations, out.source);
    } else {
      binder.missing_key(document, "metadata", {.text = "write `metadata: {name: ...}`"});
    }
    if (const YamlMember* spec = document.find("spec")) {
      const Binder::Step step(binder, "spec");
      out.source.positions.emplace("spec", spec->value.at);
      MapReader::read_struct(binder, spec->value, out.spec);
    } else {
      binder.missing_key(document, "spec", {.text = Spec::kText});
    }
    if (document.find("spec") != nullptr) check_document(out.spec, DocumentFindings(out.source, loaded_.findings, first));
    into.push_back(std::move(out));
  }

  static void read_api_version(Binder& binder, const YamlNode& document) {
    const YamlMember* version = document.find("apiVersion");
    if (version == nullptr) return binder.missing_key(document, "apiVersion", {.text = "write `apiVersion: wye.dev/v1alpha1`"});
    if (version->value.kind == YamlNode::Kind::kBad || version->value.text == kApiVersion) return;
    const Binder::Step step(binder, "apiVersion");
    binder.error(version->value.at, "unknown apiVersion " + shown(version->value.text), "write `wye.dev/v1alpha1`");
  }

  static void read_metadata(Binder& binder, const YamlNode& node, std::string& name, std::map<std::string, std::string>& labels,
                            std::map<std::string, std::string>& annotations, Source& source) {
    if (!binder.expect(node, YamlNode::Kind::kMap, "a map", "`metadata: {name: ...}`")) return;
    constexpr std::array<std::string_view, 3> kKnown = {"name", "labels", "annotations"};
    binder.unknown_keys(node, kKnown, {});
    if (const YamlMember* found = node.find("name")) {
      const Binder::Step step(binder, "name");
      source.positions.emplace("metadata.name", found->value.at);
      if (auto text = binder.read_text(found->value, {.text = "", .grammar = Grammar::kName}, false)) name = std::move(*text);
    } else {
      binder.missing_key(node, "name", {.text = "unique within its kind"});
    }
    read_texts(binder, node, "labels", labels);
    read_texts(binder, node, "annotations", annotations);
  }
  static void read_texts(Binder& binder, const YamlNode& metadata, std::string_view key, std::map<std::string, std::string>& into) {
    const YamlMember* found = metadata.find(key);
    if (found == nullptr) return;
    const Binder::Step step(binder, key);
    if (!binder.expect(found->value, YamlNode::Kind::kMap, "a map", "`name: text` lines")) return;
    for (const YamlMember& member : found->value.members) {
      const Binder::Step inner(binder, member.key);
      if (auto text = binder.read_text(member.value, {.text = "", .max = 4096}, false)) into.emplace(member.key, std::move(*text));
    }
  }

  const LoadLimits& limits_;
  Loaded loaded_;
  std::vector<Reference> references_;
  size_t documents_ = 0;
};

bool is_yaml(const std::filesystem::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }
bool is_hidden(const std::filesystem::path& path) { return path.filename().string().starts_with('.'); }

/// Files below `folder` in the order of their names. Hidden entries are skipped: a mounted ConfigMap keeps its older versions there.
Result<std::vector<std::filesystem::path>> list_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code ec;
  std::filesystem::recursive_directory_iterator it(folder, ec);
  for (; !ec && it != std::filesystem::recursive_directory_iterator(); it.increment(ec)) {
    if (is_hidden(it->path())) {
      it.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (is_yaml(it->path()) && it->is_regular_file(ignored)) files.push_back(it->path());
  }
  if (ec) return Fail(internal_error(ErrorCode::kIo, ec.message()));
  std::ranges::sort(files);
  return files;
}

Result<NamedText> read_file(const std::filesystem::path& path, size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Fail(internal_error(ErrorCode::kIo, "it can not be opened"));
  NamedText out{path.string(), std::string(limit + 5, '\0')};  // a byte order mark does not count
  in.read(out.text.data(), static_cast<std::streamsize>(out.text.size()));
  if (in.bad()) return Fail(internal_error(ErrorCode::kIo, "it can not be read"));
  out.text.resize(static_cast<size_t>(in.gcount()));
  return out;
}

void read_path(const std::filesystem::path& path, const LoadLimits& limits, std::vector<NamedText>& texts, Diagnostics& findings) {
  const auto error = [&](const std::string& file, std::string what, std::string help) {
    findings.push_back({Severity::kError, file, {}, "", std::move(what), std::move(help)});
  };
  std::error_code ec;
  std::vector<std::filesystem::path> files = {path};
  const auto status = std::filesystem::status(path, ec);
  if (std::filesystem::is_directory(status)) {
    auto listed = list_files(path);
    if (!listed) return error(path.string(), "the folder can not be read: " + listed.error().detail, "check its permissions");
    if (listed->empty()) return error(path.string(), "the folder has no .yaml or .yml file", "name another folder");
    files = std::move(*listed);
  } else if (!std::filesystem::is_regular_file(status)) {
    return error(path.string(), std::filesystem::exists(status) ? "neither a file nor a folder" : "no such file or folder",
                 "name a folder of .yaml files");
  }
  for (const auto& file : files) {
    auto text = read_file(file, limits.file_bytes);
    if (!text) {
      error(file.string(), "the file is unreadable: " + text.error().detail, "check its permissions");
      continue;
    }
    texts.push_back(std::move(*text));
  }
}

}  // namespace

Position Source::at(std::string_view path) const {
  for (;;) {
    if (const auto it = positions.find(path); it != positions.end()) return it->second;
    const size_t cut = path.find_last_of(".[");
    if (path.empty()) return {};
    path = cut == std::string_view::npos ? std::string_view() : path.substr(0, cut);
  }
}

std::vector<NamedText> read_texts(std::span<const std::filesystem::path> paths, Diagnostics& findings, const LoadLimits& limits) {
  std::vector<NamedText> texts;
  for (const auto& path : paths) read_path(path, limits, texts, findings);
  return texts;
}

Loaded load_texts(std::span<const NamedText> texts, const LoadLimits& limits, Diagnostics findings) {
  Loader loader(limits, std::move(findings));
  for (const NamedText& text : texts) loader.add(text);
  return loader.finish();
}

Loaded load_folder(std::span<const std::filesystem::path> paths, const LoadLimits& limits) {
  Diagnostics findings;
  const std::vector<NamedText> texts = read_texts(paths, findings, limits);
  return load_texts(texts, limits, std::move(findings));
}

}  // namespace wye::config
