// SPDX-License-Identifier: Apache-2.0
#include "ranged/ranged_object.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera {

void BytesSink::write(std::span<const std::byte> bytes) {
  if (static_cast<std::int64_t>(bytes_.size() + bytes.size()) > max_bytes_) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("The server sends more than the {} bytes that were expected: download the file first.",
                    max_bytes_));
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void fail_for_changed_object(const std::string& name) {
  throw Error(ErrorCode::conflict,
              fmt::format("The object '{}' changed while it was read: try again.", name));
}

}  // namespace tessera
