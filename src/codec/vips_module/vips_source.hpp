// SPDX-License-Identifier: Apache-2.0
// An image that libvips decodes, as a Source.
#pragma once

#include <memory>
#include <string>

#include "codec/vips_module/module.hpp"

namespace tessera {

/// See VipsModule::open.
[[nodiscard]] VipsOpened open_with_vips(std::shared_ptr<const Input> input, ImageFormat format,
                                        const ReadOptions& options);

/// What libvips last complained of, in one line, and forgets it. The buffer is the whole process', so with
/// several images open at once the line may speak of another one.
[[nodiscard]] std::string take_vips_message();

}  // namespace tessera
