// Headers and keys as anybody may send them: nothing crashes, and what is accepted is exactly what the rules say.
#include "foundation/crypto/crc32.hpp"
#include "foundation/crypto/encode.hpp"
#include "identity/token/api_key.hpp"
#include "identity/token/credential.hpp"
#include "identity/token/key_record.hpp"

#include <cstdlib>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_key(std::string_view text) {
  const auto parsed = wye::token::parse_api_key(text);
  if (!parsed) return;
  require(text.size() == wye::token::kApiKeyChars && text.starts_with("wye_"));
  require(text.substr(9, 12) == parsed->id.text());
  require(text.substr(65) == wye::crypto::to_base62(wye::crypto::crc32(text.substr(0, 65)), 6));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  check_key(input);
  // The fuzzer can not guess a CRC: seal what it found, so that the rest of the parser is reached.
  const std::string front(input.substr(0, 65));
  check_key(front + wye::crypto::to_base62(wye::crypto::crc32(front), 6));

  const size_t cut = input.find('\n');
  wye::token::CredentialHeaders headers;
  headers.authorization = input.substr(0, cut);
  if (cut != std::string_view::npos) headers.api_key = input.substr(cut + 1);
  if (const auto found = wye::token::bearer_from_headers(headers)) {
    require(!found->empty() && found->find_first_of(" ,\"\n") == std::string_view::npos);
    require(headers.authorization->ends_with(*found));
    require(!headers.api_key || *headers.api_key == *found);
  }

  const wye::token::KeyId id = *wye::token::parse_key_id("000000000000");
  if (const auto record = wye::token::decode_key_record(id, input)) require(wye::token::encode_key_record(*record) == input);
  return 0;
}
