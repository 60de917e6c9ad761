#include "app/snapshot_store.hpp"

#include "app/config_folder.hpp"
#include "foundation/crypto/digest.hpp"
#include "foundation/json/document.hpp"
#include "foundation/json/writer.hpp"
#include "foundation/os/file.hpp"

namespace wye::app {
namespace {

constexpr Bytes kSnapshotMax = 128_MiB;
constexpr std::string_view kFront = "sha256:";

std::string text_of(json::Value object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text() : std::string();
}

Fail no_such() { return Fail(public_error(ErrorCode::kNotFound, "There is no such configuration; `snapshots` lists those that are kept.")); }

}  // namespace

Result<void> SnapshotStore::keep(const config::Snapshot& snapshot, const admin::ConfigFiles& files, const std::string& by, WallTime at) const {
  CHECK_OK(os::make_private_folder(folder_));
  std::string head;
  json::Writer(head).begin_object().string("digest", snapshot.digest()).string("acceptedAt", rfc3339(at)).string("acceptedBy", by).end_object();
  const std::string members = head.substr(1, head.size() - 2) + ",\"resources\":" + snapshot.canonical();
  CHECK_OK(os::write_file_atomic(folder_ / (snapshot.digest().substr(kFront.size()) + ".json"), encode_files(files, members)));
  TRY(const std::vector<admin::StoredSnapshot> known, list());
  for (size_t i = kSnapshotsKept; i < known.size(); ++i) {
    std::error_code ignored;
    std::filesystem::remove(folder_ / (known[i].digest.substr(kFront.size()) + ".json"), ignored);
  }
  return {};
}

Result<std::vector<admin::StoredSnapshot>> SnapshotStore::list() const {
  std::vector<admin::StoredSnapshot> out;
  std::error_code error;
  if (!std::filesystem::exists(folder_, error)) return out;
  for (std::filesystem::directory_iterator at(folder_, error); !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (at->path().extension() != ".json") continue;
    const Result<std::string> text = os::read_file(at->path(), kSnapshotMax);
    json::Document document;
    if (!text || !document.parse(*text, {.bytes_max = kSnapshotMax})) continue;
    const auto accepted = parse_rfc3339(text_of(document.root(), "acceptedAt"));
    std::string digest = text_of(document.root(), "digest");
    if (!accepted || digest != std::string(kFront) + at->path().stem().string()) continue;
    out.push_back({std::move(digest), *accepted, text_of(document.root(), "acceptedBy")});
  }
  if (error) return Fail(internal_error(ErrorCode::kIo, "can not list " + folder_.string() + ": " + error.message()));
  std::ranges::sort(out, [](const auto& a, const auto& b) { return std::tie(b.accepted_at, b.digest) < std::tie(a.accepted_at, a.digest); });
  return out;
}

Result<std::string> SnapshotStore::read(const std::string& digest) const {
  if (!crypto::parse_digest_text(digest)) return no_such();
  Result<std::string> text = os::read_file(folder_ / (digest.substr(kFront.size()) + ".json"), kSnapshotMax);
  if (!text && text.error().code == ErrorCode::kNotFound) return no_such();
  return text;
}

Result<std::string> SnapshotStore::resources(const std::string& digest) const {
  TRY(const std::string text, read(digest));
  json::Document document;
  const auto parsed = document.parse(text, {.bytes_max = kSnapshotMax});
  const auto resources = parsed ? document.root().find("resources") : std::nullopt;
  if (!resources || crypto::digest_text(crypto::sha256(resources->raw())) != digest)
    return Fail(internal_error(ErrorCode::kCorrupt, "the kept configuration " + digest + " is not what it was"));
  return std::string(resources->raw());
}

Result<admin::ConfigFiles> SnapshotStore::files(const std::string& digest) const {
  // Whether the documents still make this digest is found when they are compiled.
  TRY(const std::string text, read(digest));
  auto files = decode_files(text);
  if (!files) return Fail(internal_error(ErrorCode::kCorrupt, "the kept configuration " + digest + " can not be read"));
  return std::move(*files);
}

}  // namespace wye::app
