// SPDX-License-Identifier: Apache-2.0
// How much an image may ask for before it is refused. All are settable; the defaults suit a server with a few
// GB.
#pragma once

#include <cstdint>

namespace tessera {

struct ReadLimits {
  /// Bytes of the encoded file.
  std::int64_t max_file_bytes = std::int64_t{64} << 30;
  /// Pixels of the image. Room for 65500x65500 and 100000x40000.
  std::int64_t max_pixels = std::int64_t{1} << 33;
  /// Width or height in pixels. A row is always held whole.
  std::int64_t max_side_px = 1'000'000;
  /// Bytes that may be held at once where rows cannot be streamed: interlaced PNG, progressive JPEG, WebP,
  /// GIF, HEIF, AVIF, and pictures whose orientation turns columns into rows.
  std::int64_t max_buffered_bytes = std::int64_t{4} << 30;
  /// Pages of a TIFF or frames of an animation. Only the first is read.
  std::int64_t max_frames = 65'536;
  /// Bytes of all metadata (profiles, EXIF, XMP, texts) after they are inflated.
  std::int64_t max_metadata_bytes = std::int64_t{16} << 20;
  /// Pieces of metadata in one file.
  std::int64_t max_metadata_items = 4'096;
  /// Scans of a progressive JPEG; each costs a pass over the whole image.
  int max_scans = 100;
  /// Bytes of packed pixels for each byte of the file. Nothing but an image that is blank nearly everywhere
  /// comes near it, while a file that is only a header is far beyond.
  std::int64_t max_expansion = 500;
  /// Up to here a file may expand without bounds, so that a blank page may be as small as it likes: 100
  /// megapixels of RGBA. A sixth of this where rows cannot be streamed.
  std::int64_t expansion_free_bytes = std::int64_t{384} << 20;
};

}  // namespace tessera
