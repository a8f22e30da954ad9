// SPDX-License-Identifier: Apache-2.0
// Opens images through the libvips module.
#pragma once

#include <filesystem>
#include <vector>

#include "codec/vips_module/module.hpp"

namespace tessera {

/// Where the module is looked for, beside the program: ../lib/tessera, ../lib and the program's own folder.
[[nodiscard]] std::vector<std::filesystem::path> vips_module_places();

/// The module, loaded at the first call. Throws Error(internal) that lists the places if it is not there.
[[nodiscard]] const VipsModule& vips_module();

}  // namespace tessera
