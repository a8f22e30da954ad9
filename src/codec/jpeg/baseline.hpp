// SPDX-License-Identifier: Apache-2.0
// JPEGs of one scan, nearly all photographs: codes are read in order, pixels are made by many threads.
#pragma once

#include <memory>

#include "codec/common/openers.hpp"
#include "codec/jpeg/entropy.hpp"
#include "image/stream.hpp"

namespace tessera {

/// The pixels of `stored`, which is the same image and has not been read. From the first irregularity of the
/// data on they come from it, and with them what it has to say of the damage. Where the scan's tables do not
/// allow more, this is `stored`.
[[nodiscard]] std::unique_ptr<Source> make_plain_jpeg_source(const InputPtr& input, const JpegScan& scan,
                                                             std::unique_ptr<Source> stored);

}  // namespace tessera
