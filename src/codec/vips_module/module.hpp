// SPDX-License-Identifier: Apache-2.0
// The door between Tessera and its libvips module. libvips costs 80 ms and a hundred shared libraries at
// start, so it lives in a module of its own that is opened when the first image comes that needs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codec/common/header.hpp"

namespace tessera {

struct VipsOpened {
  std::unique_ptr<Source> source;
  int orientation = 1;  ///< still to be applied
  std::vector<std::string> warnings = {};
};

class VipsModule {
 public:
  virtual ~VipsModule() = default;
  /// Opens `input` with the loader for `format` and no other: PNG, JPEG, TIFF, WebP, GIF, HEIF or AVIF. The
  /// source has no random access. Throws Error as open_image does.
  [[nodiscard]] virtual VipsOpened open(std::shared_ptr<const Input> input, ImageFormat format,
                                        const ReadOptions& options) const = 0;
};

/// The module's only symbol is a function of this type and name. The module is never closed again.
using VipsModuleEntry = const VipsModule* (*)();
inline constexpr const char* vips_module_entry = "tessera_vips_module";
inline constexpr const char* vips_module_file = "tessera_vips.so";

}  // namespace tessera
