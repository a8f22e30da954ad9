// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message between a node and its ranks: refused with an Error, or read; and what was read is
// written and read again as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "ranks/messages.hpp"

namespace {

template <class Read>
void try_reading(std::string_view line, const Read& read) {
  try {
    const std::string written = to_line(read(line));
    if (to_line(read(std::string_view(written).substr(0, written.size() - 1))) != written) {
      std::abort();
    }
  } catch (const tessera::Error& error) {
    if (error.code() != tessera::ErrorCode::rank_lost) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  try_reading(line, tessera::rank_message);
  try_reading(line, tessera::node_message);
  return 0;
}
