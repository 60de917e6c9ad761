#include "admin/body.hpp"

namespace wye::admin {
namespace {

constexpr size_t kFilesMax = 1'000;
constexpr size_t kNameBytesMax = 255;
constexpr size_t kSegmentBytesMax = 200;  // a file system takes 255, and a file that is being written has a longer name

}  // namespace

Result<Body> Body::parse(std::string_view text) {
  Body body;
  body.document_ = std::make_unique<json::Document>();
  CHECK_OK(body.document_->parse_copy(text, {.depth_max = 16, .nodes_max = 20'000}));
  if (!body.document_->root().is_object()) return Fail(public_error(ErrorCode::kInvalidRequest, "The body is a JSON object."));
  return body;
}

void Body::fail(std::string_view name, std::string what) {
  if (!error_) error_ = public_error(ErrorCode::kInvalidRequest, std::move(what), std::string(name));
}

std::optional<json::Value> Body::member(std::string_view name) {
  known_.emplace_back(name);
  return document_->root().find(name);
}

std::string Body::text(std::string_view name, std::string otherwise) {
  const auto value = member(name);
  if (!value) return otherwise;
  if (!value->is_string()) fail(name, "`" + std::string(name) + "` is a string.");
  return value->text();
}

std::string Body::required_text(std::string_view name) {
  std::string value = text(name);
  if (value.empty()) fail(name, "`" + std::string(name) + "` is missing.");
  return value;
}

bool Body::flag(std::string_view name, bool otherwise) {
  const auto value = member(name);
  if (!value) return otherwise;
  const auto flag = value->boolean();
  if (!flag) fail(name, "`" + std::string(name) + "` is true or false.");
  return flag.value_or(otherwise);
}

std::vector<std::string> Body::texts(std::string_view name) {
  std::vector<std::string> out;
  const auto value = member(name);
  if (!value) return out;
  if (!value->is_array()) fail(name, "`" + std::string(name) + "` is a list of strings.");
  for (const json::Value item : value->elements()) {
    if (!item.is_string()) fail(name, "`" + std::string(name) + "` is a list of strings.");
    out.push_back(item.text());
  }
  return out;
}

Result<void> Body::finish() const {
  if (error_) return Fail(Error(*error_));
  for (const json::Member member : document_->root().members()) {
    const bool known = std::ranges::any_of(known_, [&](const std::string& name) { return member.name_is(name); });
    if (!known) return Fail(public_error(ErrorCode::kUnknownParameter, "Unknown member of the body.", member.name().substr(0, 64)));
  }
  return {};
}

bool is_config_name(std::string_view name) {
  if (name.size() > kNameBytesMax || !(name.ends_with(".yaml") || name.ends_with(".yml"))) return false;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view segment = name.substr(0, slash);
    // Hidden files are not read as configuration; with them go `.` and `..`.
    const auto fine = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
    };
    if (segment.empty() || segment.size() > kSegmentBytesMax || segment.front() == '.' || !std::ranges::all_of(segment, fine)) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
  return false;
}

ConfigFiles read_files(Body& body) {
  ConfigFiles files;
  const auto value = body.member("files");
  if (!value || !value->is_array() || value->size() == 0 || value->size() > kFilesMax) {
    body.fail("files", "`files` is a list of 1 to 1000 objects with `name` and `text`.");
    return files;
  }
  std::set<std::string> names;
  for (const json::Value item : value->elements()) {
    const auto name = item.find("name");
    const auto text = item.find("text");
    if (item.size() != 2 || !name || !text || !name->is_string() || !text->is_string()) {
      body.fail("files", "Each file is an object with the strings `name` and `text`.");
      continue;
    }
    ConfigFile file{name->text(), text->text()};
    if (!is_config_name(file.name))
      body.fail("files", "A file is named by a relative path of A-Z a-z 0-9 . _ - that ends in .yaml or .yml and has no hidden part.");
    if (!names.insert(file.name).second) body.fail("files", "Two files have one name.");
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace wye::admin
