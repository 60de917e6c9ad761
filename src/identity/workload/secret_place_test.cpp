// Where secrets stand: what is read, what is refused, and that no word of it is the value.
#include "identity/workload/secret_place.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "identity/workload/workload_test_rig.hpp"

namespace wye::workload {
namespace {

using Form = SecretPlace::Form;

config::SecretRef file_ref(const std::string& path) {
  config::SecretRef ref;
  ref.file = {path, path};
  return ref;
}
config::SecretRef kubernetes_ref(const std::string& secret, const std::string& key) {
  config::SecretRef ref;
  ref.kubernetes = config::KubernetesSecret{secret, key};
  return ref;
}
std::optional<std::string> nothing(const std::string&) { return std::nullopt; }

std::string read(const config::SecretRef& ref, const std::string& root = "/nowhere", Form form = Form::kKey) {
  const auto place = SecretPlace::make(ref, form, nothing, root);
  if (!place) return "refused: " + place.error().public_message;
  const Result<Secret> value = (*place)->read();
  return value ? std::string(value->reveal()) : "refused: " + value.error().public_message;
}

TEST(SecretPlace, AFileIsOursAlone) {
  const TestFolder folder;
  EXPECT_EQ(read(file_ref(folder.write("key", "canary-key\n"))), "canary-key");
  struct Row {
    std::string file;
    std::string_view says;
  };
  const std::string link = (folder.path() / "link").string();
  ASSERT_EQ(::symlink((folder.path() / "key").c_str(), link.c_str()), 0);
  for (const Row& row :
       {Row{folder.write("open", "canary", 0644), "open to others"}, Row{folder.write("group", "canary", 0640), "open to others"},
        Row{link, "can not be opened"}, Row{folder.path().string(), "no regular file"}, Row{(folder.path() / "gone").string(), "can not be opened"},
        Row{folder.write("empty", "\n"), "is empty"}, Row{folder.write("blank", "canary key"), "a blank"},
        Row{folder.write("line", "canary\nkey"), "a blank"}, Row{folder.write("large", std::string(kSecretBytesMax + 1, 'c')), "too large"}}) {
    const std::string said = read(file_ref(row.file));
    EXPECT_NE(said.find(row.says), std::string::npos) << row.file << ": " << said;
    EXPECT_EQ(said.find("canary"), std::string::npos) << said;
  }
  EXPECT_EQ(read(file_ref(folder.write("pem", "-----BEGIN\nx y\n")), "", Form::kText), "-----BEGIN\nx y\n");
}

TEST(SecretPlace, TheEnvironmentIsAskedOnce) {
  config::SecretRef ref;
  ref.env = "KEY";
  int asked = 0;
  const auto place = SecretPlace::make(
      ref, Form::kKey,
      [&](const std::string&) {
        ++asked;
        return std::optional<std::string>("canary");
      },
      "");
  ASSERT_TRUE(place);
  EXPECT_EQ((*place)->read()->reveal(), "canary");
  EXPECT_EQ((*place)->read()->reveal(), "canary");
  EXPECT_EQ(asked, 1);
  EXPECT_FALSE((*place)->can_change());
  EXPECT_EQ(read(ref), "refused: The environment variable KEY is not set.");
}

/// As kubelet lays a Secret out: the key is a link through `..data`, which is a link to a folder with the time in its name.
class Mounted {
 public:
  explicit Mounted(const TestFolder& folder) : root_(folder.path() / "openai"), folder_(folder) { std::filesystem::create_directories(root_); }
  void swap(const std::string& time, std::string_view value, unsigned mode = 0644) {
    folder_.write("openai/" + time + "/key", value, mode);
    std::filesystem::create_symlink(time, root_ / "..data_tmp");
    std::filesystem::rename(root_ / "..data_tmp", root_ / "..data");
    if (!std::filesystem::is_symlink(root_ / "key")) std::filesystem::create_symlink("..data/key", root_ / "key");
    if (!last_.empty()) std::filesystem::remove_all(root_ / last_);
    last_ = time;
  }

 private:
  std::filesystem::path root_;
  const TestFolder& folder_;
  std::string last_;
};

TEST(SecretPlace, AKubernetesSecretIsReadThroughItsLinks) {
  const TestFolder folder;
  Mounted mounted(folder);
  mounted.swap("..2026_11_23_15_00_00.1", "canary-1\n");
  const auto place = SecretPlace::make(kubernetes_ref("openai", "key"), Form::kKey, nothing, folder.path().string());
  ASSERT_TRUE(place);
  EXPECT_EQ((*place)->read()->reveal(), "canary-1");
  mounted.swap("..2026_11_23_16_00_00.2", "canary-2");
  EXPECT_EQ((*place)->read()->reveal(), "canary-2");
  EXPECT_TRUE((*place)->can_change());
  mounted.swap("..2026_11_23_17_00_00.3", "canary-3", 0666);
  EXPECT_NE((*place)->read().error().public_message.find("by anybody"), std::string::npos);
}

TEST(SecretPlace, AKubernetesSecretStaysInItsFolder) {
  const TestFolder folder;
  folder.write("outside", "canary");
  folder.write("openai/other", "canary");
  std::filesystem::create_symlink("../outside", folder.path() / "openai" / "key");
  const std::string root = folder.path().string();
  EXPECT_NE(read(kubernetes_ref("openai", "key"), root).find("leads out of its folder"), std::string::npos);
  EXPECT_NE(read(kubernetes_ref("openai", "gone"), root).find("is not mounted"), std::string::npos);
  for (const auto& [secret, key] : {std::pair("..", "outside"), std::pair("openai", "../outside"), std::pair("openai", "..data"), std::pair("", "x"),
                                    std::pair("openai", ""), std::pair("a/b", "x")})
    EXPECT_NE(read(kubernetes_ref(secret, key), root).find("plain names"), std::string::npos) << secret << " " << key;
}

TEST(SecretPlace, APrivateKeyComesFromNoVault) {
  config::SecretRef ref;
  ref.key_vault = config::KeyVaultSecret{"https://contoso.vault.azure.net", "k"};
  EXPECT_NE(read(ref, "", Form::kText).find("Key Vault holds API keys only"), std::string::npos);
}

}  // namespace
}  // namespace wye::workload
