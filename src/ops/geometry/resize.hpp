// SPDX-License-Identifier: Apache-2.0
// resize: a bigger or smaller picture.
#pragma once

#include "ops/geometry/gravity.hpp"
#include "ops/geometry/resample.hpp"
#include "ops/operator.hpp"

namespace tessera {

/// Where a resized picture, or the part of it that stays, lies in the result.
struct ResizeLayout {
  Extent scaled;  ///< that the whole picture is resized to
  Extent result;
  Rect part;   ///< of the scaled picture
  Rect place;  ///< of that part, in the result; around it is the background
};

/// A resize of pictures of one size.
class PreparedResize {
 public:
  /// The taps are those of the layout's part.
  PreparedResize(AxisTaps columns, AxisTaps rows, const ResizeLayout& layout, Color background)
      : columns_(std::move(columns)),
        rows_(std::move(rows)),
        result_(layout.result),
        place_(layout.place),
        background_(background) {}
  [[nodiscard]] Extent result_extent(Extent) const { return result_; }
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const;
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return resample_bytes(in.format, part.width, columns_, rows_);
  }
  [[nodiscard]] std::unique_ptr<PiecewiseRun> begin_pieces(const Region& region, int type) const;

 private:
  class Pieces;

  /// Gives `out` the background if the region has any, and returns the matrix of what shows the picture.
  [[nodiscard]] cv::Mat picture_on_background(cv::Mat& out, const Region& region) const;
  /// The same region without the background, as the taps count; its `out` may be empty.
  [[nodiscard]] Region picture_region(const Region& region) const;

  AxisTaps columns_;
  AxisTaps rows_;
  Extent result_;
  Rect place_;
  Color background_;
};

/// What happens where the picture's proportions are not those of width and height.
enum class ResizeFit : std::uint8_t { inside, outside, cover, contain, fill };

template <>
struct EnumNames<ResizeFit> {
  static constexpr std::array names{std::pair{ResizeFit::inside, std::string_view("inside")},
                                    std::pair{ResizeFit::outside, std::string_view("outside")},
                                    std::pair{ResizeFit::cover, std::string_view("cover")},
                                    std::pair{ResizeFit::contain, std::string_view("contain")},
                                    std::pair{ResizeFit::fill, std::string_view("fill")}};
};

struct Resize {
  int width = 0;
  int height = 0;
  int long_edge = 0;
  double scale = 0;
  ResizeFit fit = ResizeFit::inside;
  Gravity gravity = Gravity::center;
  bool enlarge = true;
  ResizeMethod method = ResizeMethod::lanczos3;
  Color background = {0, 0, 0};

