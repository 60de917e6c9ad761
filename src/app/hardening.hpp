// What the running program asks of the kernel for itself.
// Source: man 2 prctl (PR_SET_DUMPABLE), man 2 setrlimit. Threads: call before others start.
#pragma once

namespace wye::app {

/// As many descriptors as the hard limit allows: a connection is one. In release builds also no core dump and no tracing by others,
/// so that keys in memory do not end up in a file.
void harden();

}  // namespace wye::app
