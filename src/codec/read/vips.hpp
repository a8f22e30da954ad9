// Opens images through the libvips module.
#pragma once

#include "codec/vips_module/module.hpp"

namespace tessera {

/// The module, loaded at the first call. It is looked for beside the program (../lib/tessera, ../lib and the
/// program's own folder). Throws Error(internal) that lists the places if it is not there.
[[nodiscard]] const VipsModule& vips_module();

}  // namespace tessera
