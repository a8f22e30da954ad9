// SPDX-License-Identifier: Apache-2.0
// Any bytes as an image of any format, with salvage where their number is even.
#include <cstdint>

#include "read_everything.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tessera::fuzz::read_everything({reinterpret_cast<const std::byte*>(data), size}, size % 2 == 0);
  return 0;
}
