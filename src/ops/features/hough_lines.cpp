// SPDX-License-Identifier: Apache-2.0
#include "ops/features/hough_lines.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ops/band_strips.hpp"
#include "ops/features/paint.hpp"

namespace tessera {
namespace {

/// The accumulator of cv::HoughLines: its size and its tables, in its precision.
class HoughGrid {
 public:
  HoughGrid(const Extent& image, float rho_step, float theta_step)
      : rho_step_(rho_step),
        theta_step_(theta_step),
        angles_(cvFloor(CV_PI / static_cast<double>(theta_step)) + 1),
        distances_(static_cast<std::int64_t>(
            std::nearbyint(static_cast<float>((image.width + image.height) * 2 + 1) / rho_step))) {
    // The last angle may be the first one again.
    if (angles_ > 1 && std::fabs(CV_PI - static_cast<double>(angles_ - 1) * static_cast<double>(theta_step)) <
                           static_cast<double>(theta_step) / 2) {
      --angles_;
    }
    const float per_step = 1 / rho_step;
    float angle = 0;
    for (int n = 0; n < angles_; ++n, angle += theta_step) {
      sines_.push_back(
          static_cast<float>(std::sin(static_cast<double>(angle)) * static_cast<double>(per_step)));
      cosines_.push_back(
          static_cast<float>(std::cos(static_cast<double>(angle)) * static_cast<double>(per_step)));
    }
  }
  [[nodiscard]] std::int64_t angles() const { return angles_; }
  [[nodiscard]] std::int64_t distances() const { return distances_; }
  [[nodiscard]] std::int64_t counters() const { return angles_ * distances_; }
  [[nodiscard]] float sine(std::int64_t n) const { return sines_[static_cast<std::size_t>(n)]; }
  [[nodiscard]] float cosine(std::int64_t n) const { return cosines_[static_cast<std::size_t>(n)]; }
  /// Where rho = 0 is counted.
  [[nodiscard]] std::int64_t origin() const { return (distances_ - 1) / 2; }
  [[nodiscard]] float rho(std::int64_t r) const {
    return (static_cast<float>(r) - static_cast<float>(distances_ - 1) * 0.5F) * rho_step_;
  }
  [[nodiscard]] float theta(std::int64_t n) const { return static_cast<float>(n) * theta_step_; }

 private:
  float rho_step_;
  float theta_step_;
  int angles_;
  std::int64_t distances_;
  std::vector<float> sines_;
  std::vector<float> cosines_;
};

struct EdgePixel {
  std::int32_t x = 0;
  std::int32_t y = 0;
};

std::vector<EdgePixel> edge_pixels(const cv::Mat& edges, std::int64_t first_row) {
  std::vector<EdgePixel> result;
  result.reserve(static_cast<std::size_t>(edges.empty() ? 0 : cv::countNonZero(edges)));
  for (int y = 0; y < edges.rows; ++y) {
    const auto* row = edges.ptr<std::uint8_t>(y);
    for (int x = 0; x < edges.cols; ++x) {
      if (row[x] != 0) {
        result.push_back({x, static_cast<std::int32_t>(first_row + y)});
      }
    }
  }
  return result;
}

/// Threads share the angles, not the pixels, so no two write the same counter.
std::vector<std::uint64_t> count_votes(Frame& frame, const HoughGrid& grid,
                                       const std::vector<EdgePixel>& pixels) {
  std::vector<std::uint64_t> counters(static_cast<std::size_t>(grid.counters()), 0);
  frame.parallel_for(grid.angles(), [&](std::int64_t n) {
    std::uint64_t* of_angle = counters.data() + n * grid.distances() + grid.origin();
    const float sine = grid.sine(n);
    const float cosine = grid.cosine(n);
    for (const EdgePixel& pixel : pixels) {
      ++of_angle[cvRound(static_cast<float>(pixel.x) * cosine + static_cast<float>(pixel.y) * sine)];
    }
  });
  frame.all_reduce(counters, Merge::sum);
  return counters;
}

struct Line {
  std::uint64_t votes = 0;
  std::int64_t index = 0;  ///< into the accumulator, angle after angle
};

/// Counters outside the grid are 0.
bool is_local_maximum(const std::vector<std::uint64_t>& counters, const HoughGrid& grid, std::int64_t n,
                      std::int64_t r) {
  const auto at = [&](std::int64_t angle, std::int64_t distance) -> std::uint64_t {
    return angle < 0 || distance < 0 || angle >= grid.angles() || distance >= grid.distances()
               ? 0
               : counters[static_cast<std::size_t>(angle * grid.distances() + distance)];
  };
  const std::uint64_t here = at(n, r);
  return here > at(n, r - 1) && here >= at(n, r + 1) && here > at(n - 1, r) && here >= at(n + 1, r);
}

std::vector<Line> strongest_lines(const std::vector<std::uint64_t>& counters, const HoughGrid& grid,
                                  std::uint64_t votes, std::size_t max_lines) {
  std::vector<Line> lines;
  for (std::int64_t n = 0; n < grid.angles(); ++n) {
    for (std::int64_t r = 0; r < grid.distances(); ++r) {
      const std::int64_t index = n * grid.distances() + r;
      const std::uint64_t here = counters[static_cast<std::size_t>(index)];
      if (here > votes && is_local_maximum(counters, grid, n, r)) {
        lines.push_back({here, index});
      }
    }
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) {
    return a.votes > b.votes || (a.votes == b.votes && a.index < b.index);
  });
  lines.resize(std::min(lines.size(), max_lines));
  return lines;
}

struct DrawnLine {
  double rho = 0;
  double sine = 0;
  double cosine = 0;
};

void draw_in_row(cv::Mat& rgb, int row, std::int64_t image_y, const DrawnLine& line, double half_width,
                 const Color& color) {
  std::int64_t begin = 0;
  std::int64_t end = rgb.cols;
  const double along_y = static_cast<double>(image_y) * line.sine;
  // Bounds for the pixels worth testing, wide enough for any rounding.
  constexpr double level = 1e-6;
  if (std::abs(line.cosine) > level) {
    const double middle = (line.rho - along_y) / line.cosine;
    const double reach = half_width / std::abs(line.cosine) + 2;
    begin = static_cast<std::int64_t>(std::clamp(middle - reach, 0.0, static_cast<double>(rgb.cols)));
    end = static_cast<std::int64_t>(std::clamp(middle + reach + 1, 0.0, static_cast<double>(rgb.cols)));
  } else if (std::abs(along_y - line.rho) > half_width + level * rgb.cols + 1) {
    return;
  }
  for (std::int64_t x = begin; x < end; ++x) {
    if (std::abs(static_cast<double>(x) * line.cosine + along_y - line.rho) <= half_width) {
      paint_pixel(rgb, row, static_cast<int>(x), color);
    }
  }
}

cv::Mat gray_rows(Frame& frame, const cv::Mat& in) {
  if (in.channels() == 1) {
    return in;
  }
  cv::Mat gray(in.rows, in.cols, CV_MAKETYPE(in.depth(), 1));
  for_each_strip(frame, in.rows, [&](std::int64_t, const Interval& rows) {
    const cv::Range range(static_cast<int>(rows.begin), static_cast<int>(rows.end));
    cv::Mat part = gray.rowRange(range);
    cv::cvtColor(in.rowRange(range), part, cv::COLOR_RGB2GRAY);
  });
  return gray;
}

}  // namespace

