// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/resize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "ops/geometry/color_samples.hpp"

namespace tessera {
namespace {

std::int64_t whole_side(double side) { return std::max<std::int64_t>(1, std::llround(side)); }

/// A side as people write it in "800x600"; nothing for anything else. Empty: 0.
std::optional<int> parse_side(std::string_view text) {
  int side = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), side);
  if (!text.empty() && (failure != std::errc{} || end != text.data() + text.size() || side <= 0)) {
    return std::nullopt;
  }
  return side;
}

/// What of `asked` lies in `shown`, or else the row (or column) of it that is nearest: what is read for strips of
/// nothing but background then goes down the picture as they do.
Interval within(const Interval& asked, const Interval& shown) {
  const std::int64_t begin = std::clamp<std::int64_t>(asked.begin, shown.begin, shown.end - 1);
  return {begin, std::clamp<std::int64_t>(asked.end, begin + 1, shown.end)};
}

}  // namespace

class PreparedResize::Pieces final : public PiecewiseRun {
 public:
  Pieces(const PreparedResize& resize, const Region& region, int type) : resize_(resize), region_(region) {
    if (const Region shown = resize.picture_region(region); !shown.out.empty()) {
      picture_ = begin_resample(shown, type, resize.columns_, resize.rows_);
    }
  }
  void add(const cv::Mat& piece, const cv::Mat& alpha) override {
    if (picture_) {
      picture_->add(piece, alpha);
    }
  }
  void finish(cv::Mat& out) override {
    cv::Mat picture = resize_.picture_on_background(out, region_);
    if (picture_) {
      picture_->finish(picture);
    }
  }

 private:
  const PreparedResize& resize_;
  Region region_;
  std::unique_ptr<PiecewiseRun> picture_;
};

Region PreparedResize::picture_region(const Region& region) const {
  Region shown = region;
  shown.out = region.out.intersect(place_);
  shown.out.x -= place_.x;
  shown.out.y -= place_.y;
  return shown;
}

cv::Mat PreparedResize::picture_on_background(cv::Mat& out, const Region& region) const {
  const Rect shown = region.out.intersect(place_);
  if (shown == region.out) {
    return out;
  }
  out.setTo(region.alpha ? cv::Scalar::all(0) : color_samples(background_, region.image.format));
  if (shown.empty()) {
    return {};
  }
  return out(cv::Rect(static_cast<int>(shown.x - region.out.x), static_cast<int>(shown.y - region.out.y),
                      static_cast<int>(shown.width), static_cast<int>(shown.height)));
}

Rect PreparedResize::needs(const Rect& out, Extent) const {
  const Interval columns = within(out.columns(), place_.columns());
  const Interval rows = within(out.rows(), place_.rows());
  return Rect::from(columns_.needs(columns.begin - place_.x, columns.size()),
                    rows_.needs(rows.begin - place_.y, rows.size()));
}

void PreparedResize::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  cv::Mat picture = picture_on_background(out, region);
  if (!picture.empty()) {
    resample(in, picture, picture_region(region), columns_, rows_);
  }
}

std::unique_ptr<PiecewiseRun> PreparedResize::begin_pieces(const Region& region, int type) const {
  return std::make_unique<Pieces>(*this, region, type);
}

Json Resize::upgrade(Json parameters, int) {
  const auto fit = parameters.find("fit");
  const bool kept =
      fit != parameters.end() && (*fit == true || *fit == "true" || *fit == "yes" || *fit == "on");
  const bool stretched =
      fit == parameters.end() || *fit == false || *fit == "false" || *fit == "no" || *fit == "off";
  if (!kept && !stretched) {
    throw Error(ErrorCode::bad_parameter,
                fmt::format("resize: parameter 'fit' of version 1 must be true or false, but {} was given.",
                            fit->dump()));
  }
  // One side alone has always kept the proportions.
  if (stretched && parameters.contains("width") && parameters.contains("height") &&
      parameters["width"] != 0 && parameters["height"] != 0) {
    parameters["fit"] = "fill";
  } else if (fit != parameters.end()) {
    parameters.erase("fit");
  }
  return parameters;
}

Json Resize::shorthand(std::string_view word) {
  if (is_gravity(word)) {
    return {{"gravity", std::string(word)}};
  }
  if (word.ends_with('%')) {
    double percent = 0;
    const char* const end = word.data() + word.size() - 1;
    const auto [stop, failure] = std::from_chars(word.data(), end, percent);
    return failure == std::errc{} && stop == end && percent > 0 ? Json{{"scale", percent / 100}} : Json();
  }
  const std::size_t cross = word.find('x');
  const auto width = parse_side(word.substr(0, cross));
  const auto height = cross == std::string_view::npos ? std::optional(0) : parse_side(word.substr(cross + 1));
  if (!width || !height || (*width == 0 && *height == 0)) {
    return {};
  }
  Json parameters = Json::object();
  if (*width > 0) {
    parameters["width"] = *width;
  }
  if (*height > 0) {
    parameters["height"] = *height;
  }
  return parameters;
}

