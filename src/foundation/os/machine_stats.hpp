// What the kernel knows of this program and of the machine. Source: man 5 proc; kernel documentation "Control Group v2".
#pragma once

#include "foundation/base/clock.hpp"
#include "foundation/base/units.hpp"
#include "foundation/os/fd.hpp"

namespace wye::os {

/// As the process_* metrics of Prometheus want it.
struct ProcessStats {
  Nanos cpu{};             // user + system since the start
  Bytes resident;          // RSS
  Bytes virtual_size;
  uint64_t open_fds = 0;   // 0 where we may not look
  uint64_t fds_max = 0;
  uint64_t threads = 0;
  WallTime started;
};

/// Of process `pid`; 0: of ourselves. kNotFound when there is no such process, kIo where /proc cannot be read.
Result<ProcessStats> process_stats(int pid = 0);
/// Memory that can still be used: MemAvailable, or what the control group leaves when that is less. kIo where /proc is missing.
Result<Bytes> free_memory();
/// A TCP port on 127.0.0.1 that is free now. Somebody may take it before it is used: be ready to ask again.
Result<uint16_t> free_loopback_port();

}  // namespace wye::os
