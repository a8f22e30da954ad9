// SPDX-License-Identifier: Apache-2.0
#include "base/file_descriptor.hpp"

#include <algorithm>
#include <cerrno>

namespace tessera {

bool pwrite_all(int descriptor, std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno != EINTR) {
      return false;
    }
    const ssize_t done = std::max<ssize_t>(0, written);
    offset += done;
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

}  // namespace tessera
