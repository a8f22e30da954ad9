// SPDX-License-Identifier: Apache-2.0
#include "codec/vips_module/zeroed_memory.hpp"

#include <malloc.h>

#include <mutex>

namespace tessera {
namespace {

/// New memory is filled with the complement of this value.
constexpr int filled_with_zeros = 0xFF;
constexpr int as_it_is = 0;

// The setting is the process's, so what counts its users is too.
std::mutex mutex;
int users = 0;

}  // namespace

ZeroedMemory::ZeroedMemory() {
  const std::scoped_lock lock(mutex);
  if (++users == 1) {
    ::mallopt(M_PERTURB, filled_with_zeros);
  }
}

ZeroedMemory::~ZeroedMemory() {
  const std::scoped_lock lock(mutex);
  if (--users == 0) {
    ::mallopt(M_PERTURB, as_it_is);
  }
}

}  // namespace tessera
