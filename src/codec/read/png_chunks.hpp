// Walks the chunks of a PNG before any of it is decoded: measures it against the limits, collects the
// metadata, and notes which parts the decoder needs, so that it never sees anything else.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codec/read/header.hpp"

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
  std::vector<Segment> needed;  ///< signature, IHDR, PLTE, tRNS, IDAT and IEND, whole chunks, the last one
                                ///< made up with `salvage`
  Metadata metadata;            ///< with the EXIF as stored
};

/// Throws Error: damaged_input where chunks make no sense (with `salvage` it stops there instead),
/// limit_exceeded.
[[nodiscard]] PngLayout scan_png(const std::shared_ptr<const Input>& input, const ReadLimits& limits,
                                 bool salvage);

}  // namespace tessera
