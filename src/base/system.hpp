// SPDX-License-Identifier: Apache-2.0
// What the operating system tells and grants: the host's name, random bytes, open files.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tessera {

[[nodiscard]] std::string host_name();
/// From the system's generator, good enough for secrets. Throws Error(internal) if it gives none.
void fill_random(std::span<unsigned char> bytes);
/// So many random bytes in hexadecimal, twice as long.
[[nodiscard]] std::string random_hex(std::size_t bytes);
/// How many descriptors this process may have (the soft limit).
[[nodiscard]] std::int64_t open_file_limit();
/// Raises this process's soft limit of open files to the hard one. Returns open_file_limit() after that.
std::int64_t raise_open_file_limit();

}  // namespace tessera
