// SPDX-License-Identifier: Apache-2.0
// An image of the list, and what is known of it so far.
#pragma once

#include <QImage>
#include <QString>
#include <filesystem>

#include "image/image.hpp"

namespace tessera::desktop {

struct ImageFacts {
  QString format;  ///< "JPEG"
  ImageInfo info;
  std::int64_t file_bytes = 0;
  QImage thumbnail;
  QString error;  ///< a sentence, if it cannot be read
};

/// Longer side of thumbnails, enough for screens of twice the density.
constexpr int thumbnail_side_px = 192;

/// Header and thumbnail of a file. Never throws: what goes wrong is in `error`.
[[nodiscard]] ImageFacts read_facts(const std::filesystem::path& file);

}  // namespace tessera::desktop
