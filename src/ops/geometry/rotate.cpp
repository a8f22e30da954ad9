// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/rotate.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <opencv2/core.hpp>

#include "ops/geometry/color_samples.hpp"

namespace tessera {
namespace {

struct Point {
  double x;
  double y;
};

/// Where the pixels of the turned picture come from.
class Back {
 public:
  Back(double angle_degrees, Extent in, Extent out)
      : cosine_(std::cos(angle_degrees * std::numbers::pi / 180)),
        sine_(std::sin(angle_degrees * std::numbers::pi / 180)),
        in_{(static_cast<double>(in.width) - 1) / 2, (static_cast<double>(in.height) - 1) / 2},
        out_{(static_cast<double>(out.width) - 1) / 2, (static_cast<double>(out.height) - 1) / 2} {}
  [[nodiscard]] Point operator()(std::int64_t x, std::int64_t y) const {
    const double dx = static_cast<double>(x) - out_.x;
    const double dy = static_cast<double>(y) - out_.y;
    return {cosine_ * dx + sine_ * dy + in_.x, cosine_ * dy - sine_ * dx + in_.y};
  }

 private:
  double cosine_;
  double sine_;
  Point in_;
  Point out_;
};

/// Square blocks, so that both reads and writes stay in cache.
template <class Pixel>
void turn_quarters(const cv::Mat& in, cv::Mat& out, const Region& region, int turns) {
  constexpr int block = 32;
  const Extent size = region.image.extent;
  for (int top = 0; top < out.rows; top += block) {
    for (int left = 0; left < out.cols; left += block) {
      for (int y = top; y < std::min(out.rows, top + block); ++y) {
        auto* target = out.ptr<Pixel>(y);
        const std::int64_t row = region.out.y + y;
        for (int x = left; x < std::min(out.cols, left + block); ++x) {
          const std::int64_t column = region.out.x + x;
          const std::int64_t from_x = turns == 1   ? row
                                      : turns == 2 ? size.width - 1 - column
                                                   : size.width - 1 - row;
          const std::int64_t from_y = turns == 1   ? size.height - 1 - column
                                      : turns == 2 ? size.height - 1 - row
                                                   : column;
          target[x] =
              *in.ptr<Pixel>(static_cast<int>(from_y - region.in.y), static_cast<int>(from_x - region.in.x));
        }
      }
    }
  }
}

/// What lies outside the picture.
struct Outside {
  double levels[3];
  bool transparent;  ///< it has no colour
};

/// One plane of the picture, and the alpha by which its colours are weighed.
template <class T>
class Turned {
 public:
  Turned(const cv::Mat& in, const Region& region, const Outside& outside)
      : in_(in), region_(region), outside_(outside) {}

  void nearest(const Point& from, T* target) const {
    const T* pixel = at(in_, std::llround(from.x), std::llround(from.y));
    for (int c = 0; c < in_.channels(); ++c) {
      // An image has one colour channel or three.
      // NOLINTNEXTLINE(clang-analyzer-core.*)
      target[c] = pixel != nullptr ? pixel[c] : static_cast<T>(outside_.levels[c]);
    }
  }

  void linear(const Point& from, T* target) const {
    const auto left = static_cast<std::int64_t>(std::floor(from.x));
    const auto top = static_cast<std::int64_t>(std::floor(from.y));
    const double across = from.x - static_cast<double>(left);
    const double down = from.y - static_cast<double>(top);
    const T* corners[4] = {at(in_, left, top), at(in_, left + 1, top), at(in_, left, top + 1),
                           at(in_, left + 1, top + 1)};
    double alphas[4] = {1, 1, 1, 1};
    if (outside_.transparent || region_.transparency != nullptr) {
      for (int i = 0; i < 4; ++i) {
        if (corners[i] == nullptr) {
          alphas[i] = outside_.transparent ? 0 : 1;
        } else if (region_.transparency != nullptr) {
          alphas[i] = *at(*region_.transparency, left + i % 2, top + i / 2) / full;
        }
      }
    }
    const auto between = [&](const double(&values)[4]) {
      const double above = values[0] + across * (values[1] - values[0]);
      const double below = values[2] + across * (values[3] - values[2]);
      return above + down * (below - above);
    };
    const bool opaque = std::all_of(alphas, alphas + 4, [](double alpha) { return alpha == 1; });
    const double alpha = opaque ? 0 : between(alphas);
    for (int c = 0; c < in_.channels(); ++c) {
      double values[4];
      for (int i = 0; i < 4; ++i) {
        values[i] = corners[i] != nullptr ? static_cast<double>(corners[i][c]) : outside_.levels[c];
      }
      if (alpha > 0) {
        for (int i = 0; i < 4; ++i) {
          values[i] *= alphas[i];
        }
        target[c] = cv::saturate_cast<T>(between(values) / alpha);
      } else {
        target[c] = cv::saturate_cast<T>(between(values));
      }
    }
  }

 private:
  static constexpr double full = std::numeric_limits<T>::max();

