// The CRC-32 of zlib, gzip and PNG (polynomial 0x04C11DB7 reflected): finds typing errors, protects against nobody.
#pragma once

namespace wye::crypto {

/// Continues from `before`, the CRC of what stands in front. No allocation. Threads: any.
uint32_t crc32(std::string_view bytes, uint32_t before = 0);

}  // namespace wye::crypto
