// The folder of documents that an instance reads, replaced as a whole by `apply` and `rollback`.
//
// A replacement is written down first (`.wye-apply.json` in the folder, synced), then done file by file, then the note is removed. Who
// reads the folder meanwhile, or after a crash in between, takes the note's documents: nobody ever loads half of an old configuration
// and half of a new one. Files that are no documents (certificates, secrets, models) stay as they are.
// Threads: one caller at a time. Blocking.
#pragma once

#include "admin/api.hpp"
#include "config/load/load.hpp"

namespace wye::app {

/// What was read: the documents, for the loader under the names that messages show, and as they can be written back.
struct ConfigTexts {
  std::vector<config::NamedText> texts;
  admin::ConfigFiles files;        // the same, named relative to the folder
  config::Diagnostics findings;    // what could not be read
};

class ConfigFolder {
 public:
  explicit ConfigFolder(std::vector<std::filesystem::path> paths) : paths_(std::move(paths)) {}

  ConfigTexts read() const;
  /// The same for documents that are not there yet: relative paths in them mean what they would mean there.
  ConfigTexts would_read(const admin::ConfigFiles& files) const;
  /// Whether documents can be written here at all. Errors: kConflict: not one folder; the folder can not be written.
  Result<void> check_writable() const;
  /// Errors: those of check_writable; kIo: then the old configuration stands, or the note completes the new one at the next read.
  Result<void> replace(const admin::ConfigFiles& files) const;
  /// Completes a replacement that was cut off. Errors: kIo.
  Result<void> recover() const;

 private:
  std::filesystem::path note() const { return paths_.front() / ".wye-apply.json"; }
  std::optional<admin::ConfigFiles> read_note() const;
  Result<void> carry_out(const admin::ConfigFiles& files) const;
  Result<void> check_places(const admin::ConfigFiles& files) const;
  std::vector<std::filesystem::path> paths_;
};

/// `{"files":[{"name","text"}]}`, the body of apply and the form in which documents are kept.
std::string encode_files(const admin::ConfigFiles& files, std::string_view more_members = {});
std::optional<admin::ConfigFiles> decode_files(std::string_view json);

}  // namespace wye::app
