// SPDX-License-Identifier: Apache-2.0
// Small pictures from a JPEG's coefficients, without the full-size pixels: a block of 8 x 8 becomes one of
// 8 / factor by the inverse cosine transform of that size over its lowest frequencies. (libjpeg does the same
// for its scaled decoding.)
#pragma once

#include <cstdint>

#include "codec/jpeg/frequencies.hpp"
#include "codec/jpeg/mcu_rows.hpp"
#include "image/image.hpp"

namespace tessera {

using ReducedJpegRows = McuRows<JpegFrequencies>;

/// The rows of MCUs that rows of the reduced picture are made of.
[[nodiscard]] Interval reduced_jpeg_rows_for(const JpegScan& scan, int factor, const Interval& rows);

/// Fills `out`, full-width rows of a picture `factor` (2, 4 or 8) times smaller, from `frequencies`, which has
/// reduced_jpeg_rows_for() its rows. Where the sides of the full picture are no multiples of the factor, the last
/// pixels are made of what the encoder filled its blocks with, too. Integer arithmetic throughout (ReducedTransform,
/// JFIF's colours as libjpeg has them), so that every processor gives the same bytes.
void make_reduced_jpeg_pixels(const JpegScan& scan, const ReducedJpegRows& frequencies, int factor,
                              Tile& out);

}  // namespace tessera
