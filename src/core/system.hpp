// What the operating system tells: the host's name, random bytes.
#pragma once

#include <span>
#include <string>

namespace tessera {

[[nodiscard]] std::string host_name();
/// From the system's generator, good enough for secrets. Throws Error(internal) if it gives none.
void fill_random(std::span<unsigned char> bytes);
/// So many random bytes in hexadecimal, twice as long.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace tessera