  static constexpr OperatorInfo info{
      .name = "resize",
      .group = "Geometry",
      .doc = "Makes the picture bigger or smaller: by size, by its longer side, or by scale.",
      .definition =
          "Separable: rows first, then columns. An output sample at (i + 1/2) s - 1/2, s = in/out, is the "
          "sum of input samples weighted by the method's kernel, stretched by max(1, s) so that shrinking "
          "does not alias, normalised to 1, pixels outside the picture counting as the nearest inside (box "
          "for area, triangle for linear, Keys' cubic with a = -1/2, Lanczos with three lobes); coefficients "
          "and rows in single precision, rounded once at the end. nearest takes floor(i s) as "
          "cv::INTER_NEAREST does. fit: inside keeps the proportions and stays within width and height, "
          "outside keeps them and reaches both, cover is outside with what is beyond width and height cut "
          "away, contain is inside on a canvas of width and height, which is the background (its luma, "
          "0.299 R + 0.587 G + 0.114 B rounded, on gray pictures), fully transparent where there is alpha; fill does "
          "not keep them. As the first operator on a picture that becomes at most a quarter as large "
          "on both sides, it begins with what the file's decoder gives at 1/2, 1/4 or 1/8, so that at least a factor "
          "of two is left to the method: of a JPEG (progressive ones of the samplings 4:4:4 and 4:2:0), and of an "
          "opaque WebP whose sides are multiples of that.",
      .example = "resize width=800",
      .version = 2,
      .tolerance = 1,
      .tolerance_reason = "sums are in single precision, the reference's in double"};
  static constexpr AlphaRule alpha_rule = AlphaRule::weighed;
  static constexpr bool reads_alpha = true;
  static constexpr Limits side{.min = 0, .max = 1000000, .slider_min = 0, .slider_max = 4000, .unit = "px"};
  static constexpr auto params = std::tuple{
      integer("width", &Resize::width, "Width of the result; 0: by the picture's proportions.", side),
      integer("height", &Resize::height, "Height of the result; 0: by the picture's proportions.", side),
      integer("long-edge", &Resize::long_edge,
              "Longer side of the result, instead of width and height; 0: not used.", side),
      number("scale", &Resize::scale, "Factor for both sides, instead of width and height; 0: not used.",
             {.min = 0, .max = 1000, .slider_min = 0.1, .slider_max = 2}),
      choice("fit", &Resize::fit, "How the picture fits width and height when both are given."),
      choice("gravity", &Resize::gravity,
             "What stays when fit=cover cuts something away; where the picture lies with fit=contain."),
      boolean("enlarge", &Resize::enlarge, "False: a picture that is smaller already stays as it is."),
      choice("method", &Resize::method, "How new pixels are made."),
      color(
          "background", &Resize::background,
          "Colour around the picture with fit=contain; a picture with alpha has transparent surroundings.")};
  static constexpr bool random_parameters = false;

  /// Version 1 had no long-edge, gravity and enlarge, and a yes-or-no fit, without which the proportions were
  /// not kept.
  static Json upgrade(Json parameters, int version);
  /// "50%", "800", "800x600", "x600", or a gravity.
  static Json shorthand(std::string_view word);
  static std::vector<Resize> samples(Extent in);
  [[nodiscard]] Extent result_extent(Extent in) const { return layout(in).result; }
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const;
  [[nodiscard]] PreparedResize bind(const ImageInfo& picture) const;
  /// By how much a reader may reduce pictures of this size first, 8, 4, 2 or 1: so that at least a factor of
  /// two on both sides is left to the method, which then decides how the result looks.
  [[nodiscard]] int loading_factor(Extent original) const;
  /// What is left to do of this resize of pictures of size `original` when they have been reduced by `factor`.
  [[nodiscard]] PreparedResize after_loading(Extent original, int factor) const;
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    bind(region.image).run(in, out, region);
  }

 private:
  /// The size that the whole picture is scaled to.
  [[nodiscard]] Extent scaled_extent(Extent in) const;
  [[nodiscard]] ResizeLayout layout(Extent in) const;
};

/// A prepared resize takes its input in pieces too.
template <>
class erased::LocalModel<PreparedResize> final : public LocalOp, public TakesPieces {
 public:
  explicit LocalModel(PreparedResize op) : op_(std::move(op)) {}
  LocalKind kind() const override { return LocalKind::geometry; }
  ImageInfo result(const ImageInfo& in) const override { return {op_.result_extent(in.extent), in.format}; }
  Halo halo(const ImageInfo&) const override { return {}; }
  Border border() const override { return Border::reflect101; }
  double border_value() const override { return 0; }
  Rect needs(const Rect& out, const ImageInfo& in) const override { return op_.needs(out, in.extent); }
  bool crosses_rows() const override { return false; }
  bool reads_alpha() const override { return Resize::reads_alpha; }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const override { op_.run(in, out, region); }
  std::unique_ptr<PiecewiseRun> begin_pieces(const Region& region, int type) const override {
    return op_.begin_pieces(region, type);
  }
  std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const override {
    return op_.working_bytes(in, part);
  }
  std::vector<std::string> finding_columns() const override { return {}; }
  std::shared_ptr<const LocalOp> bound(const ImageInfo&) const override { return nullptr; }

 private:
  PreparedResize op_;
};

}  // namespace tessera
