// Source: Nemec, Sys, Svenda, Klinec, Matyas: "The Return of Coppersmith's Attack", CCS 2017, §3: primes of the defective library are
// k*M + (65537^a mod M) with M the product of the first primes, so modulo each of these the modulus is a power of 65,537.
#include "foundation/crypto/public_key.hpp"

namespace wye::crypto {
namespace {

constexpr std::array<uint32_t, 38> kPrimes = {3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
                                              73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
constexpr uint32_t kGenerator = 65'537;

bool is_power_of_generator(uint32_t value, uint32_t prime) {
  uint32_t power = 1;
  do {
    if (power == value) return true;
    power = power * (kGenerator % prime) % prime;
  } while (power != 1);
  return false;
}

}  // namespace

bool has_roca_fingerprint(std::string_view modulus) {
  return std::ranges::all_of(kPrimes, [&](uint32_t prime) {
    uint32_t rest = 0;
    for (const char byte : modulus) rest = (rest << 8 | static_cast<uint8_t>(byte)) % prime;
    return is_power_of_generator(rest, prime);
  });
}

}  // namespace wye::crypto
