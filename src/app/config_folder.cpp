#include "app/config_folder.hpp"

#include <unistd.h>

#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr Bytes kNoteMax = 64_MiB;

bool is_document(const std::filesystem::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

Fail fixed(std::string why) { return Fail(public_error(ErrorCode::kConflict, "The configuration can not be written: " + std::move(why))); }

/// Documents below the folder that are not in the set. Hidden ones are nobody's business here, as for the loader.
Result<std::vector<std::filesystem::path>> others(const std::filesystem::path& folder, const admin::ConfigFiles& files) {
  std::vector<std::filesystem::path> out;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().filename().string().starts_with('.')) {
      at.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    const std::string name = at->path().lexically_relative(folder).string();
    if (is_document(at->path()) && at->is_regular_file(ignored) && std::ranges::find(files, name, &admin::ConfigFile::name) == files.end())
      out.push_back(at->path());
  }
  if (error) return Fail(internal_error(ErrorCode::kIo, "can not list " + folder.string() + ": " + error.message()));
  return out;
}

}  // namespace

std::string encode_files(const admin::ConfigFiles& files, std::string_view more_members) {
  std::string out;
  json::Writer writer(out);
  writer.begin_object().begin_array("files");
  for (const admin::ConfigFile& file : files) writer.begin_object().string("name", file.name).string("text", file.text).end_object();
  writer.end_array().end_object();
  if (!more_members.empty()) {
    out.pop_back();
    out += ',';
    out += more_members;
    out += '}';
  }
  return out;
}

std::optional<admin::ConfigFiles> decode_files(std::string_view text) {
  json::Document document;
  if (!document.parse_copy(text, {.bytes_max = kNoteMax})) return std::nullopt;
  const auto list = document.root().find("files");
  if (!list || !list->is_array()) return std::nullopt;
  admin::ConfigFiles files;
  for (const json::Value item : list->elements()) {
    const auto name = item.find("name");
    const auto words = item.find("text");
    if (!name || !words || !name->is_string() || !words->is_string()) return std::nullopt;
    files.push_back({name->text(), words->text()});
  }
  return files;
}

std::optional<admin::ConfigFiles> ConfigFolder::read_note() const {
  if (paths_.size() != 1) return std::nullopt;
  const Result<std::string> text = os::read_file(note(), kNoteMax);
  auto files = text ? decode_files(*text) : std::nullopt;
  // What stands in the folder is not ours alone: a note that names anything else than documents below it is none.
  const auto below = [](const admin::ConfigFile& file) {
    const std::filesystem::path path(file.name);
    const auto hidden = [](const std::filesystem::path& part) { return part.string().starts_with('.'); };
    return !path.empty() && path.is_relative() && std::ranges::none_of(path, hidden);
  };
  if (files && !std::ranges::all_of(*files, below)) return std::nullopt;
  return files;
}

ConfigTexts ConfigFolder::read() const {
  if (const auto pending = read_note()) return would_read(*pending);
  ConfigTexts out;
  out.texts = config::read_texts(paths_, out.findings);
  for (const config::NamedText& text : out.texts) {
    std::string name = std::filesystem::path(text.file).filename().string();
    if (paths_.size() == 1 && text.file != paths_.front().string())
      name = std::filesystem::path(text.file).lexically_relative(paths_.front()).string();
    out.files.push_back({std::move(name), text.text});
  }
  return out;
}

ConfigTexts ConfigFolder::would_read(const admin::ConfigFiles& files) const {
  ConfigTexts out;
  const std::filesystem::path root = paths_.empty() ? std::filesystem::path() : paths_.front();
  out.files = files;
  std::ranges::sort(out.files, {}, &admin::ConfigFile::name);
  for (const admin::ConfigFile& file : out.files) out.texts.push_back({(root / file.name).string(), file.text});
  return out;
}

Result<void> ConfigFolder::check_writable() const {
  std::error_code error;
  if (paths_.size() != 1) return fixed("this instance reads several paths; it must be one folder.");
  if (!std::filesystem::is_directory(paths_.front(), error)) return fixed("this instance reads a file; it must be a folder.");
  if (::access(paths_.front().c_str(), W_OK) != 0) return fixed("its folder is read-only here; change it where it comes from.");
  return {};
}

Result<void> ConfigFolder::carry_out(const admin::ConfigFiles& files) const {
  const std::filesystem::path& root = paths_.front();
  for (const admin::ConfigFile& file : files) {
    const std::filesystem::path path = root / file.name;
    const Result<std::string> known = os::read_file(path, kNoteMax);
    if (known && *known == file.text) continue;
    if (path.parent_path() != root) {
      std::error_code error;
      std::filesystem::create_directories(path.parent_path(), error);
      if (error) return Fail(internal_error(ErrorCode::kIo, "can not make " + path.parent_path().string() + ": " + error.message()));
    }
    CHECK_OK(os::write_file_atomic(path, file.text));
  }
  TRY(const std::vector<std::filesystem::path> gone, others(root, files));
  for (const std::filesystem::path& path : gone) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) return Fail(internal_error(ErrorCode::kIo, "can not remove " + path.string() + ": " + error.message()));
  }
  std::error_code error;
  std::filesystem::remove(note(), error);
  if (error) return Fail(internal_error(ErrorCode::kIo, "can not remove " + note().string() + ": " + error.message()));
  return {};
}

/// What would fail half way is refused before the note stands: a folder where a document would be, a document or a link where a folder would.
Result<void> ConfigFolder::check_places(const admin::ConfigFiles& files) const {
  const std::filesystem::path& root = paths_.front();
  std::error_code ignored;
  for (const admin::ConfigFile& file : files) {
    const auto taken = [&](const admin::ConfigFile& other) { return other.name.starts_with(file.name + "/"); };
    bool fits = !std::filesystem::is_directory(root / file.name, ignored) && std::ranges::none_of(files, taken);
    for (auto parent = (root / file.name).parent_path(); parent != root && fits; parent = parent.parent_path()) {
      const auto there = std::filesystem::symlink_status(parent, ignored);
      fits = !std::filesystem::exists(there) || std::filesystem::is_directory(there);
    }
    if (!fits) return Fail(public_error(ErrorCode::kConflict, "The document " + file.name + " has no place in the folder."));
  }
  return {};
}

Result<void> ConfigFolder::replace(const admin::ConfigFiles& files) const {
  CHECK_OK(check_writable());
  CHECK_OK(check_places(files));
  const ConfigTexts before = read();
  CHECK_OK(os::write_file_atomic(note(), encode_files(files)));
  Result<void> done = carry_out(files);
  if (done || config::has_errors(before.findings)) return done;
  // Back to what was there: a note that can not be carried out would outlive every restart.
  if (os::write_file_atomic(note(), encode_files(before.files))) static_cast<void>(carry_out(before.files));
  return done;
}

Result<void> ConfigFolder::recover() const {
  const auto pending = read_note();
  if (!pending || !check_writable()) return {};
  return carry_out(*pending);
}

}  // namespace wye::app
