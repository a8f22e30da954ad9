// SPDX-License-Identifier: Apache-2.0
// Small pictures from a JPEG's coefficients, without the full-size pixels: a block of 8 x 8 becomes one of
// 8 / factor by the inverse cosine transform of that size over its lowest frequencies. (libjpeg does the same
// for its scaled decoding.)
#pragma once

#include <cstdint>

#include "codec/jpeg/pixels.hpp"

namespace tessera {

/// The rows of MCUs that rows of the reduced picture are made of.
[[nodiscard]] Interval reduced_jpeg_rows_for(const JpegScan& scan, int factor, const Interval& rows);

/// Fills `out`, full-width rows of a picture `factor` (2, 4 or 8) times smaller, from `coefficients`, which has
/// reduced_jpeg_rows_for() its rows. Cb and Cr that are stored at half the size are transformed to the size
/// of Y, so that nothing is upsampled. The sums are in single precision and in a fixed order, so that every
/// processor gives the same bits.
void make_reduced_jpeg_pixels(const JpegScan& scan, const JpegRows& coefficients, int factor, Tile& out);

}  // namespace tessera
