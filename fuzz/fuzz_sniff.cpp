// SPDX-License-Identifier: Apache-2.0
// Whatever the bytes, sniffing answers and has something to say.
#include <cstdint>
#include <cstdlib>

#include "codec/sniff.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const tessera::Sniffed sniffed = tessera::sniff({reinterpret_cast<const std::byte*>(data), size});
  if (sniffed.description.empty() || (sniffed.format && sniffed.damaged)) {
    std::abort();
  }
  return 0;
}
