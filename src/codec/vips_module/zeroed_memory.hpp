// SPDX-License-Identifier: Apache-2.0
// Zeros in place of what memory held before, for decoders that show memory which they have not written.
#pragma once

namespace tessera {

/// While one exists, memory that any thread of this process allocates is filled with zeros first (mallopt's
/// M_PERTURB, of the GNU C library): it takes some time, and leaks nothing. Several may exist. Safe to use from many
/// threads.
class ZeroedMemory {
 public:
  ZeroedMemory();
  ~ZeroedMemory();
  ZeroedMemory(const ZeroedMemory&) = delete;
  ZeroedMemory& operator=(const ZeroedMemory&) = delete;
};

}  // namespace tessera
