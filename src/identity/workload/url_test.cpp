#include "identity/workload/url.hpp"

#include <gtest/gtest.h>

namespace wye::workload {
namespace {

TEST(Url, TakesApartWhatMayBeAskedForAToken) {
  struct Row {
    std::string_view text, origin, target;
  };
  for (const Row& row : {Row{"https://Login.Example/a/b", "https://login.example", "/a/b"}, Row{"https://h:8443", "https://h:8443", "/"},
                         Row{"https://h:443/?a=b", "https://h", "/?a=b"}, Row{"https://[::1]:9/x", "https://[::1]:9", "/x"},
                         Row{"http://169.254.169.254/m?x=1", "http://169.254.169.254", "/m?x=1"},
                         Row{"http://127.0.0.1:40342/", "http://127.0.0.1:40342", "/"}, Row{"https://h?a", "https://h", "/?a"}}) {
    const Result<Url> url = parse_url(row.text);
    ASSERT_TRUE(url) << row.text;
    EXPECT_EQ(url->origin(), row.origin);
    EXPECT_EQ(url->target, row.target);
  }
  for (const std::string_view bad : {"", "h", "ftp://h/", "https://", "https:///x", "https://user@h/", "https://h:0/", "https://h:99999/",
                                     "https://h:8x/", "https://h/#f", "https://h/a b", "https://h/\r\nx", "http://login.example/", "http://10.0.0.1/",
                                     "http://0x7f.1/", "https://[::1", "https://h\\x/", "http://127.0.0.1.evil.example/"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

TEST(Url, EncodesAllButUnreserved) {
  EXPECT_EQ(encode_component("aZ9-._~"), "aZ9-._~");
  EXPECT_EQ(encode_component("https://x/.default &=+%"), "https%3A%2F%2Fx%2F.default%20%26%3D%2B%25");
  std::string form;
  add_parameter(form, "a", "1&2");
  add_parameter(form, "b", "");
  EXPECT_EQ(form, "a=1%262&b=");
}

}  // namespace
}  // namespace wye::workload
