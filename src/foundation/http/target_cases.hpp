// For tests only: request targets as bytes and meaning (rule H13).
#pragma once

#include "foundation/http/target.hpp"

namespace wye::http {

struct TargetCase {
  std::string target;
  std::optional<std::string> path;  // absent: refused
  std::string query = {};
};

inline std::vector<std::string> refused_targets() {
  return {"a",
          "?a",
          "*",
          "//",
          "//a",
          "/a//b",
          "/a//",
          "/.",
          "/..",
          "/./a",
          "/../a",
          "/a/.",
          "/a/..",
          "/a/./b",
          "/a/../b",
          "/%2e",
          "/%2e%2E/a",
          "/.%2e/a",
          "/a/%2e%2e",
          "/a\\b",
          "/%5c",
          "/%5C..",
          "/%2f",
          "/a%2Fb",
          "/%00",
          "/%0a",
          "/%0d%0a",
          "/%1f",
          "/%7f",
          "/%",
          "/%4",
          "/%4g",
          "/%g4",
          "/a%",
          "/%25",
          "/%2525",
          "/%252e",
          "/%c0%ae",
          "/%c0%af",
          "/%e0%80%af",
          "/%f0%80%80%af",
          "/%ed%a0%80",
          "/%f4%90%80%80",
          "/%ff",
          "/%c3",
          "/%c3%28",
          "/%80",
          "/a#b",
          "/a?b#c",
          "#",
          "http://b/x",
          "http://a/x",
          "http://a:80x/",
          "http://u@a:80/",
          "http://",
          "http:///x",
          "ftp://a:80/",
          "http://a:80?x",
          "a:80",
          "javascript:1",
          "http://a:80//b",
          "http://a:80/../b"};
}

/// The Host header is `a:80`.
inline std::vector<TargetCase> target_cases() {
  std::vector<TargetCase> out = {
      {"/", "/"},
      {"/v1/chat/completions", "/v1/chat/completions"},
      {"/v1/models/", "/v1/models/"},
      {"/a?b=c&d", "/a", "b=c&d"},
      {"/a?", "/a", ""},
      {"/a?b=//../%2f", "/a", "b=//../%2f"},
      {"/%41%7a", "/Az"},
      {"/a%20b%3Fc%23", "/a b?c#"},
      {"/%C3%A4", "/\xc3\xa4"},
      {"/%f0%9f%98%80", "/\xf0\x9f\x98\x80"},
      {"/...", "/..."},
      {"/.a/..b/c.", "/.a/..b/c."},
      {"/a:b;c,d=e", "/a:b;c,d=e"},
      {"http://a:80/x?y", "/x", "y"},
      {"HTTP://A:80/x", "/x"},
      {"https://a:80", "/"},
  };
  for (const std::string& target : refused_targets()) out.push_back({target, {}});
  return out;
}

}  // namespace wye::http
