// For tests only: heads as bytes and what they mean, rule by rule. One table for the parser, the server, the client and the fuzzer.
#pragma once

#include "foundation/http/head.hpp"

namespace wye::http {

struct HeadCase {
  std::string rule;
  std::string bytes;
  std::string meaning;             // what `describe` says of an accepted head
  std::optional<ErrorCode> error;  // why it is refused
};

inline std::string describe_framing(const Head& head) {
  std::string text;
  if (head.content_length) text += " length=" + std::to_string(*head.content_length);
  if (head.chunked) text += " chunked";
  if (head.close) text += " close";
  if (head.http_1_0) text += " 1.0";
  return text + " fields=" + std::to_string(head.field_count);
}
inline std::string describe_request(const Head& head) {
  return std::string(to_string(head.method)) + " " + std::string(head.target) + describe_framing(head);
}
inline std::string describe_response(const Head& head) { return std::to_string(head.status) + describe_framing(head); }

namespace cases {

constexpr std::string_view kEnd = "\r\n\r\n";
inline HeadCase accepts(std::string rule, std::string bytes, std::string meaning) {
  return {std::move(rule), std::move(bytes), std::move(meaning), {}};
}
inline HeadCase refuses(std::string rule, std::string bytes, ErrorCode error = ErrorCode::kInvalidRequest) {
  return {std::move(rule), std::move(bytes), {}, error};
}
/// A POST with these field lines (each without CR LF) behind Host.
inline std::string post(std::string_view lines) { return "POST /x HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + std::string(kEnd); }
inline std::string with_host(std::string_view host) { return "GET / HTTP/1.1\r\nHost: " + std::string(host) + std::string(kEnd); }
inline std::string many_fields(int count, std::string_view start) {
  std::string text(start);
  for (int i = 0; i < count; ++i) text += "x-" + std::to_string(i) + ": 1\r\n";
  return text + "\r\n";
}
/// Exactly `size` bytes of head in lines below the line limit.
inline std::string head_of(size_t size, std::string_view start) {
  std::string text(start);
  int line = 0;
  while (size - text.size() - 2 > 17'000) text += "x" + std::to_string(line++) + ": " + std::string(16'000, 'v') + "\r\n";
  const size_t rest = size - text.size() - 2;
  text += "last: " + std::string(rest - 8, 'v') + "\r\n\r\n";
  return text;
}

inline void request_lines(std::vector<HeadCase>& out) {
  const std::string host = "\r\nHost: a\r\n\r\n";
  out.push_back(accepts("H1 plain", "GET / HTTP/1.1" + host, "GET / fields=1"));
  for (const std::string method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"})
    out.push_back(accepts("H1 method", method + " /x HTTP/1.1" + host, method + " /x fields=1"));
  out.push_back(
      accepts("H1 HTTP/1.0 is never kept alive", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", "GET / close 1.0 fields=2"));
  out.push_back(accepts("H1 HTTP/1.0 may lack a host", "GET / HTTP/1.0\r\n\r\n", "GET / close 1.0 fields=0"));
  const std::string longest(8192 - 13, 'a');
  out.push_back(accepts("H1 8192 bytes", "GET /" + longest.substr(1) + " HTTP/1.1" + host, "GET /" + longest.substr(1) + " fields=1"));
  out.push_back(refuses("H1 8193 bytes", "GET /" + longest + " HTTP/1.1" + host));
  out.push_back(refuses("H1 endless first line", "GET /" + std::string(20'000, 'a')));
  out.push_back(accepts("H1 query", "GET /a?b=%20&c HTTP/1.1" + host, "GET /a?b=%20&c fields=1"));
  for (const std::string version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/9.9"})
    out.push_back(refuses("H1 version", "GET / " + version + host, ErrorCode::kHttpVersion));
  out.push_back(refuses("H1 HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ErrorCode::kHttpVersion));
  for (const std::string version :
       {"http/1.1", "HTTP/1.1 ", "HTTP/1.10", "HTTP/01.1", "HTTP/1,1", "HTTPS/1.1", "HTTP/1", "HTP/1.1", "HTTP/1.1\t", "ICE/1.0", "RTSP/1.0"})
    out.push_back(refuses("H1 version malformed: " + version, "GET / " + version + host));
  for (const std::string method : {"get", "FOO", "Post", "PROPFIND", "SOURCE", "ANNOUNCE", "M-SEARCH"})
    out.push_back(refuses("H1 unknown method " + method, method + " / HTTP/1.1" + host, ErrorCode::kNotImplemented));
  for (const std::string line : {"GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1.1 x", "GET / a HTTP/1.1",
                                 "GET /", "GET", "", "GET HTTP/1.1", "G(T / HTTP/1.1", "G\x80T / HTTP/1.1", "GET /\x80 HTTP/1.1",
                                 "GET /\x7f HTTP/1.1", "GET /\x01 HTTP/1.1", "/ HTTP/1.1", "\x16\x03\x01\x02"})
    out.push_back(refuses("H1 malformed: " + line, line + host));
}

inline void line_ends_and_fields(std::vector<HeadCase>& out) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
  out.push_back(accepts("H2 a line of 17 KiB", start + "x: " + std::string((17 << 10) - 3, 'v') + "\r\n\r\n", "GET / fields=2"));
  out.push_back(refuses("H2 a byte more", start + "x: " + std::string((17 << 10) - 2, 'v') + "\r\n\r\n", ErrorCode::kHeadTooLarge));
  out.push_back(refuses("H2 an endless line", start + "x: " + std::string(30'000, 'v'), ErrorCode::kHeadTooLarge));
  out.push_back(accepts("H2 48 KiB", head_of(48 << 10, start), "GET / fields=5"));
  out.push_back(refuses("H2 a byte more than 48 KiB", head_of((48 << 10) + 1, start), ErrorCode::kHeadTooLarge));
  out.push_back(accepts("H2 100 fields", many_fields(99, start), "GET / fields=100"));
  out.push_back(refuses("H2 101 fields", many_fields(100, start), ErrorCode::kHeadTooLarge));
  for (const std::string bytes :
       {"GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"})
    out.push_back(refuses("H3 line ends", bytes));
  for (const char c : {'\0', '\x01', '\x0b', '\x0c', '\x1b', '\x7f'}) {
    out.push_back(refuses("H3 control in a value", start + "x: a" + c + "b\r\n\r\n"));
    out.push_back(refuses("H3 control in a name", start + "x" + c + ": a\r\n\r\n"));
    out.push_back(refuses("H3 control in the target", std::string("GET /") + c + " HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  out.push_back(accepts("H3 tab and obs-text in a value", start + "x: a\tb\xff\r\n\r\n", "GET / fields=2"));
  for (const std::string line : {"x : a", "x\t: a", " x: a", "\tx: a", "x", "x a: b", ": a", "x\"y: a", "x(y): a", "x_y: a", "x\xc3\xa4: a", "x/y: a",
                                 "x@y: a", " folded", "x=y: a"})
    out.push_back(refuses("H4 field line: " + line, start + line + "\r\n\r\n"));
  out.push_back(refuses("H4 folded after a field", start + "x: a\r\n b\r\n\r\n"));
  out.push_back(refuses("H4 folded first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"));
  out.push_back(accepts("H4 no value, no blank", start + "x:\r\ny:z\r\nx: \t \r\n\r\n", "GET / fields=4"));
}

inline void framing_fields(std::vector<HeadCase>& out) {
  out.push_back(refuses("H5 both", post("Content-Length: 5\r\nTransfer-Encoding: chunked")));
  out.push_back(refuses("H5 both, the other way round", post("transfer-encoding: chunked\r\ncontent-length: 5")));
  out.push_back(refuses("H5 both, length 0", post("Content-Length: 0\r\nTransfer-Encoding: chunked")));
  out.push_back(accepts("H6 chunked", post("Transfer-Encoding: chunked"), "POST /x chunked fields=2"));
  out.push_back(accepts("H6 case", post("tRANSFER-eNCODING:CHUNKED"), "POST /x chunked fields=2"));
  for (const std::string coding : {"identity",       "gzip, chunked",     "chunked, chunked", "xchunked", "chunked\t", "chunked ",
                                   "\tchunked",      "chunked, identity", "chunked,",         ",chunked", "",          "\"chunked\"",
                                   "chunked;q=1",    "chunked\x0b",       "chun ked",         "chunkedx", "x",         "chunked, gzip",
                                   "ch\xc3\xbcnked", "\xe2\x84\xaa",      "chunked\r\n ",     "cow"})
    out.push_back(refuses("H6 coding `" + coding + "`", post("Transfer-Encoding: " + coding)));
  for (const std::string coding : {"gzip", "deflate", "compress", "x-gzip"})
    out.push_back(refuses("H6 known coding", post("Transfer-Encoding: " + coding), ErrorCode::kNotImplemented));
  out.push_back(refuses("H6 twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")));
  out.push_back(refuses("H6 twice, hidden", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow")));
  out.push_back(refuses("H6 hidden behind a blank", post("Transfer-Encoding : chunked")));
  out.push_back(refuses("H6 hidden behind an underscore", post("Transfer_Encoding: chunked")));
  out.push_back(refuses("H6 in HTTP/1.0", "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  out.push_back(accepts("H7 zero", post("Content-Length: 0"), "POST /x length=0 fields=2"));
  out.push_back(accepts("H7 leading zeros, blanks around", post("Content-Length: \t 0005 \t"), "POST /x length=5 fields=2"));
  out.push_back(accepts("H7 2^53-1", post("Content-Length: 9007199254740991"), "POST /x length=9007199254740991 fields=2"));
  for (const std::string length : {"9007199254740992",
                                   "18446744073709551616",
                                   "99999999999999999999999999",
                                   "+5",
                                   "-5",
                                   "-0",
                                   "0x5",
                                   "5 5",
                                   "5,5",
                                   "5, 5",
                                   "5\t5",
                                   "",
                                   "five",
                                   "5.0",
                                   "5e0",
                                   "0b1",
                                   "5;",
                                   "\"5\"",
                                   "5\x0b",
                                   "\xd9\xa5",
                                   "5_0"})
    out.push_back(refuses("H7 length `" + length + "`", post("Content-Length: " + length)));
  out.push_back(refuses("H7 twice, equal", post("Content-Length: 5\r\nContent-Length: 5")));
  out.push_back(refuses("H7 twice, other", post("Content-Length: 5\r\ncontent-length: 6")));
}

inline void hosts_and_connections(std::vector<HeadCase>& out) {
  for (const std::string host : {"a", "a:80", "127.0.0.1:8080", "[::1]", "[::1]:8080", "[2001:db8::1]", "API.example.com", "my_service:80", "a-b.c",
                                 "[::ffff:1.2.3.4]:1", "a:65535"})
    out.push_back(accepts("H9 host " + host, with_host(host), "GET / fields=1"));
  for (const std::string host : {"",   "a b",    "a,b",     "user@a",   "a/b",  "a?b",  "a#b",   "a:b",  "a:",       "a:1:2",    "[::1", "::1",
                                 "[]", "[::1]x", "a:65536", "a:123456", "a:-1", "a%2e", "\"a\"", "a\\b", "\xc3\xa4", "[g::1]:x", "a[b]", "a:+1"})
    out.push_back(refuses("H9 host `" + host + "`", with_host(host)));
  out.push_back(refuses("H9 host too long", with_host(std::string(256, 'a'))));
  out.push_back(refuses("H9 none", "GET / HTTP/1.1\r\nx: y\r\n\r\n"));
  out.push_back(refuses("H9 two", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"));
  out.push_back(refuses("H9 two in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"));
  for (const std::string name : {"Authorization", "api-key", "Content-Type", "Expect"})
    out.push_back(refuses("two of " + name, post(name + ": a\r\n" + name + ": b")));
  out.push_back(accepts("two of a list field", post("Accept: a\r\nAccept: b"), "POST /x fields=3"));
  out.push_back(accepts("close", post("Connection: close"), "POST /x close fields=2"));
  out.push_back(accepts("close in a list", post("Connection: keep-alive,, CLOSE"), "POST /x close fields=2"));
  out.push_back(accepts("close in the second", post("Connection: keep-alive\r\nConnection: close"), "POST /x close fields=3"));
  out.push_back(accepts("an offer to upgrade is not taken", post("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA"),
                        "POST /x fields=4"));
  for (const std::string member : {"authorization", "host", "x-request-id", "content-length", "close, api-key", "clo se"})
    out.push_back(refuses("Connection may not name " + member, post("Connection: " + member)));
}

}  // namespace cases

/// Rules H1–H7 and H9. Bodies (H8), targets (H13) and what needs a connection (H10–H12) have tables of their own.
inline std::vector<HeadCase> request_head_cases() {
  std::vector<HeadCase> out;
  cases::request_lines(out);
  cases::line_ends_and_fields(out);
  cases::framing_fields(out);
  cases::hosts_and_connections(out);
  return out;
}

/// Rule H14: the same strictness for what upstreams send.
inline std::vector<HeadCase> response_head_cases() {
  using namespace cases;
  std::vector<HeadCase> out;
  const auto ok = [](std::string_view lines) { return "HTTP/1.1 200 OK\r\n" + std::string(lines) + std::string(kEnd); };
  out.push_back(accepts("H14 plain", ok("Content-Length: 0"), "200 length=0 fields=1"));
  out.push_back(accepts("H14 no reason", "HTTP/1.1 200 \r\n\r\n", "200 fields=0"));
  out.push_back(accepts("H14 no reason, no blank", "HTTP/1.1 204\r\n\r\n", "204 fields=0"));
  out.push_back(accepts("H14 odd reason", "HTTP/1.1 404 Not  F\xc3\xb6und\t!\r\n\r\n", "404 fields=0"));
  out.push_back(accepts("H14 1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "200 close 1.0 fields=1"));
  out.push_back(accepts("H14 chunked", ok("Transfer-Encoding: chunked"), "200 chunked fields=1"));
  out.push_back(accepts("H14 close", ok("connection: close"), "200 close fields=1"));
  out.push_back(accepts("H14 underscore", ok("x_y: a"), "200 fields=1"));
  for (const std::string line : {"HTTP/1.1 2000 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 099 OK", "HTTP/1.1  200 OK", "HTTP/1.1 200OK",
                                 "HTTP/2.0 200 OK", "HTTP/1.2 200 OK", "http/1.1 200 OK", "ICY 200 OK", "HTTP/1.1\t200 OK", " HTTP/1.1 200 OK",
                                 "HTTP/1.1 200 O\x01K", "HTTP/1.1 -20 OK", "HTTP/1.1", "", "HTTP/1.1 200\tOK", "200 OK", "HTTP/1.1 2 00"})
    out.push_back(refuses("H14 status line `" + line + "`", line + "\r\nContent-Length: 0\r\n\r\n"));
  for (const std::string lines : {"Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5",
                                  "Content-Length: +5", "Transfer-Encoding: identity", "Transfer-Encoding: chunked, chunked",
                                  "Transfer-Encoding: gzip, chunked", "x : a", " x: a", "x: a\r\n b", "x", "x: a\x01z"})
    out.push_back(refuses("H14 fields `" + lines + "`", ok(lines)));
  out.push_back(refuses("H14 coding", ok("Transfer-Encoding: gzip"), ErrorCode::kNotImplemented));
  out.push_back(refuses("H14 chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  for (const std::string bytes : {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
                                  "HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n", "HTTP/1.1 200 OK\r\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n"})
    out.push_back(refuses("H14 line ends", bytes));
  const std::string start = "HTTP/1.1 200 OK\r\n";
  out.push_back(accepts("H14 64 KiB", head_of(64 << 10, start), "200 fields=5"));
  out.push_back(refuses("H14 a byte more than 64 KiB", head_of((64 << 10) + 1, start), ErrorCode::kHeadTooLarge));
  out.push_back(accepts("H14 100 fields", many_fields(100, start), "200 fields=100"));
  out.push_back(refuses("H14 101 fields", many_fields(101, start), ErrorCode::kHeadTooLarge));
  return out;
}

/// Where to cut `bytes`: everywhere in short ones; in long ones around both ends and here and there.
inline std::vector<size_t> cuts_of(std::string_view bytes) {
  std::vector<size_t> cuts;
  const size_t step = bytes.size() <= 400 ? 1 : bytes.size() / 40;
  for (size_t i = 0; i <= bytes.size(); i += step) cuts.push_back(i);
  for (size_t i = 1; i < 6 && i < bytes.size(); ++i) cuts.push_back(bytes.size() - i);
  return cuts;
}

}  // namespace wye::http
