#pragma once
// What load generator and stub upstream agree on, so that each can prove the other's text arrived whole, unmixed and in order.
// A user message and an answer carry
//     nonce-<16 hex> stub[chunks=64 spacing_us=20000 answer=1024] fill-<16 hex>-<text>-llif
// The nonce is new for every request and comes back in the answer: an answer that went to the wrong caller shows. `fill` holds a
// digest of its text: a byte lost or changed inside shows. `stub[…]` tells the stub how to answer; absent, its flags hold.
// Chunk number k of a stream has the content "<nonce>-<4 digits of k> token". Pure functions, no allocation but for the result.
#include <cstdint>
#include <string>
#include <string_view>

namespace wye::bench {

inline constexpr size_t kNonceDigits = 16;
inline constexpr std::string_view kNonceMark = "nonce-";

struct Directives {
  int chunks = 64;          // content chunks of a stream, 1–9999
  int64_t spacing_us = 20000;  // between two chunks
  int64_t answer_bytes = 1024;  // whole JSON body of a unary answer, about
};

struct ChatBody {
  std::string model = "bench";
  size_t bytes = 1024;  // of the whole JSON text, exactly, where the fixed parts fit
  bool stream = false;
  bool include_usage = false;
  bool with_directives = true;
  Directives directives;
};

// Lower-case letters and spaces, from a fixed seed.
std::string fill_text(size_t bytes);
uint64_t fill_digest(std::string_view text);
void append_hex(std::string& out, uint64_t value);
void write_hex(char* out, uint64_t value);  // kNonceDigits characters
// Appends fill-<digest>-<text>-llif.
void append_fill(std::string& out, std::string_view text);

// A chat completion request with the zero nonce.
std::string make_chat_body(const ChatBody& wanted);

// Where the 16 digits of the nonce start, or npos.
size_t find_nonce(std::string_view text);
// True where a complete fill is present and its digest is right.
bool check_fill(std::string_view text);
// Overwrites what `stub[…]` in the text names; false where it is malformed or out of range.
bool read_directives(std::string_view text, Directives& directives);

// Writes "<nonce>-<4 digits> token".
void append_token(std::string& out, std::string_view nonce, int index);

}  // namespace wye::bench
