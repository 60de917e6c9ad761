// Every bound of the HTTP room in one place. Configuration may only tighten them.
#pragma once

#include "foundation/base/units.hpp"

namespace wye::http {

inline constexpr size_t kRequestLineMax = 8 << 10;
inline constexpr size_t kFieldLineMax = 17 << 10;
inline constexpr size_t kRequestHeadMax = 48 << 10;
inline constexpr size_t kResponseHeadMax = 64 << 10;
inline constexpr size_t kFieldsMax = 100;
inline constexpr uint64_t kContentLengthMax = (uint64_t{1} << 53) - 1;
inline constexpr size_t kChunkSizeDigitsMax = 16;
inline constexpr size_t kChunkExtensionMax = 256;
inline constexpr size_t kChunkExtensionsMax = 16 << 10;
inline constexpr size_t kTrailersMax = 8 << 10;
inline constexpr size_t kTrailerFieldsMax = 16;
inline constexpr int kInterimResponsesMax = 8;
inline constexpr int kPipelineMax = 8;
inline constexpr int kRequestsAConnection = 10'000;
inline constexpr size_t kEventMax = 1 << 20;

inline constexpr std::chrono::seconds kFirstByteTime{10};
inline constexpr std::chrono::seconds kHeadTime{10};
inline constexpr std::chrono::seconds kBodyFirstByteTime{10};
inline constexpr std::chrono::seconds kBodyTime{120};
inline constexpr std::chrono::seconds kBodyRateWindow{10};
inline constexpr uint64_t kBodyRateBytes = 1024;  // a second, averaged over the window
inline constexpr std::chrono::seconds kStalledWriteTime{30};
inline constexpr size_t kSliceBytes = 256 << 10;   // at most so many bytes wait in memory for a slow reader
inline constexpr std::chrono::seconds kDrainFirstByteTime{1};  // for a connection that is new when the drain begins
inline constexpr std::chrono::seconds kKeepAliveTime{60};
inline constexpr std::chrono::hours kConnectionAge{1};
inline constexpr std::chrono::seconds kLingerTime{5};
inline constexpr std::chrono::seconds kLingerIdleTime{2};
inline constexpr size_t kConnectionsMax = 20'000;
inline constexpr size_t kConnectionsAnAddressMax = 200;

}  // namespace wye::http
