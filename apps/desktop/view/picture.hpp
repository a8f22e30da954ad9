// SPDX-License-Identifier: Apache-2.0
// A picture for the screen.
#pragma once

#include <QImage>
#include <QRect>
#include <QSize>

namespace tessera::desktop {

/// A picture, perhaps scaled down, perhaps with a part of it in full.
struct Picture {
  QSize full_size;    ///< in pixels of the picture itself
  QImage scaled;      ///< the whole picture, of full_size or smaller; null while there is none
  QRect detail_rect;  ///< in pixels of the picture: what `detail` covers
  QImage detail;      ///< of detail_rect's size; null if there is none
};

}  // namespace tessera::desktop
