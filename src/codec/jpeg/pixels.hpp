// SPDX-License-Identifier: Apache-2.0
// The part of reading a JPEG that many threads can do at once: from coefficients to pixels, as libjpeg-turbo
// does it (accurate integer transform, smooth upsampling, JFIF's colours), to the bit.
#pragma once

#include <cstdint>

#include "codec/jpeg/entropy.hpp"
#include "codec/jpeg/mcu_rows.hpp"
#include "image/image.hpp"

namespace tessera {

/// Whether this machine has the vector instructions (AVX2) that make_jpeg_pixels needs.
[[nodiscard]] bool can_make_jpeg_pixels();

using JpegRows = McuRows<JpegCoefficients>;

/// The rows of MCUs that rows of pixels are made of: those they are in and, where Cb and Cr have half the
/// height, one more above and below.
[[nodiscard]] Interval jpeg_rows_for(const JpegScan& scan, const Interval& pixel_rows);

/// Fills `out`, full-width rows of 8-bit gray or RGB, from `coefficients`, which has jpeg_rows_for() its
/// rows.
void make_jpeg_pixels(const JpegScan& scan, const JpegRows& coefficients, Tile& out);

}  // namespace tessera
