// SPDX-License-Identifier: Apache-2.0
// watermark: an image or a line of text laid over the picture.
#pragma once

#include <memory>

#include "ops/composition/mark.hpp"

namespace tessera {

struct Watermark {
  std::string text;
  std::string image;
  MarkPosition position = MarkPosition::bottom_right;
  double width = 25;
  double opacity = 0.5;
  double margin = 2;
  Color color = {255, 255, 255};

  static constexpr OperatorInfo info{
      .name = "watermark",
      .group = "Composition",
      .doc =
          "Lays a line of text, or an image such as a logo, over the picture. The picture's own "
          "transparency stays as it is.",
      .definition =
          "The mark (an image with its alpha; or text drawn by FreeType in DejaVu Sans, unhinted, kerned) is "
          "brought to its width keeping its shape: images by cv::resize (INTER_AREA when shrinking, else "
          "INTER_LINEAR) on premultiplied floats, text by its font size. Then, in whole numbers, out = (in "
          "(65535 - a) + p + "
          "32767) div 65535 with a = round(65535 alpha opacity) and p the colour times a. Gray pictures take "
          "the colour's luma, 0.299 R + 0.587 G + 0.114 B. Marks and margins are measured by the picture's "
          "width, so a small copy looks like the big one. position=tile repeats it with two margins between.",
      .example = "watermark text=\"© Anna\" position=bottom-right opacity=0.6"};
  static constexpr auto params = std::tuple{
      tessera::text("text", &Watermark::text, "The line of text; instead of an image."),
      tessera::text("image", &Watermark::image, "File of the image to lay over; instead of text."),
      choice("position", &Watermark::position, "Where it goes; tile repeats it all over."),
      number("width", &Watermark::width,
             "Width of the mark, of the picture's width; 0 leaves an image as it is.",
             {.min = 0, .max = 100, .slider_min = 5, .slider_max = 60, .unit = "%"}),
      number("opacity", &Watermark::opacity, "How much of the picture it covers: 0 not at all, 1 wholly.",
             {.min = 0, .max = 1, .slider_min = 0, .slider_max = 1}),
      number("margin", &Watermark::margin, "Distance from the edges, of the picture's width.",
             {.min = 0, .max = 50, .slider_min = 0, .slider_max = 10, .unit = "%"}),
      tessera::color("color", &Watermark::color, "Colour of text.")};
  static constexpr bool random_parameters = false;
  [[nodiscard]] static std::vector<Watermark> samples(Extent extent);

  /// Reads the image once, for all pictures. Throws Error(bad_parameter) unless there is a text or an image.
  void load(const ImageLoader& load_image);
  /// The mark for one size and format of picture.
  [[nodiscard]] PlacedMark bind(const ImageInfo& picture) const;
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    bind(region.image).run(in, out, region);
  }

  std::shared_ptr<const MarkPicture> loaded;  ///< of an image
};

}  // namespace tessera
