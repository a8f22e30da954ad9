// SPDX-License-Identifier: Apache-2.0
// A mark laid over pictures: prepared once for a picture's size and format, then blended piece by piece.
#pragma once

#include <opencv2/core/mat.hpp>
#include <string>

#include "ops/kinds.hpp"

namespace tessera {

/// Colour and opacity of a mark before it knows where it goes: 32-bit floats 0..1, R, G, B premultiplied by
/// alpha, and alpha.
struct MarkPicture {
  cv::Mat premultiplied;  ///< CV_32FC3
  cv::Mat alpha;          ///< CV_32FC1
};

[[nodiscard]] MarkPicture mark_from_image(const Tile& image);
/// One line of text in one colour, letters `height_px` high in the sense of a font's size, drawn by FreeType
/// without hinting, with the font's kerning, 256 levels of coverage; as wide and high as its ink. Throws
/// Error(bad_parameter) for what is not UTF-8 or has no ink, Error(not_found) without the font.
[[nodiscard]] MarkPicture mark_from_text(const std::string& text, double height_px, Color color);
/// The font size at which the text's ink is about `width_px` wide.
[[nodiscard]] double text_height_for_width(const std::string& text, double width_px);
/// Resized by area averaging when it shrinks, linearly when it grows.
[[nodiscard]] MarkPicture resized_mark(const MarkPicture& mark, int width_px, int height_px);

enum class MarkPosition : std::uint8_t {
  top_left,
  top,
  top_right,
  left,
  center,
  right,
  bottom_left,
  bottom,
  bottom_right,
  tile,
};
template <>
struct EnumNames<MarkPosition> {
  static constexpr std::array names{std::pair{MarkPosition::top_left, std::string_view("top-left")},
                                    std::pair{MarkPosition::top, std::string_view("top")},
                                    std::pair{MarkPosition::top_right, std::string_view("top-right")},
                                    std::pair{MarkPosition::left, std::string_view("left")},
                                    std::pair{MarkPosition::center, std::string_view("center")},
                                    std::pair{MarkPosition::right, std::string_view("right")},
                                    std::pair{MarkPosition::bottom_left, std::string_view("bottom-left")},
                                    std::pair{MarkPosition::bottom, std::string_view("bottom")},
                                    std::pair{MarkPosition::bottom_right, std::string_view("bottom-right")},
                                    std::pair{MarkPosition::tile, std::string_view("tile")}};
};

/// A mark in whole numbers, for one size and format of picture: a pointwise operator.
/// out = (in (65535 - a) + p + 32767) div 65535, where a = round(65535 alpha opacity) and p is the colour
/// times a, rounded, on the picture's own scale.
class PlacedMark {
 public:
  PlacedMark(const MarkPicture& mark, double opacity, MarkPosition position, int margin_px,
             const ImageInfo& picture);
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;

 private:
  void blend(cv::Mat& out, const Region& region, std::int64_t left, std::int64_t top) const;
  cv::Mat alpha_;    ///< CV_16UC1
  cv::Mat product_;  ///< CV_32SC1 or CV_32SC3, holding unsigned numbers
  std::int64_t left_ = 0;
  std::int64_t top_ = 0;
  std::int64_t step_x_ = 0;  ///< 0: only once
  std::int64_t step_y_ = 0;
};

}  // namespace tessera
