// The folder of documents: replaced as a whole, over crashes in between; kept snapshots; slots of instances; YAML that reads back.
#include "app/config_folder.hpp"

#include <sys/stat.h>

#include <fstream>

#include "app/instance_slot.hpp"
#include "app/snapshot_store.hpp"
#include "app/yaml_text.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/json/document.hpp"
#include "foundation/os/file.hpp"

#include <gtest/gtest.h>

namespace wye::app {
namespace {

std::string tenant(std::string_view name) {
  return "apiVersion: wye.dev/v1alpha1\nkind: Tenant\nmetadata: {name: " + std::string(name) + "}\nspec: {}  # a comment stays\n";
}
std::string whole(std::string_view alias) {
  return "apiVersion: wye.dev/v1alpha1\nkind: Gateway\nmetadata: {name: edge}\nspec: {listeners: [{name: public}]}\n---\n" + tenant("team") +
         "---\napiVersion: wye.dev/v1alpha1\nkind: Backend\nmetadata: {name: b}\nspec: {provider: openAICompatible, endpoint: "
         "\"http://127.0.0.1:1\", "
         "deployment: m, network: {mode: loopback}, location: {path: custom}, dataClassMax: public, serves: {capabilities: [chat]}}\n"
         "---\napiVersion: wye.dev/v1alpha1\nkind: Route\nmetadata: {name: chat}\nspec: {dataClass: public, aliases: [" +
         std::string(alias) + "], candidates: [{backend: b}]}\n";
}
void put(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}
std::string get(const std::filesystem::path& path) { return os::read_file(path, 1_MiB).value_or("(none)"); }

class ConfigFolderTest : public testing::Test {
 protected:
  std::map<std::string, std::string> read() const {
    std::map<std::string, std::string> out;
    for (const admin::ConfigFile& file : folder_.read().files) out.emplace(file.name, file.text);
    return out;
  }
  TestFolder files_;
  ConfigFolder folder_{{files_.path()}};
};

// A folder that came from elsewhere may hold a note of somebody's: it must not write where it likes.
TEST_F(ConfigFolderTest, ANoteThatLeavesTheFolderIsNone) {
  put(files_ / "in/a.yaml", tenant("a"));
  const ConfigFolder inner({files_ / "in"});
  const std::string absolute = (files_ / "out.yaml").string();
  for (const std::string& name :
       {std::string("../out.yaml"), absolute, std::string(".hidden.yaml"), std::string("x/../../out.yaml"), std::string()}) {
    put(files_ / "in/.wye-apply.json", encode_files({{name, tenant("b")}}));
    EXPECT_TRUE(inner.recover()) << name;
    ASSERT_EQ(inner.read().files.size(), 1u) << name;
    EXPECT_EQ(inner.read().files.front().name, "a.yaml");
    EXPECT_FALSE(std::filesystem::exists(files_ / "out.yaml"));
  }
}

TEST_F(ConfigFolderTest, WhatHasNoPlaceIsRefusedBeforeANoteStands) {
  put(files_ / "a.yaml", tenant("a"));
  std::filesystem::create_directories(files_ / "d.yaml");
  std::filesystem::create_directory_symlink(files_ / "d.yaml", files_ / "link");
  const std::vector<admin::ConfigFiles> bad = {
      {{"a.yaml", tenant("a")}, {"a.yaml/b.yaml", tenant("b")}}, {{"d.yaml", tenant("d")}}, {{"link/x.yaml", tenant("x")}}};
  for (const admin::ConfigFiles& files : bad) {
    EXPECT_FALSE(folder_.replace(files)) << files.back().name;
    EXPECT_FALSE(std::filesystem::exists(files_ / ".wye-apply.json"));
    EXPECT_EQ(get(files_ / "a.yaml"), tenant("a"));
  }
}

TEST_F(ConfigFolderTest, IsReplacedAsAWhole) {
  put(files_ / "a.yaml", tenant("a"));
  put(files_ / "deep/b.yml", tenant("b"));
  put(files_ / "edge.crt", "certificate");
  put(files_ / ".hidden/c.yaml", tenant("c"));
  const admin::ConfigFiles wanted = {{"a.yaml", tenant("a2")}, {"new/d.yaml", tenant("d")}};
  const auto replaced = folder_.replace(wanted);
  ASSERT_TRUE(replaced) << replaced.error().detail;
  EXPECT_EQ(read(), (std::map<std::string, std::string>{{"a.yaml", tenant("a2")}, {"new/d.yaml", tenant("d")}}));
  EXPECT_EQ(get(files_ / "edge.crt"), "certificate");
  EXPECT_EQ(get(files_ / ".hidden/c.yaml"), tenant("c"));
  EXPECT_FALSE(std::filesystem::exists(files_ / ".wye-apply.json"));
}

// At each moment of a replacement a reader sees the old documents or the new ones.
TEST_F(ConfigFolderTest, ACrashInBetweenIsCompleted) {
  put(files_ / "a.yaml", tenant("a"));
  put(files_ / "b.yaml", tenant("b"));
  const admin::ConfigFiles wanted = {{"a.yaml", tenant("a2")}, {"c.yaml", tenant("c")}};
  put(files_ / ".wye-apply.json", encode_files(wanted));  // written, and then the power went
  const std::map<std::string, std::string> after = {{"a.yaml", tenant("a2")}, {"c.yaml", tenant("c")}};
  EXPECT_EQ(read(), after);
  put(files_ / "a.yaml", tenant("a2"));  // half done
  EXPECT_EQ(read(), after);
  ASSERT_TRUE(folder_.recover());
  EXPECT_EQ(read(), after);
  EXPECT_FALSE(std::filesystem::exists(files_ / "b.yaml"));
  EXPECT_FALSE(std::filesystem::exists(files_ / ".wye-apply.json"));
  ASSERT_TRUE(folder_.recover());  // nothing to do
  put(files_ / ".wye-apply.json", "torn");
  EXPECT_EQ(read(), after);  // the note itself is written atomically: what can not be read is none of ours
}

TEST_F(ConfigFolderTest, SomeConfigurationsCanNotBeWritten) {
  put(files_ / "a.yaml", tenant("a"));
  const admin::ConfigFiles wanted = {{"a.yaml", tenant("b")}};
  EXPECT_EQ(ConfigFolder({files_ / "a.yaml"}).replace(wanted).error().code, ErrorCode::kConflict);
  EXPECT_EQ(ConfigFolder({files_.path(), files_.path()}).replace(wanted).error().code, ErrorCode::kConflict);
  EXPECT_EQ(ConfigFolder({files_ / "none"}).replace(wanted).error().code, ErrorCode::kConflict);
  EXPECT_EQ(get(files_ / "a.yaml"), tenant("a"));
  // Read, they still have names.
  EXPECT_EQ(ConfigFolder({files_ / "a.yaml"}).read().files.at(0).name, "a.yaml");
}

TEST_F(ConfigFolderTest, WhatWouldBeReadHasThePathsOfTheFolder) {
  const ConfigTexts texts = folder_.would_read({{"z.yaml", "z"}, {"b/a.yaml", "a"}});
  ASSERT_EQ(texts.texts.size(), 2u);
  EXPECT_EQ(texts.texts[0].file, (files_.path() / "b/a.yaml").string());
}

TEST(SnapshotStoreTest, KeepsTheLastTwenty) {
  TestFolder folder;
  const SnapshotStore store(folder / "snapshots");
  EXPECT_TRUE(store.list()->empty());
  std::vector<std::string> digests;
  for (int i = 0; i < 23; ++i) {
    const admin::ConfigFiles files = {{"a.yaml", whole("alias-" + std::to_string(i))}};
    const std::array texts = {config::NamedText{"a.yaml", files[0].text}};
    const config::Compiled compiled = config::compile(config::load_texts(texts), {});
    ASSERT_NE(compiled.snapshot, nullptr) << config::to_text(compiled.findings);
    const auto kept = store.keep(*compiled.snapshot, files, "tester", WallTime{int64_t{i} * 1'000'000'000});
    ASSERT_TRUE(kept) << kept.error().detail;
    digests.push_back(compiled.snapshot->digest());
  }
  const auto known = store.list();
  ASSERT_EQ(known->size(), kSnapshotsKept);
  EXPECT_EQ(known->front().digest, digests.back());
  EXPECT_EQ(known->front().accepted_by, "tester");
  EXPECT_EQ(known->back().digest, digests[3]);
  EXPECT_EQ(store.files(digests[5])->at(0).text, whole("alias-5"));  // as it was written, comments and all
  EXPECT_NE(store.resources(digests[5])->find("alias-5"), std::string::npos);
  EXPECT_EQ(store.files(digests[0]).error().code, ErrorCode::kNotFound);
  for (const char* name : {"", "sha256:00", "../../etc/passwd", "sha256:../../../../../../../../../../../../../../../../../../../../../../../../x"})
    EXPECT_EQ(store.files(name).error().code, ErrorCode::kNotFound) << name;
  const std::filesystem::path path = folder / ("snapshots/" + digests[5].substr(7) + ".json");
  std::string text = get(path);
  text.replace(text.rfind("alias-5"), 7, "alias-6");
  put(path, text);
  EXPECT_EQ(store.resources(digests[5]).error().code, ErrorCode::kCorrupt);
}

TEST(InstanceSlotTest, EachGatewayHasItsOwn) {
  TestFolder folder;
  const DataFolder data{folder.path()};
  ASSERT_TRUE(data.make());
  EXPECT_TRUE(running_instances(data).empty());
  {
    const auto up = take_slot(data, true);
    const auto one = take_slot(data, false);
    const auto two = take_slot(data, false);
    ASSERT_TRUE(up && one && two);
    EXPECT_EQ(take_slot(data, true).error().code, ErrorCode::kConflict);
    EXPECT_EQ(one->name, "gateway-1");
    EXPECT_EQ(two->chain, "audit-gateway-2");
    EXPECT_NE(one->audit_file, two->audit_file);
    const auto running = running_instances(data);
    ASSERT_EQ(running.size(), 3u);
    EXPECT_EQ(running[0], (std::pair(std::string("up"), data.admin_socket())));
  }
  EXPECT_TRUE(running_instances(data).empty());
  EXPECT_EQ(take_slot(data, false)->name, "gateway-1");  // the number, and its chain, are taken up again
}

TEST(YamlText, ReadsBackAsTheSameResource) {
  const std::string text =
      R"({"apiVersion":"wye.dev/v1alpha1","kind":"Route","metadata":{"name":"chat","labels":{"a b":"no","c":"1.5"}},)"
      R"("spec":{"aliases":["gpt-4o","x: y","# z"],"dataClass":"internal","candidates":[{"backend":"b","weight":1}],"operations":[]}})";
  json::Document document;
  ASSERT_TRUE(document.parse(text));
  const std::string yaml = to_yaml(document.root());
  EXPECT_EQ(
      yaml,
      "apiVersion: wye.dev/v1alpha1\nkind: Route\nmetadata:\n  name: chat\n  labels:\n    \"a b\": \"no\"\n    c: \"1.5\"\n"
      "spec:\n  aliases:\n    - gpt-4o\n    - \"x: y\"\n    - \"# z\"\n  dataClass: internal\n  candidates:\n    - backend: b\n      weight: 1\n"
      "  operations: []\n");
  const std::array once = {config::NamedText{"a.yaml", whole("gpt-4o")}};
  const config::Compiled first = config::compile(config::load_texts(once), {});
  ASSERT_NE(first.snapshot, nullptr);
  json::Document canonical;
  ASSERT_TRUE(canonical.parse(first.snapshot->canonical()));
  // Of a Backend the canonical form also names what has no effect there, which a document may not.
  const std::string written = whole("gpt-4o");
  std::string all = written.substr(0, written.find("---\napiVersion: wye.dev/v1alpha1\nkind: Route"));
  all = all.substr(all.find("---\napiVersion: wye.dev/v1alpha1\nkind: Backend"));
  for (const json::Value item : canonical.root().find("items")->elements()) {
    if (!item.find("kind")->equals("Backend")) all += "---\n" + to_yaml(item);
  }
  const std::array again = {config::NamedText{"b.yaml", all}};
  const config::Compiled second = config::compile(config::load_texts(again), {});
  ASSERT_NE(second.snapshot, nullptr) << config::to_text(second.findings) << all;
  EXPECT_EQ(second.snapshot->digest(), first.snapshot->digest());
}

}  // namespace
}  // namespace wye::app
