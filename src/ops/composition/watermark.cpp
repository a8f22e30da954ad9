// SPDX-License-Identifier: Apache-2.0
#include "ops/composition/watermark.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace tessera {
namespace {

constexpr double natural_text_height_px = 32;
constexpr double smallest_text_height_px = 4;
constexpr double largest_text_height_px = 4000;
constexpr int max_mark_pixels = 1 << 28;

}  // namespace

std::vector<Watermark> Watermark::samples(Extent) {
  std::vector<Watermark> all;
  for (const auto& [position, name] : EnumNames<MarkPosition>::names) {
    Watermark words;
    words.text = "Äg 7!";
    words.position = position;
    words.width = 60;
    words.color = {250, 120, 10};
    all.push_back(words);
    Watermark picture;
    picture.image = "sample.png";
    picture.position = position;
    picture.opacity = 0.9;
    picture.margin = 7;
    all.push_back(picture);
  }
  all.back().width = 0;
  return all;
}

void Watermark::load(const ImageLoader& load_image) {
  if (text.empty() == image.empty()) {
    throw Error(ErrorCode::bad_parameter, text.empty()
                                              ? "watermark: there is nothing to lay over: give text or image."
                                              : "watermark: both text and image are given: leave one out.");
  }
  if (image.empty()) {
    static_cast<void>(text_height_for_width(text, 1));  // tells now what is wrong with it
    return;
  }
  if (!load_image) {
    throw Error(ErrorCode::bad_parameter, "watermark: images named by file cannot be used here; use text.");
  }
  loaded = std::make_shared<const MarkPicture>(mark_from_image(load_image(image)));
}

PlacedMark Watermark::bind(const ImageInfo& picture) const {
  const auto picture_width = static_cast<double>(picture.extent.width);
  const int margin_px = static_cast<int>(std::round(picture_width * margin / 100));
  const int width_px = std::max(1, static_cast<int>(std::round(picture_width * width / 100)));
  if (image.empty()) {
    const double height = width > 0 ? text_height_for_width(text, width_px) : natural_text_height_px;
    return {mark_from_text(text, std::clamp(height, smallest_text_height_px, largest_text_height_px), color),
            opacity, position, margin_px, picture};
  }
  if (width == 0) {
    return {*loaded, opacity, position, margin_px, picture};
  }
  const double shape = static_cast<double>(loaded->alpha.rows) / loaded->alpha.cols;
  const double height = std::max(1.0, std::round(width_px * shape));
  if (height * width_px > max_mark_pixels) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format(
            "watermark: '{}' would be {} x {:.0f} pixels here; the limit is {} in all. Use a smaller width.",
            image, width_px, height, max_mark_pixels));
  }
  const int height_px = static_cast<int>(height);
  return {resized_mark(*loaded, width_px, height_px), opacity, position, margin_px, picture};
}

}  // namespace tessera
