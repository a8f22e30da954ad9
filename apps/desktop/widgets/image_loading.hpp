// SPDX-License-Identifier: Apache-2.0
// Pictures of any format that Tessera reads, for the screen.
#pragma once

#include <QImage>
#include <QString>
#include <cstdint>
#include <optional>
#include <stop_token>

namespace tessera::desktop {

/// What is held to show a picture in full; bigger ones are reduced.
constexpr std::int64_t max_shown_pixels = std::int64_t{64} << 20;

struct ShownImage {
  QImage image;        ///< 8 bits a channel, orientation applied
  QSize full_size;     ///< of the picture itself
  int reduced_by = 1;  ///< the image is full_size divided by this, rounded up
};

/// Reads a picture in rows and, if it has more than `max_pixels`, makes means of squares of it as it comes,
/// so that memory follows what is shown and not what lies on the disk. Throws Error, Error(cancelled) when
/// asked to stop.
[[nodiscard]] ShownImage load_image(const QString& file, std::int64_t max_pixels,
                                    const std::stop_token& stop = {});
/// A small picture that fits into `size`. Throws as load_image().
[[nodiscard]] QImage load_thumbnail(const QString& file, QSize size, const std::stop_token& stop = {});

struct DifferenceMap {
  QImage heat;         ///< of the images' size, or reduced as load_image() does, from the largest differences
  double largest = 0;  ///< in levels of 0..255, of any channel of any pixel
  double mean = 0;     ///< in levels of 0..255, over all pixels, of each one's largest channel
  std::int64_t pixels_that_differ = 0;
  std::int64_t pixels = 0;
};

/// Where two pictures differ, and how much: black for not at all, to pale yellow for the largest difference
/// that there is. Gray is compared with colour as colour with equal channels. Nothing if their sizes differ.
/// Throws as load_image().
[[nodiscard]] std::optional<DifferenceMap> difference_map(const QString& before, const QString& after,
                                                          std::int64_t max_pixels,
                                                          const std::stop_token& stop = {});

}  // namespace tessera::desktop
