// For tests only: chunked bodies as bytes and what they carry (rule H8).
#pragma once

#include "foundation/http/framing.hpp"

namespace wye::http {

struct BodyCase {
  std::string rule;
  std::string bytes;
  std::string payload;
  bool accepts;
};

inline std::vector<BodyCase> chunked_body_cases() {
  std::vector<BodyCase> out;
  const auto accepts = [&](std::string rule, std::string bytes, std::string payload) {
    out.push_back({std::move(rule), std::move(bytes), std::move(payload), true});
  };
  const auto refuses = [&](std::string rule, std::string bytes) { out.push_back({std::move(rule), std::move(bytes), {}, false}); };
  accepts("empty", "0\r\n\r\n", "");
  accepts("one", "5\r\nhello\r\n0\r\n\r\n", "hello");
  accepts("several", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef");
  accepts("hex both ways", "a\r\n0123456789\r\nA\r\n0123456789\r\n00\r\n\r\n", "01234567890123456789");
  accepts("16 digits", "0000000000000001\r\nx\r\n0000000000000000\r\n\r\n", "x");
  accepts("payload like framing", "7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n\r\n");
  accepts("extensions", "1;a;b=c;d=\"e;f\"\r\nx\r\n0;last\r\n\r\n", "x");
  accepts("256 bytes of extension", "1;" + std::string(256, 'e') + "\r\nx\r\n0\r\n\r\n", "x");
  accepts("trailers", "1\r\nx\r\n0\r\nA: b\r\nc:\r\nd: \xff\t\r\n\r\n", "x");
  std::string trailers = "0\r\n";
  for (int i = 0; i < 16; ++i) trailers += "t" + std::to_string(i) + ": v\r\n";
  accepts("16 trailers", trailers + "\r\n", "");
  refuses("17 trailers", trailers + "t: v\r\n\r\n");
  accepts("8 KiB of trailers", "0\r\nt:" + std::string((8 << 10) - 3, 'v') + "\r\n\r\n", "");
  refuses("8 KiB of trailers and a byte", "0\r\nt:" + std::string(8 << 10, 'v') + "\r\n\r\n");
  refuses("17 digits", "00000000000000001\r\nx\r\n0\r\n\r\n");
  refuses("size over 2^53-1", "20000000000000\r\n");
  refuses("size that overflows", "ffffffffffffffff\r\n");
  for (const std::string size : {"", " 1", "1 ", "\t1", "1\t", "+1", "-1", "0x1", "g", "1g", "1_0", "\r", "1 ;e", "\"1\"", "1,", "\xef\xbc\x91"})
    refuses("size `" + size + "`", size + "\r\nx\r\n0\r\n\r\n");
  refuses("size ends with LF", "1\nx\r\n0\r\n\r\n");
  refuses("size ends with CR", "1\rx\r\n0\r\n\r\n");
  refuses("data ends with LF", "1\r\nx\n0\r\n\r\n");
  refuses("data longer than its size", "1\r\nxy\r\n0\r\n\r\n");
  refuses("data shorter than its size", "3\r\nx\r\n0\r\n\r\n");
  refuses("no line end behind data", "1\r\nx0\r\n\r\n");
  refuses("LF in an extension", "1;a\nb\r\nx\r\n0\r\n\r\n");
  refuses("CR in an extension", "1;a\rb\r\nx\r\n0\r\n\r\n");
  refuses("NUL in an extension", std::string("1;a\0b\r\nx\r\n0\r\n\r\n", 16));
  refuses("257 bytes of extension", "1;" + std::string(257, 'e') + "\r\nx\r\n0\r\n\r\n");
  std::string extensions;
  for (int i = 0; i < 65; ++i) extensions += "1;" + std::string(256, 'e') + "\r\nx\r\n";
  refuses("16 KiB of extensions and more", extensions + "0\r\n\r\n");
  for (const std::string trailer : {" a: b", "\ta: b", "a : b", ": b", "a", "a: b\nc: d", "a: b\rc", "a\r", "\xc3\xa4: b", "a: b\x01"})
    refuses("trailer `" + trailer + "`", "0\r\n" + trailer + "\r\n\r\n");
  refuses("NUL in a trailer", std::string("0\r\na: \0\r\n\r\n", 11));
  refuses("last line ends with LF", "0\r\n\n");
  refuses("last line ends with CR", "0\r\n\rx");
  refuses("last chunk ends with LF", "0\n\r\n");
  return out;
}

}  // namespace wye::http