std::vector<Resize> Resize::samples(Extent in) {
  std::vector<Resize> result;
  const int w = static_cast<int>(std::min<std::int64_t>(in.width, 90));
  const int h = static_cast<int>(std::min<std::int64_t>(in.height, 90));
  for (const auto& [key, name] : EnumNames<ResizeMethod>::names) {
    result.push_back({.width = w + 3, .height = 2 * h - 1, .fit = ResizeFit::fill, .method = key});
    result.push_back(
        {.width = std::max(1, w / 3), .height = std::max(1, h / 2), .fit = ResizeFit::fill, .method = key});
    result.push_back({.scale = 0.37, .method = key});
    result.push_back({.width = 40, .height = 30, .method = key});
  }
  result.push_back({.width = 40, .height = 30, .fit = ResizeFit::outside});
  result.push_back({.long_edge = 50, .enlarge = false});
  for (const auto& [key, name] : EnumNames<Gravity>::names) {
    result.push_back({.width = 33, .height = 20, .fit = ResizeFit::cover, .gravity = key});
  }
  result.push_back({.width = 20, .height = 2 * h, .fit = ResizeFit::cover, .method = ResizeMethod::area});
  for (const auto& [key, name] : EnumNames<Gravity>::names) {
    result.push_back(
        {.width = 33, .height = 47, .fit = ResizeFit::contain, .gravity = key, .background = {9, 99, 199}});
  }
  result.push_back({.width = 130, .height = 20, .fit = ResizeFit::contain, .method = ResizeMethod::nearest});
  result.push_back(
      {.width = 97, .height = 103, .fit = ResizeFit::contain, .enlarge = false, .background = {255, 0, 0}});
  return result;
}

Extent Resize::scaled_extent(Extent in) const {
  const auto w = static_cast<double>(in.width);
  const auto h = static_cast<double>(in.height);
  const int ways = (scale > 0 ? 1 : 0) + (long_edge > 0 ? 1 : 0) + (width > 0 || height > 0 ? 1 : 0);
  if (ways == 0) {
    throw Error(ErrorCode::bad_parameter, "resize: give width, height or both, or long-edge, or scale.");
  }
  if (ways > 1) {
    throw Error(ErrorCode::bad_parameter,
                "resize: give only one of scale, long-edge, and width with height.");
  }
  const auto by = [&](double factor) -> Extent {
    return enlarge || factor < 1 ? Extent{whole_side(w * factor), whole_side(h * factor)} : in;
  };
  if (scale > 0) {
    return by(scale);
  }
  if (long_edge > 0) {
    return by(long_edge / std::max(w, h));
  }
  if (width == 0 || height == 0) {
    return by(width > 0 ? width / w : height / h);
  }
  const double by_width = width / w;
  const double by_height = height / h;
  switch (fit) {
    case ResizeFit::inside:
    case ResizeFit::contain:
      return by(std::min(by_width, by_height));
    case ResizeFit::outside:
      return by(std::max(by_width, by_height));
    case ResizeFit::cover: {
      // Rounding must not leave the box a pixel short.
      const Extent scaled = by(std::max(by_width, by_height));
      return scaled == in ? in
                          : Extent{std::max<std::int64_t>(scaled.width, width),
                                   std::max<std::int64_t>(scaled.height, height)};
    }
    case ResizeFit::fill:
      break;
  }
  return enlarge || (by_width < 1 && by_height < 1)
             ? Extent{width, height}
             : Extent{std::min<std::int64_t>(width, in.width), std::min<std::int64_t>(height, in.height)};
}

ResizeLayout Resize::layout(Extent in) const {
  const Extent scaled = scaled_extent(in);
  const bool box = width > 0 && height > 0;
  const Extent shown = box && fit == ResizeFit::cover ? Extent{std::min<std::int64_t>(scaled.width, width),
                                                               std::min<std::int64_t>(scaled.height, height)}
                                                      : scaled;
  const Extent result = box && fit == ResizeFit::contain ? Extent{width, height} : shown;
  return {scaled, result, part_at(gravity, shown, scaled), part_at(gravity, shown, result)};
}

Rect Resize::needs(const Rect& out, Extent in) const {
  const ResizeLayout where = layout(in);
  const auto reach = [this](std::int64_t begin, std::int64_t count, std::int64_t from,
                            std::int64_t to) -> Interval {
    const ResampleTaps first = resample_taps(method, begin, from, to);
    const ResampleTaps last = resample_taps(method, begin + count - 1, from, to);
    return {std::clamp<std::int64_t>(first.first, 0, from - 1),
            std::clamp<std::int64_t>(last.first + static_cast<std::int64_t>(last.weights.size()), 1, from)};
  };
  const Interval columns = within(out.columns(), where.place.columns());
  const Interval rows = within(out.rows(), where.place.rows());
  return Rect::from(
      reach(columns.begin - where.place.x + where.part.x, columns.size(), in.width, where.scaled.width),
      reach(rows.begin - where.place.y + where.part.y, rows.size(), in.height, where.scaled.height));
}

PreparedResize Resize::bind(const ImageInfo& picture) const { return after_loading(picture.extent, 1); }

int Resize::loading_factor(Extent original) const {
  if (method == ResizeMethod::nearest) {
    return 1;
  }
  const Extent whole = scaled_extent(original);
  constexpr std::int64_t left_to_do = 2;
  int factor = 8;
  while (factor > 1 && (original.width < left_to_do * factor * whole.width ||
                        original.height < left_to_do * factor * whole.height)) {
    factor /= 2;
  }
  return factor;
}

PreparedResize Resize::after_loading(Extent original, int factor) const {
  const ResizeLayout where = layout(original);
  return {
      AxisTaps(method, original.width, where.scaled.width, factor).window(where.part.x, where.part.width),
      AxisTaps(method, original.height, where.scaled.height, factor).window(where.part.y, where.part.height),
      where, background};
}

}  // namespace tessera
