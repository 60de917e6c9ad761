#include "app/instance_record.hpp"

#include "foundation/base/test_folder.hpp"
#include "foundation/os/child_process.hpp"
#include "foundation/os/file.hpp"
#include "foundation/os/folder_lock.hpp"

namespace wye::app {
namespace {

InstanceRecord sample() {
  return {.pid = 4711,
          .version = "0.1.0",
          .started_at = *parse_rfc3339("2026-11-23T15:00:00.123Z"),
          .public_url = "http://127.0.0.1:8080",
          .admin_url = "http://127.0.0.1:8081",
          .issuer_url = {},
          .simulator_url = "http://127.0.0.1:9999"};
}

TEST(InstanceRecord, ReadsBackWhatItWrote) {
  EXPECT_EQ(parse_instance_record(to_json(sample())), sample());
  EXPECT_EQ(to_json(sample()).find("issuer_url"), std::string::npos);  // nothing is said of what is not there
}

TEST(InstanceRecord, RefusesWhatIsNone) {
  for (const char* text : {"", "{", "[]", "{}", R"({"pid":0,"started_at":"2026-11-23T15:00:00Z","public_url":"http://x"})",
                           R"({"pid":1,"started_at":"yesterday","public_url":"http://x"})", R"({"pid":1,"started_at":"2026-11-23T15:00:00Z"})",
                           R"({"pid":99999999999,"started_at":"2026-11-23T15:00:00Z","public_url":"http://x"})"})
    EXPECT_EQ(parse_instance_record(text), std::nullopt) << text;
}

TEST(FindInstance, NeedsALockThatIsHeldAndARecord) {
  TestFolder folder;
  const DataFolder data{folder.path()};
  ASSERT_TRUE(data.make());
  ASSERT_TRUE(os::write_file_atomic(data.instance(), to_json(sample())));
  EXPECT_EQ(find_instance(data).error().code, ErrorCode::kNotFound);  // left behind by one that was killed
  const auto lock = os::FolderLock::take(data.lock());
  ASSERT_TRUE(lock);
  const auto found = find_instance(data);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, sample());
  std::filesystem::remove(data.instance());
  EXPECT_EQ(find_instance(data).error().code, ErrorCode::kCorrupt);
}

TEST(ShellQuoted, IsOneWordThatMeansTheSame) {
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quoted("$(rm x)`y`\"\\"), "'$(rm x)`y`\"\\'");
}

TEST(ExportLines, SetWhatProgramsNeedEvenWithQuotesInPaths) {
  const DataFolder data{"/srv/it's me/d"};
  const std::string lines = export_lines(sample(), data, "wye_live_x");
  const auto child = [&] {
    auto started = os::ChildProcess::start({.arguments = {"/bin/sh", "-c",
                                                          lines + R"(printf '%s|%s|%s|%s|%s|%s' "$OPENAI_BASE_URL" "$OPENAI_API_KEY" )"
                                                                  R"("$AZURE_OPENAI_ENDPOINT" "$AZURE_OPENAI_API_KEY" "$WYE_ADMIN_URL" "$WYE_DATA")"},
                                            .environment = {},
                                            .folder = {}});
    EXPECT_TRUE(started);
    EXPECT_TRUE(started->wait_for(std::chrono::seconds(10)));
    std::string out;
    started->try_read_output(out);
    return out;
  }();
  EXPECT_EQ(child, "http://127.0.0.1:8080/v1|wye_live_x|http://127.0.0.1:8080|wye_live_x|http://127.0.0.1:8081|/srv/it's me/d");
  EXPECT_EQ(export_lines(sample(), data, "").find("API_KEY"), std::string::npos);
}

}  // namespace
}  // namespace wye::app
