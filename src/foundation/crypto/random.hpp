// Randomness for keys and secrets, from the kernel. For jitter and simulations take a Random&.
// Threads: any. A kernel that gives no randomness is a broken invariant: the program stops.
#pragma once

namespace wye::crypto {

/// Fills `out` with bits that nobody can foretell. Source: getrandom(2).
void random_bytes(std::span<uint8_t> out);
std::string random_bytes(size_t count);

/// `digits` characters of [0-9A-Za-z], each uniform: 5.954 bit a character.
std::string random_base62(size_t digits);

/// 256 bit to seed a SeededRandom with.
std::array<uint64_t, 4> random_seed();

}  // namespace wye::crypto
