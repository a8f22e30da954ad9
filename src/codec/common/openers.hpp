// SPDX-License-Identifier: Apache-2.0
// One opener a format. Each reads the header, checks it against the limits, and gives the image as it is
// stored.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/common/header.hpp"
#include "image/stream.hpp"

namespace tessera {

struct StoredImage {
  std::unique_ptr<Source> source;  ///< its metadata still tell the orientation
  int orientation = 1;             ///< 1..8, still to be applied
  /// What the headers tell of what is left out or guessed, beside the source's own.
  std::vector<std::string> warnings = {};
  /// What a reader of ours knows of metadata where the pixels come from libvips; its profile still holds.
  std::optional<Metadata> metadata = {};
};

using InputPtr = std::shared_ptr<const Input>;

[[nodiscard]] StoredImage open_png(const InputPtr& input, const ReadOptions& options);
[[nodiscard]] StoredImage open_jpeg(const InputPtr& input, const ReadOptions& options);
[[nodiscard]] StoredImage open_tiff(const InputPtr& input, const ReadOptions& options);
[[nodiscard]] StoredImage open_bmp(const InputPtr& input, const ReadOptions& options);
[[nodiscard]] StoredImage open_gif(const InputPtr& input, const ReadOptions& options);
[[nodiscard]] StoredImage open_pnm(const InputPtr& input, const ReadOptions& options);
/// HEIF or AVIF.
[[nodiscard]] StoredImage open_heif(const InputPtr& input, ImageFormat format, const ReadOptions& options);
/// Any format but BMP and PNM, through the libvips module.
[[nodiscard]] StoredImage open_vips(const InputPtr& input, ImageFormat format, const ReadOptions& options);

/// What open_image does once it has the bytes.
[[nodiscard]] std::unique_ptr<Source> open_input(const InputPtr& input, const ReadOptions& options);

/// Applies the orientation and drops or cleans the metadata.
[[nodiscard]] std::unique_ptr<Source> finish_opening(StoredImage stored, const Input& input,
                                                     const ReadOptions& options);

}  // namespace tessera
