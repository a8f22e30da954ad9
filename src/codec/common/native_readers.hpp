// SPDX-License-Identifier: Apache-2.0
// The switch for Tessera's own decoders of JPEG and PNG.
#pragma once

namespace tessera {

/// Whether ordinary JPEG and PNG files are decoded by Tessera's own code rather than by libjpeg-turbo and libspng,
/// which give the same pixels in more time. False in builds without TESSERA_NATIVE_READERS, and where the environment
/// variable of that name is "off". Throws Error(usage) if it is anything but "on" or "off".
[[nodiscard]] bool native_readers_enabled();

}  // namespace tessera
