// SPDX-License-Identifier: Apache-2.0
#include "codec/io/temporary_names.hpp"

#include <fmt/format.h>

#include <random>

namespace tessera {

std::filesystem::path hidden_name_in(const std::filesystem::path& folder) {
  std::random_device random;
  return folder / fmt::format(".tessera-{:08x}{:08x}.part", random(), random());
}

std::string random_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace tessera
