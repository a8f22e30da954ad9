// SPDX-License-Identifier: Apache-2.0
// Walks the chunks of a PNG before any of it is decoded: measures it against the limits, collects the
// metadata, and notes which parts the decoder needs, so that it never sees anything else.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codec/common/header.hpp"

namespace tessera {

/// A run of bytes of the file or, where `made` is not empty, bytes that stand in for what is missing there.
struct Segment {
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
  Bytes made = {};
};

struct PngLayout {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bit_depth = 0;
  int color_type = 0;
  bool interlaced = false;
  bool transparency = false;    ///< has tRNS
  bool complete = false;        ///< IEND was reached
  std::int64_t data_bytes = 0;  ///< in all IDAT
  std::int64_t frames = 1;      ///< of an animation
  std::vector<Segment> needed;  ///< signature, IHDR, PLTE, tRNS, IDAT and IEND, whole chunks, the last one
                                ///< made up with `salvage`
  Metadata metadata;            ///< with the EXIF as stored
  std::vector<std::string> texts_left_out;  ///< keywords
};

/// Throws Error: damaged_input where chunks make no sense (with `salvage` it stops there instead),
/// limit_exceeded.
[[nodiscard]] PngLayout scan_png(const std::shared_ptr<const Input>& input, const ReadLimits& limits,
                                 bool salvage);

/// The parts of the file that hold the image, end to end.
class SegmentReader {
 public:
  SegmentReader(std::shared_ptr<const Input> input, std::vector<Segment> segments)
      : stream_(std::move(input)), segments_(std::move(segments)) {}
  /// Returns the bytes read, fewer only at the end.
  std::size_t read(std::span<std::byte> to);

 private:
  std::size_t read_file(const Segment& segment, std::span<std::byte> to);
  std::size_t copy_made(const Segment& segment, std::span<std::byte> to) const;

  InputStream stream_;
  std::vector<Segment> segments_;
  std::size_t current_ = 0;
  std::int64_t used_ = 0;
};

}  // namespace tessera