  /// Null outside the picture.
  const T* at(const cv::Mat& plane, std::int64_t x, std::int64_t y) const {
    const Extent size = region_.image.extent;
    if (x < 0 || y < 0 || x >= size.width || y >= size.height) {
      return nullptr;
    }
    return plane.ptr<T>(static_cast<int>(y - region_.in.y)) + (x - region_.in.x) * plane.channels();
  }

  const cv::Mat& in_;
  const Region& region_;
  const Outside& outside_;
};

template <class T>
void turn(const cv::Mat& in, cv::Mat& out, const Region& region, const Back& back, const Outside& outside,
          bool linear) {
  const Turned<T> turned(in, region, outside);
  for (int y = 0; y < out.rows; ++y) {
    T* target = out.ptr<T>(y);
    for (int x = 0; x < out.cols; ++x, target += in.channels()) {
      const Point from = back(region.out.x + x, region.out.y + y);
      linear ? turned.linear(from, target) : turned.nearest(from, target);
    }
  }
}

}  // namespace

Json Rotate::shorthand(std::string_view word) {
  double degrees = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, failure] = std::from_chars(word.data(), end, degrees);
  return failure == std::errc{} && stop == end ? Json{{"angle", degrees}} : Json();
}

std::vector<Rotate> Rotate::samples(Extent) {
  return {{.angle = 90}, {.angle = 180}, {.angle = -90}, {.angle = 0}, {.angle = 30, .expand = false}};
}

int Rotate::quarter_turns() const {
  const double turns = angle / 90;
  return turns == std::floor(turns) ? ((static_cast<int>(turns) % 4) + 4) % 4 : -1;
}

Extent Rotate::result_extent(Extent in) const {
  const int turns = quarter_turns();
  if (turns >= 0) {
    return turns % 2 == 0 || !expand ? in : Extent{in.height, in.width};
  }
  if (!expand) {
    return in;
  }
  const double radians = angle * std::numbers::pi / 180;
  const double cosine = std::abs(std::cos(radians));
  const double sine = std::abs(std::sin(radians));
  const auto width = static_cast<double>(in.width);
  const auto height = static_cast<double>(in.height);
  // A hair less than the exact size, so that rounding errors do not add an empty row.
  constexpr double hair = 1e-6;
  return {static_cast<std::int64_t>(std::ceil(width * cosine + height * sine - hair)),
          static_cast<std::int64_t>(std::ceil(width * sine + height * cosine - hair))};
}

Rect Rotate::needs(const Rect& out, Extent in) const {
  const int turns = quarter_turns();
  if (turns == 0) {
    return out;
  }
  const Extent whole = result_extent(in);
  if (turns == 2) {
    return {in.width - out.x - out.width, in.height - out.y - out.height, out.width, out.height};
  }
  if (turns == 1 && expand) {
    return {out.y, in.height - out.x - out.width, out.height, out.width};
  }
  if (turns == 3 && expand) {
    return {in.width - out.y - out.height, out.x, out.height, out.width};
  }
  const Back back(angle, in, whole);
  Interval columns{in.width, 0};
  Interval rows{in.height, 0};
  for (const std::int64_t x : {out.x, out.x + out.width - 1}) {
    for (const std::int64_t y : {out.y, out.y + out.height - 1}) {
      const Point from = back(x, y);
      columns.begin = std::min(columns.begin, static_cast<std::int64_t>(std::floor(from.x)) - 1);
      columns.end = std::max(columns.end, static_cast<std::int64_t>(std::floor(from.x)) + 3);
      rows.begin = std::min(rows.begin, static_cast<std::int64_t>(std::floor(from.y)) - 1);
      rows.end = std::max(rows.end, static_cast<std::int64_t>(std::floor(from.y)) + 3);
    }
  }
  const Rect rect = Rect::from(columns, rows).intersect(Rect::whole(in));
  // A piece of nothing but corner still gets a pixel, so that there is something to hold.
  return rect.empty() ? Rect{0, 0, 1, 1} : rect;
}

void Rotate::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  const int turns = quarter_turns();
  if (turns == 0) {
    in(cv::Rect(static_cast<int>(region.out.x - region.in.x), static_cast<int>(region.out.y - region.in.y),
                out.cols, out.rows))
        .copyTo(out);
    return;
  }
  if (turns == 2 || (turns > 0 && expand)) {
    switch (in.elemSize()) {
      case 1:
        return turn_quarters<std::uint8_t>(in, out, region, turns);
      case 2:
        return turn_quarters<std::uint16_t>(in, out, region, turns);
      case 3:
        return turn_quarters<cv::Vec3b>(in, out, region, turns);
      default:
        return turn_quarters<cv::Vec3w>(in, out, region, turns);
    }
  }
  const Back back(angle, region.image.extent, result_extent(region.image.extent));
  const cv::Scalar samples = region.alpha ? cv::Scalar::all(0) : color_samples(fill, region.image.format);
  const Outside outside{{samples[0], samples[1], samples[2]}, region.image.format.alpha && !region.alpha};
  const bool linear = method == RotateMethod::linear;
  if (in.depth() == CV_8U) {
    turn<std::uint8_t>(in, out, region, back, outside, linear);
  } else {
    turn<std::uint16_t>(in, out, region, back, outside, linear);
  }
}

}  // namespace tessera
