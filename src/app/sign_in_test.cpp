// Signing in: URLs, the token file, answers of issuers, the loopback redirect, and the laptop issuer of a data folder.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "app/laptop_issuer.hpp"
#include "app/loopback_redirect.hpp"
#include "app/oauth_client.hpp"
#include "app/token_file.hpp"
#include "foundation/base/test_folder.hpp"
#include "foundation/json/document.hpp"
#include "foundation/os/file.hpp"
#include "identity/issuer/directory.hpp"
#include "identity/issuer/documents.hpp"

namespace wye::app {
namespace {

using namespace std::chrono_literals;

const SystemClock kClock;

unsigned mode_of(const std::filesystem::path& path) {
  struct stat facts{};
  return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
}

TEST(WebUrl, IsTakenApartOrRefused) {
  const WebUrl url = *parse_web_url("https://login.example.com:8443/tenant/v2.0?x=1");
  EXPECT_EQ(url.host, "login.example.com");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.target, "/tenant/v2.0?x=1");
  EXPECT_EQ(url.origin(), "https://login.example.com:8443");
  EXPECT_EQ(parse_web_url("https://a.example")->origin(), "https://a.example");
  EXPECT_EQ(parse_web_url("https://a.example?x")->target, "/?x");
  EXPECT_EQ(parse_web_url("https://[::1]:9/")->origin(), "https://[::1]:9");
  EXPECT_EQ(parse_web_url("http://127.0.0.1:9")->port, 9);
  for (const std::string_view text : {"http://a.example", "http://127.0.0.1.evil.example", "ftp://a", "https://", "https://u@a.example",
                                      "https://a.example#x", "https://a.example:0", "https://a.example:65536", "https://a.example:x", "https://a b",
                                      "https://[::1", "https://a\r\nb", "HTTPS://a.example"})
    EXPECT_FALSE(parse_web_url(text)) << text;
}

TEST(FormText, EncodesWhatIsNotPlain) {
  EXPECT_EQ(FormText().add("a b", "x&y=z/+\xC3\xA4").add("c", "-_.~").text(), "a%20b=x%26y%3Dz%2F%2B%C3%A4&c=-_.~");
}

StoredLogin sample(WallTime expires) {
  StoredLogin login;
  login.issuer = "https://issuer.example";
  login.client_id = "client";
  login.scope = "scope";
  login.token_endpoint = "https://issuer.example/token";
  login.access_token = Secret("the-token");
  login.expires_at = expires;
  return login;
}

TEST(TokenFile, KeepsASignInForItsOwnerAlone) {
  const TestFolder folder;
  const Environment environment = [&](const char* name) {
    return std::string_view(name) == "XDG_CONFIG_HOME" ? folder.path().string() : std::string();
  };
  const std::filesystem::path path = *token_file_path(environment);
  EXPECT_EQ(load_login(path).error().code, ErrorCode::kNotFound);
  const WallTime soon{kClock.wall().ns + Nanos(10min).count()};
  ASSERT_TRUE(save_login(path, sample(soon)));
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(path.parent_path()), 0700u);
  const Result<Secret> token = current_access_token(environment, kClock);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->reveal(), "the-token");
  ASSERT_TRUE(save_login(path, sample(WallTime{kClock.wall().ns + Nanos(30s).count()})));
  EXPECT_EQ(current_access_token(environment, kClock).error().code, ErrorCode::kUnauthenticated) << "ends too soon, and nothing renews it";
  ::chmod(path.c_str(), 0640);
  EXPECT_EQ(load_login(path).error().code, ErrorCode::kForbidden);
  ::chmod(path.c_str(), 0600);
  ASSERT_TRUE(os::write_file_atomic(path, "{\"issuer\":\"x\"}"));
  EXPECT_EQ(load_login(path).error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(token_file_path([](const char*) { return std::string(); }));
}

TEST(TokenAnswer, MeansATokenOrARefusal) {
  const Result<TokenAnswer> good = read_token_answer({200, "application/json", R"({"access_token":"a","expires_in":3600,"refresh_token":"r"})"});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->access_token.reveal(), "a");
  EXPECT_EQ(good->refresh_token.reveal(), "r");
  EXPECT_EQ(good->expires_in, 3600s);
  const auto code = [](int status, std::string body) { return read_token_answer({status, "application/json", std::move(body)}).error().code; };
  EXPECT_EQ(code(400, R"({"error":"invalid_grant"})"), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code(503, ""), ErrorCode::kClosed);
  for (const char* body : {"{}", "[]", "x", R"({"access_token":"a"})", R"({"access_token":"a","expires_in":0})",
                           R"({"access_token":"a","expires_in":1e3})", R"({"access_token":"a","expires_in":3600,"access_token":"b"})"})
    EXPECT_EQ(code(200, body), ErrorCode::kCorrupt) << body;
  const Result<TokenAnswer> told = read_token_answer({400, "application/json", "{\"error\":\"a\\u001b[31m\"}"});
  EXPECT_EQ(told.error().public_message.find('\x1b'), std::string::npos) << "an issuer writes no control characters to a terminal";
}

// RFC 8628 §3.5.
TEST(DevicePoll, WaitsLongerWhenToldAndStopsOnTheRest) {
  EXPECT_EQ(next_interval("authorization_pending", 5s), 5s);
  EXPECT_EQ(next_interval("slow_down", 5s), 10s);
  EXPECT_EQ(next_interval("slow_down", kDeviceIntervalMax), kDeviceIntervalMax);
  for (const char* code : {"access_denied", "authorization_declined", "expired_token", "bad_verification_code", "invalid_client", ""})
    EXPECT_FALSE(next_interval(code, 5s)) << code;
}

