// SPDX-License-Identifier: Apache-2.0
// What a format's reader learns from the header, and the checks every header goes through.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/io/input.hpp"
#include "codec/reader.hpp"
#include "image/stream.hpp"

namespace tessera {

/// How the rows of a format come.
enum class Delivery : std::uint8_t { streamed, held };

/// An image as it is stored, before its orientation is applied.
struct ImageHeader {
  ImageInfo info;
  Metadata metadata;
  int orientation = 1;             ///< 1..8 as in EXIF
  std::int64_t working_bytes = 0;  ///< of the decoder; see Source::working_bytes()
};

/// Refuses sizes that are zero, negative or beyond the limits, files too small to hold so many pixels (a
/// header with nothing behind it), and whole-image formats that would hold too much. `packed_bytes` is the
/// size of the samples before compression.
void check_size(const Input& input, const ReadLimits& limits, const ImageInfo& info,
                std::int64_t packed_bytes, Delivery delivery);

/// Only width and height; for a reader whose further arithmetic needs sane numbers.
void check_extent(const Input& input, const ReadLimits& limits, std::int64_t width, std::int64_t height);

/// Refuses to hold more than ReadLimits::max_buffered_bytes. `what` names what is held: "an interlaced PNG".
void check_buffered(const Input& input, const ReadLimits& limits, std::int64_t bytes, std::string_view what);

void check_frames(const Input& input, const ReadLimits& limits, std::int64_t frames);

/// Counts the metadata of one file against the limits.
class MetadataBudget {
 public:
  MetadataBudget(const Input& input, const ReadLimits& limits) : input_(&input), limits_(&limits) {}
  void add_item(std::int64_t bytes);
  [[nodiscard]] std::int64_t left() const { return limits_->max_metadata_bytes - bytes_; }
  /// For content that is still unfolding: it exceeds the limit.
  [[noreturn]] void exceeded() const;

 private:
  const Input* input_;
  const ReadLimits* limits_;
  std::int64_t bytes_ = 0;
  std::int64_t items_ = 0;
};

/// Error(damaged_input): "The PNG image 'a.png' is damaged: DETAIL." and, where the format can be read in
/// part, the advice to try salvage.
[[nodiscard]] Error damaged(const Input& input, ImageFormat format, std::string_view detail);

/// Error(unsupported_input): "The PNG image 'a.png' cannot be read: DETAIL."
[[nodiscard]] Error unsupported(const Input& input, ImageFormat format, std::string_view detail);

/// The same sentence without that advice: salvage has been tried, or would give nothing.
[[nodiscard]] Error without_salvage_advice(const Error& error);

/// "The file has 3 pages; only the first is used."
[[nodiscard]] std::string only_first_is_used(std::int64_t count, std::string_view what);

}  // namespace tessera
