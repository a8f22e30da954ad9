// SPDX-License-Identifier: Apache-2.0
// Ghost pixels outside the image.
#pragma once

#include <opencv2/core/mat.hpp>

#include "ops/kinds.hpp"
#include "tessera/geometry.hpp"

namespace tessera {

/// The coordinate inside [0, size) that stands for `position` outside it, or -1 for Border::constant. Like
/// cv::borderInterpolate, for any distance.
[[nodiscard]] std::int64_t border_position(std::int64_t position, std::int64_t size, Border border);

/// `grown` covers `grown_rect`, of which the part inside the image holds pixels; fills all the rest. Rows
/// outside are copied from rows inside `grown_rect`, which a halo always includes, or which lie beyond for
/// Border::wrap: then they must have been filled already, over the image's columns, and only columns are
/// done. `outside` is the value of every channel for Border::constant, in the format's own levels.
void fill_border(cv::Mat& grown, const Rect& grown_rect, const Extent& image, Border border, double outside);

}  // namespace tessera