TEST(LoopbackRedirect, TakesTheAnswerWithItsStateAndNoOther) {
  const auto redirect = LoopbackRedirect::open(kClock);
  ASSERT_TRUE(redirect);
  std::vector<int> statuses;
  std::thread browser([&] {
    for (const char* query : {"?code=bad&state=wrong", "?code=bad", "?code=good&state=s1&iss=i", "?code=late&state=s1"}) {
      const std::string url = (*redirect)->uri() + query;
      const Result<WebAnswer> answer = web_call(kClock, {.url = url, .timeout = 5s});
      statuses.push_back(answer ? answer->status : 0);
      if (std::string_view(query).contains("good")) break;
    }
  });
  const Result<RedirectAnswer> answer = (*redirect)->wait("s1", 10s);
  browser.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, "good");
  EXPECT_EQ(answer->issuer, "i");
  EXPECT_EQ(statuses, (std::vector{400, 400, 200}));
}

TEST(LoopbackRedirect, GivesUp) {
  const auto redirect = LoopbackRedirect::open(kClock);
  ASSERT_TRUE(redirect);
  EXPECT_EQ((*redirect)->wait("s1", 50ms).error().code, ErrorCode::kTimeout);
}

class Laptop : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(data.make()); }
  Result<WebAnswer> get(const std::string& url, const std::filesystem::path& ca) { return web_call(kClock, {.url = url, .ca_file = ca}); }
  TestFolder folder;
  DataFolder data{folder.path() / "data"};
};

TEST_F(Laptop, ItsSecretsAreMadeOnceAndAreTheOwnersAlone) {
  std::string keys, owner, authority;
  for (int start = 0; start < 2; ++start) {
    const auto host = LaptopIssuerHost::start(data, kClock, 0);
    ASSERT_TRUE(host) << host.error().detail;
    const auto found = get(issuer::url_below((*host)->authority(), issuer::kKeysPath), data.ca_file());
    ASSERT_TRUE(found) << found.error().detail;
    const std::string text(read_owner_key(data)->reveal());
    EXPECT_EQ(text.size(), 43u);
    const std::string ca = *os::read_file(data.ca_file(), 64_KiB);
    if (start == 1) {
      EXPECT_EQ(text, owner);
      EXPECT_EQ(ca, authority);
    }
    owner = text;
    authority = ca;
  }
  for (const auto& entry : std::filesystem::directory_iterator(data.secrets())) EXPECT_EQ(mode_of(entry.path()), 0600u) << entry.path();
}

TEST_F(Laptop, OnlyItsOwnAuthorityIsTrustedAndOnlyForItsName) {
  const auto host = LaptopIssuerHost::start(data, kClock, 0);
  ASSERT_TRUE(host) << host.error().detail;
  const std::string path = issuer::url_below({}, issuer::kDiscoveryV2);
  EXPECT_TRUE(get((*host)->authority() + path, data.ca_file()));
  EXPECT_TRUE(get("https://localhost:" + std::to_string((*host)->port()) + path, data.ca_file()));
  EXPECT_EQ(get((*host)->authority() + path, {}).error().code, ErrorCode::kClosed) << "the system does not know it";
  EXPECT_FALSE(get("https://127.0.0.2:" + std::to_string((*host)->port()) + path, data.ca_file()));
  EXPECT_EQ(LaptopIssuerHost::start(data, kClock, (*host)->port()).error().code, ErrorCode::kConflict);
}

TEST_F(Laptop, AProgramSignsInWithItsKey) {
  const auto host = LaptopIssuerHost::start(data, kClock, 0);
  ASSERT_TRUE(host) << host.error().detail;
  const SignIn sign_in{kClock, std::string(issuer::kAppId), std::string(issuer::kApiUri) + "/.default", data.ca_file(), {}};
  const auto facts = discover(sign_in, (*host)->issuer_url());
  ASSERT_TRUE(facts) << facts.error().public_message;
  EXPECT_FALSE(discover(sign_in, (*host)->issuer_url() + "/")) << "another issuer, byte for byte";
  const auto token = sign_in_as_program(sign_in, *facts, {.key_file = data.laptop_app_key()});
  ASSERT_TRUE(token) << token.error().public_message;
  EXPECT_EQ(token->expires_in, 1h);
  EXPECT_EQ(sign_in_as_program(sign_in, *facts, {.key_file = data.issuer_tls_key()}).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(sign_in_as_program(sign_in, *facts, {.key_file = data.ca_file()}).error().code, ErrorCode::kUsage);
  EXPECT_EQ(sign_in_as_program(sign_in, *facts, {.secret_file = data.laptop_owner_key()}).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(Laptop, DamagedSecretsAreNotUsed) {
  ASSERT_TRUE(os::write_file_atomic(data.laptop_owner_key(), "short\n"));
  EXPECT_EQ(LaptopIssuerHost::start(data, kClock, 0).error().code, ErrorCode::kCorrupt);
  std::filesystem::remove(data.laptop_owner_key());
  ASSERT_TRUE(os::write_file_atomic(data.laptop_users(), "{}"));
  EXPECT_EQ(LaptopIssuerHost::start(data, kClock, 0).error().code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace wye::app
