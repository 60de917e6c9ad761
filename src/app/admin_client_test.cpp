// Which instance a command talks to, and with what it ends.
#include "app/admin_client.hpp"

#include "app/instance_slot.hpp"
#include "foundation/base/test_folder.hpp"

#include <gtest/gtest.h>

namespace wye::app {
namespace {

AdminTarget at(std::string data, std::string server) {
  AdminTarget target;
  target.data = std::move(data);
  target.server = std::move(server);
  return target;
}

class AdminClientTest : public testing::Test {
 protected:
  std::map<std::string, std::string> variables_;
  SystemClock clock_;
  Outside outside_{clock_,
                   [this](const char* name) {
                     const auto found = variables_.find(name);
                     return found == variables_.end() ? std::string() : found->second;
                   },
                   [](const std::string&) { return std::nullopt; }};
  TestFolder folder_;
  DataFolder data_{folder_.path()};
};

TEST_F(AdminClientTest, WhichInstanceByFlagThenVariable) {
  const auto folder = [&](const AdminTarget& target) {
    const auto found = local_folder(target, outside_);
    EXPECT_TRUE(found);
    return *found ? (*found)->root.string() : "elsewhere";
  };
  variables_ = {{"HOME", "/h"}};
  EXPECT_EQ(folder({}), "/h/.local/share/wye");
  variables_["WYE_ADMIN_URL"] = "http://127.0.0.1:1";
  EXPECT_EQ(folder({}), "elsewhere");
  variables_["WYE_DATA"] = "/d";  // what `wye env` exports together with the URL
  EXPECT_EQ(folder({}), "/d");
  EXPECT_EQ(folder(at("/e", "")), "/e");
  EXPECT_EQ(folder(at("/e", "https://wye.example.com")), "elsewhere");
}

TEST_F(AdminClientTest, OneOfSeveralIsNamed) {
  ASSERT_TRUE(data_.make());
  EXPECT_EQ(find_socket(data_, "").error().code, ErrorCode::kNotFound);
  const auto one = take_slot(data_, false);
  EXPECT_EQ(*find_socket(data_, ""), one->socket);
  const auto two = take_slot(data_, false);
  EXPECT_EQ(find_socket(data_, "").error().code, ErrorCode::kUsage);
  EXPECT_NE(find_socket(data_, "").error().public_message.find("gateway-1 gateway-2"), std::string::npos);
  EXPECT_EQ(*find_socket(data_, "gateway-2"), two->socket);
  EXPECT_EQ(find_socket(data_, "gateway-3").error().code, ErrorCode::kNotFound);
  const auto up = take_slot(data_, true);
  EXPECT_EQ(*find_socket(data_, ""), data_.admin_socket());  // `wye up` comes first
}

TEST_F(AdminClientTest, ElsewhereNeedsACredential) {
  variables_ = {{"HOME", folder_.path().string()}};
  EXPECT_EQ(AdminClient::find(at("", "http://127.0.0.1:1"), outside_).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(AdminClient::find(at("", "http://wye.example.com"), outside_).error().code, ErrorCode::kUsage);  // a bearer in the clear
  variables_["WYE_TOKEN"] = "t";
  const auto client = AdminClient::find(at("", "http://127.0.0.1:1"), outside_);
  ASSERT_TRUE(client);
  EXPECT_EQ(client->call("GET", "status").error().code, ErrorCode::kNotFound);
}

TEST(ReportReply, EndsAsTheStatusSays) {
  const auto error = [](int status, std::string_view code) {
    return AdminReply{status, R"({"error":{"message":"m","type":"t","param":null,"code":")" + std::string(code) + "\"}}"};
  };
  EXPECT_EQ(report_reply(error(401, "invalid_api_key")), kNotAllowed);
  EXPECT_EQ(report_reply(error(403, "")), kNotAllowed);
  EXPECT_EQ(report_reply(error(409, "config_changed")), kConflictExit);
  EXPECT_EQ(report_reply(error(409, "config_widens")), kConflictExit);
  EXPECT_EQ(report_reply(error(400, "config_refused")), kConfigRefused);
  EXPECT_EQ(report_reply(error(400, "")), kUsageError);
  EXPECT_EQ(report_reply(error(404, "")), kFailed);
  EXPECT_EQ(report_reply({502, "no json"}), kFailed);
}

TEST(Encoded, IsOneValueOfAQuery) {
  EXPECT_EQ(encoded("route:a b&c=d/é"), "route%3Aa%20b%26c%3Dd%2F%C3%A9");
  EXPECT_EQ(encoded("plain-1.2_~"), "plain-1.2_~");
}

}  // namespace
}  // namespace wye::app
