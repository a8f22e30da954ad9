// SPDX-License-Identifier: Apache-2.0
#include "codec/vips/vips.hpp"

#include "codec/common/module.hpp"

namespace tessera {

std::vector<std::filesystem::path> vips_module_places() { return module_places(vips_module_file); }

const VipsModule& vips_module() {
  static const VipsModule& module = *reinterpret_cast<VipsModuleEntry>(
      open_module(vips_module_file, vips_module_entry, "reads this kind of image"))();
  return module;
}

}  // namespace tessera
