#include "ops/geometry/resize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>

#include "core/error.hpp"

namespace tessera {
namespace {

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double kernel_radius(ResizeMethod method) {
  switch (method) {
    case ResizeMethod::nearest:
    case ResizeMethod::area:
      return 0.5;
    case ResizeMethod::linear:
      return 1;
    case ResizeMethod::cubic:
      return 2;
    case ResizeMethod::lanczos3:
      return 3;
  }
  return 0;
}

double kernel(ResizeMethod method, double distance) {
  const double x = std::abs(distance);
  switch (method) {
    case ResizeMethod::linear:
      return std::max(0.0, 1 - x);
    case ResizeMethod::cubic:
      return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    case ResizeMethod::lanczos3:
      return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    case ResizeMethod::nearest:
    case ResizeMethod::area:
      break;
  }
  return 0;
}

/// One row of input, widened or narrowed.
template <class T>
void resample_row(const T* row, int channels, const std::vector<ResampleTaps>& taps, const Region& region,
                  float* out) {
  const std::int64_t last = region.image.extent.width - 1;
  for (const ResampleTaps& tap : taps) {
    for (int c = 0; c < channels; ++c) {
      float sum = 0;
      for (std::size_t i = 0; i < tap.weights.size(); ++i) {
        const std::int64_t x = std::clamp<std::int64_t>(tap.first + static_cast<std::int64_t>(i), 0, last);
        sum += tap.weights[i] * static_cast<float>(row[(x - region.in.x) * channels + c]);
      }
      *out++ = sum;
    }
  }
}

template <class T>
void resample(const cv::Mat& in, cv::Mat& out, const Region& region, ResizeMethod method, Extent whole) {
  const int channels = in.channels();
  const int samples = out.cols * channels;
  std::vector<ResampleTaps> columns;
  for (int x = 0; x < out.cols; ++x) {
    columns.push_back(resample_taps(method, region.out.x + x, region.image.extent.width, whole.width));
  }
  cv::Mat narrowed(in.rows, samples, CV_32F);
  for (int y = 0; y < in.rows; ++y) {
    resample_row(in.ptr<T>(y), channels, columns, region, narrowed.ptr<float>(y));
  }
  std::vector<float> sums(static_cast<std::size_t>(samples));
  for (int y = 0; y < out.rows; ++y) {
    const ResampleTaps taps =
        resample_taps(method, region.out.y + y, region.image.extent.height, whole.height);
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (std::size_t i = 0; i < taps.weights.size(); ++i) {
      const std::int64_t row = std::clamp<std::int64_t>(taps.first + static_cast<std::int64_t>(i), 0,
                                                        region.image.extent.height - 1);
      const float* from = narrowed.ptr<float>(static_cast<int>(row - region.in.y));
      const float weight = taps.weights[i];
      for (int x = 0; x < samples; ++x) {
        sums[static_cast<std::size_t>(x)] += weight * from[x];
      }
    }
    T* target = out.ptr<T>(y);
    for (int x = 0; x < samples; ++x) {
      target[x] = cv::saturate_cast<T>(sums[static_cast<std::size_t>(x)]);
    }
  }
}

}  // namespace

ResampleTaps resample_taps(ResizeMethod method, std::int64_t index, std::int64_t in, std::int64_t out) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  const auto position = static_cast<double>(index);
  if (method == ResizeMethod::nearest) {
    return {std::min(in - 1, static_cast<std::int64_t>(std::floor(position * step))), {1.0F}};
  }
  std::vector<double> weights;
  std::int64_t first = 0;
  if (method == ResizeMethod::area && step > 1) {
    // Each input pixel by how much of it the output pixel covers.
    const double begin = position * step;
    const double end = (position + 1) * step;
    first = static_cast<std::int64_t>(std::floor(begin));
    for (std::int64_t i = first; static_cast<double>(i) < end && i < in; ++i) {
      weights.push_back(std::min(end, static_cast<double>(i + 1)) - std::max(begin, static_cast<double>(i)));
    }
  } else {
    const ResizeMethod used = method == ResizeMethod::area ? ResizeMethod::linear : method;
    const double stretch = std::max(1.0, step);
    const double centre = (position + 0.5) * step - 0.5;
    const double reach = kernel_radius(used) * stretch;
    first = static_cast<std::int64_t>(std::ceil(centre - reach));
    for (std::int64_t i = first; static_cast<double>(i) <= centre + reach; ++i) {
      weights.push_back(kernel(used, (static_cast<double>(i) - centre) / stretch));
    }
  }
  double total = 0;
  for (const double weight : weights) {
    total += weight;
  }
  ResampleTaps taps{first, {}};
  for (const double weight : weights) {
    taps.weights.push_back(static_cast<float>(weight / total));
  }
  return taps;
}

std::vector<Resize> Resize::samples(Extent in) {
  std::vector<Resize> result;
  const int w = static_cast<int>(std::min<std::int64_t>(in.width, 90));
  const int h = static_cast<int>(std::min<std::int64_t>(in.height, 90));
  for (const auto& [key, name] : EnumNames<ResizeMethod>::names) {
    result.push_back({.width = w + 3, .height = 2 * h - 1, .method = key});
    result.push_back({.width = std::max(1, w / 3), .height = std::max(1, h / 2), .method = key});
    result.push_back({.scale = 0.37, .method = key});
    result.push_back({.width = 40, .height = 30, .fit = true, .method = key});
  }
  return result;
}

Extent Resize::result_extent(Extent in) const {
  const auto sized = [](double side) { return std::max<std::int64_t>(1, std::llround(side)); };
  const auto w = static_cast<double>(in.width);
  const auto h = static_cast<double>(in.height);
  if (scale > 0) {
    if (width > 0 || height > 0) {
      throw Error(ErrorCode::bad_parameter, "resize: give either scale or width and height, not both.");
    }
    return {sized(w * scale), sized(h * scale)};
  }
  if (width == 0 && height == 0) {
    throw Error(ErrorCode::bad_parameter, "resize: give width, height or both, or scale.");
  }
  if (width > 0 && height > 0 && !fit) {
    return {width, height};
  }
  const double by_width = width > 0 ? width / w : height / h;
  const double by_height = height > 0 ? height / h : by_width;
  const double factor = std::min(by_width, by_height);
  return {sized(w * factor), sized(h * factor)};
}

Rect Resize::needs(const Rect& out, Extent in) const {
  const Extent whole = result_extent(in);
  const auto reach = [this](std::int64_t begin, std::int64_t count, std::int64_t from,
                            std::int64_t to) -> Interval {
    const ResampleTaps first = resample_taps(method, begin, from, to);
    const ResampleTaps last = resample_taps(method, begin + count - 1, from, to);
    return {std::clamp<std::int64_t>(first.first, 0, from - 1),
            std::clamp<std::int64_t>(last.first + static_cast<std::int64_t>(last.weights.size()), 1, from)};
  };
  return Rect::from(reach(out.x, out.width, in.width, whole.width),
                    reach(out.y, out.height, in.height, whole.height));
}

void Resize::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  const Extent whole = result_extent(region.image.extent);
  if (in.depth() == CV_8U) {
    resample<std::uint8_t>(in, out, region, method, whole);
  } else {
    resample<std::uint16_t>(in, out, region, method, whole);
  }
}

}  // namespace tessera
