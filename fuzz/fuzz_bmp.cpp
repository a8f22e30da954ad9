// SPDX-License-Identifier: Apache-2.0
// The reader of bitmaps is Tessera's own. The input is what follows the file header.
#include <cstdint>

#include "read_everything.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t file_header_bytes = 14;
  tessera::Bytes file(file_header_bytes, std::byte{0});
  file[0] = std::byte{'B'};
  file[1] = std::byte{'M'};
  // Pixels behind a header of 40 bytes and two colours.
  file[10] = std::byte{62};
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  file.insert(file.end(), begin, begin + size);
  tessera::fuzz::read_everything(file, size % 2 == 0);
  return 0;
}
