// Sizes and data classes, as configuration spells them.
#pragma once

namespace wye {

/// A number of bytes.
struct Bytes {
  uint64_t n = 0;
  friend auto operator<=>(Bytes, Bytes) = default;
};
constexpr Bytes operator""_KiB(unsigned long long v) { return {v << 10}; }
constexpr Bytes operator""_MiB(unsigned long long v) { return {v << 20}; }
constexpr Bytes operator""_GiB(unsigned long long v) { return {v << 30}; }

/// Parses `64KiB 32MiB 4GiB` and plain bytes `512B`; absent on anything else.
std::optional<Bytes> parse_bytes(std::string_view text);
/// Prints the shortest exact form of the same grammar.
std::string format_bytes(Bytes size);

/// How secret data is: public < internal < confidential < restricted.
enum class DataClass : uint8_t { kPublic, kInternal, kConfidential, kRestricted };
std::string_view to_string(DataClass c);
std::optional<DataClass> parse_data_class(std::string_view text);

}  // namespace wye
