#include "app/first_start.hpp"

#include <sys/stat.h>

#include "foundation/base/test_folder.hpp"
#include "foundation/os/file.hpp"
#include "identity/token/api_key.hpp"
#include "identity/token/issuer_rules.hpp"

namespace wye::app {
namespace {

class FirstStart : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(data_.make());
    std::filesystem::create_directories(artefacts_.models());
    for (const char* name : {"smollm2-135m-instruct-q4_1.gguf", "all-minilm-l6-v2-f16.gguf"})
      ASSERT_TRUE(os::write_file_atomic(artefacts_.models() / name, "x"));
  }
  std::unique_ptr<Host> host() {
    HostOptions options;
    options.data = data_;
    options.source.paths = {data_.config()};
    options.source.compile.purpose = config::Purpose::kUp;
    options.source.compile.laptop = laptop_;
    options.logs_in_folder = true;
    Result<std::unique_ptr<Host>> made = Host::make(std::move(options), outside_);
    EXPECT_TRUE(made) << made.error().public_message << made.error().detail;
    return made ? std::move(*made) : nullptr;
  }
  static unsigned mode_of(const std::filesystem::path& path) {
    struct stat facts{};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
  }

  TestFolder folder_;
  DataFolder data_{folder_ / "data"};
  std::shared_ptr<const token::LaptopIssuer> laptop_ =
      std::make_shared<const token::LaptopIssuer>(token::LaptopIssuer{"https://127.0.0.1:8082", data_.ca_file()});
  Artefacts artefacts_{folder_ / "artefacts"};
  ManualClock clock_{WallTime{1'795'000'000'000'000'000}};
  Outside outside_{clock_, [](const char*) { return std::string(); }, [](const std::string&) { return std::nullopt; }};
};

TEST_F(FirstStart, WritesAConfigurationThatIsAcceptedAndNeverOverwritesIt) {
  ASSERT_TRUE(make_simulator_key(data_));
  ASSERT_TRUE(write_default_config(data_, artefacts_));
  EXPECT_EQ(host()->configuration().snapshot->routes().size(), 3U);
  ASSERT_TRUE(os::write_file_atomic(data_.config() / "edge.yaml", "# mine\n"));
  std::filesystem::remove(data_.config() / "azure.yaml");
  ASSERT_TRUE(write_default_config(data_, artefacts_));
  EXPECT_EQ(*os::read_file(data_.config() / "edge.yaml", 4_KiB), "# mine\n");
  EXPECT_FALSE(std::filesystem::exists(data_.config() / "azure.yaml")) << "the user took it away";
}

TEST_F(FirstStart, NamesAModelThatIsMissingAndLeavesNoConfiguration) {
  std::filesystem::remove(artefacts_.models() / "all-minilm-l6-v2-f16.gguf");
  const auto written = write_default_config(data_, artefacts_);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kNotFound);
  EXPECT_NE(written.error().public_message.find("all-minilm-l6-v2-f16.gguf"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(data_.config()));
}

TEST_F(FirstStart, MakesASimulatorKeyOnce) {
  ASSERT_TRUE(make_simulator_key(data_));
  const std::string first = *os::read_file(data_.simulator_key(), 4_KiB);
  EXPECT_EQ(first.size(), 33U);
  EXPECT_EQ(mode_of(data_.simulator_key()), 0600U);
  ASSERT_TRUE(make_simulator_key(data_));
  EXPECT_EQ(*os::read_file(data_.simulator_key(), 4_KiB), first);
}

TEST_F(FirstStart, KeepsTheFirstKeyUntilItIsDueAndRenewsItThen) {
  ASSERT_TRUE(make_simulator_key(data_));
  ASSERT_TRUE(write_default_config(data_, artefacts_));
  const auto running = host();
  const auto load = [&] {
    auto key = load_or_make_laptop_key(*running, data_, clock_.wall());
    EXPECT_TRUE(key && *key);
    return std::pair(std::string((*key)->text.reveal()), (*key)->made_now);
  };
  const auto [first, made] = load();
  EXPECT_TRUE(made);
  EXPECT_TRUE(token::parse_api_key(first));
  EXPECT_EQ(mode_of(data_.laptop_key()), 0600U);
  EXPECT_EQ(running->tenant_of_key(first, clock_.wall()), std::optional<std::string>("local"));
  clock_.advance(std::chrono::hours(24 * 334));
  EXPECT_EQ(load(), std::pair(first, false));
  clock_.advance(std::chrono::hours(24 * 2));
  const auto [second, made_again] = load();
  EXPECT_TRUE(made_again);
  EXPECT_NE(second, first);
  EXPECT_EQ(running->tenant_of_key(first, clock_.wall()), std::optional<std::string>("local")) << "the first one works until its end";
  ASSERT_TRUE(running->keys().revoke(token::parse_api_key(second)->id, clock_.wall()));
  EXPECT_TRUE(load().second) << "a revoked key is of no use";
  ASSERT_TRUE(os::write_file_atomic(data_.laptop_key(), "rubbish"));
  EXPECT_TRUE(load().second);
}

TEST_F(FirstStart, ASecondHostOnTheSameFolderIsRefused) {
  ASSERT_TRUE(make_simulator_key(data_));
  ASSERT_TRUE(write_default_config(data_, artefacts_));
  HostOptions options;
  options.data = data_;
  options.source.paths = {data_.config()};
  options.source.compile.purpose = config::Purpose::kUp;
  options.source.compile.laptop = laptop_;
  options.logs_in_folder = true;
  options.exclusive = true;
  const auto first = Host::make(options, outside_);
  ASSERT_TRUE(first);
  bool prepared = false;
  options.prepare = [&]() -> Result<void> {
    prepared = true;
    return {};
  };
  const auto second = Host::make(options, outside_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(prepared) << "nothing in another's folder may change";
}

TEST_F(FirstStart, ARefusedConfigurationTellsItsFindings) {
  ASSERT_TRUE(os::make_private_folder(data_.config()));
  ASSERT_TRUE(os::write_file_atomic(data_.config() / "a.yaml", "apiVersion: wye.dev/v1alpha1\nkind: Rout\nmetadata: {name: r}\nspec: {}\n"));
  HostOptions options;
  options.data = data_;
  options.source.paths = {data_.config()};
  options.logs_in_folder = true;
  std::string told;
  options.refused = [&](const config::Diagnostics& findings) { told = config::to_text(findings); };
  EXPECT_FALSE(Host::make(options, outside_));
  EXPECT_NE(told.find("a.yaml:2"), std::string::npos) << told;
}

}  // namespace
}  // namespace wye::app