/// Luma, the same with ghost rows, classes and edges of each pixel, and the counters, which all ranks add up.
FrameCost HoughLines::cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                           int /*threads*/) const {
  const Interval& own = rows[static_cast<std::size_t>(rank)];
  const std::int64_t columns = image.extent.width;
  const std::int64_t sample = image.format.bytes_per_sample();
  const HoughGrid grid(image.extent, static_cast<float>(rho_step),
                       static_cast<float>(theta_step * (CV_PI / 180)));
  const std::int64_t counters = grid.counters() * static_cast<std::int64_t>(sizeof(std::uint64_t));
  const std::int64_t luma = (image.format.channels == 3 ? 2 : 1) * sample;
  FrameCost cost{.memory = own.size() * columns * (luma + 2) + counters};
  if (rows.size() > 1 && !own.empty()) {
    const int neighbours = (own.begin > 0 ? 1 : 0) + (own.end < image.extent.height ? 1 : 0);
    const std::int64_t ghosts = neighbours * canny_reach({}) * columns * sample;
    cost.sent = cost.received = counters + ghosts;
  }
  return cost;
}

void HoughLines::run(Frame& frame, const Tile& in, Tile& out) const {
  const HoughGrid grid(frame.image().extent, static_cast<float>(rho_step),
                       static_cast<float>(theta_step * (CV_PI / 180)));
  constexpr std::int64_t max_counters = std::int64_t{1} << 26U;
  if (grid.counters() > max_counters) {
    throw Error(ErrorCode::limit_exceeded,
                "hough-lines would need " + std::to_string(grid.counters()) +
                    " counters for this picture, more than " + std::to_string(max_counters) +
                    "; raise rho-step or theta-step, or resize the picture first.");
  }
  const Interval own = frame.rows(frame.rank());
  const cv::Mat edges =
      canny_edges(frame, {in.rect, gray_rows(frame, in.color), in.alpha}, {.low = low, .high = high});
  const std::vector<std::uint64_t> counters = count_votes(frame, grid, edge_pixels(edges, own.begin));
  const std::vector<Line> lines =
      strongest_lines(counters, grid, static_cast<std::uint64_t>(votes), static_cast<std::size_t>(max_lines));

  std::vector<DrawnLine> drawn;
  std::vector<double> findings;
  for (const Line& line : lines) {
    const auto rho = static_cast<double>(grid.rho(line.index % grid.distances()));
    const auto theta = static_cast<double>(grid.theta(line.index / grid.distances()));
    drawn.push_back({rho, std::sin(theta), std::cos(theta)});
    findings.insert(findings.end(), {rho, theta, static_cast<double>(line.votes)});
  }
  for_each_strip(frame, out.color.rows, [&](std::int64_t, const Interval& rows) {
    const cv::Range range(static_cast<int>(rows.begin), static_cast<int>(rows.end));
    cv::Mat part = out.color.rowRange(range);
    copy_as_rgb(in.color.rowRange(range), part);
    for (int row = 0; row < part.rows; ++row) {
      for (const DrawnLine& line : drawn) {
        draw_in_row(part, row, own.begin + rows.begin + row, line, width / 2, color);
      }
    }
  });
  frame.report(findings);
}

}  // namespace tessera
