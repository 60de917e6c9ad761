#include "app/hardening.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace wye::app {

void harden() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);  // refused: the old limit holds
  }
#ifdef NDEBUG
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

}  // namespace wye::app
