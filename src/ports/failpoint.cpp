// SPDX-License-Identifier: Apache-2.0
#include "ports/failpoint.hpp"

#include <csignal>
#include <cstdlib>

namespace tessera {

#ifdef TESSERA_FAILPOINTS

void reach(Failpoint point) {
  // Read once; nothing sets it later.
  static const char* const wanted = std::getenv("TESSERA_FAILPOINT");  // NOLINT(concurrency-mt-unsafe)
  if (wanted != nullptr && failpoints[static_cast<std::size_t>(point)].name == wanted) {
    static_cast<void>(std::raise(SIGKILL));
  }
}

#else

void reach(Failpoint) {}

#endif

}  // namespace tessera
