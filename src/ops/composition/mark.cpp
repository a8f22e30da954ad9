// SPDX-License-Identifier: Apache-2.0
#include "ops/composition/mark.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace tessera {
namespace {

constexpr std::uint32_t opaque = 65535;

template <class T>
void blend_row(T* out, const std::uint16_t* alpha, const std::uint32_t* product, std::int64_t pixels,
               int channels) {
  for (std::int64_t x = 0; x < pixels; ++x) {
    const std::uint32_t rest = opaque - alpha[x];
    for (int c = 0; c < channels; ++c) {
      const std::int64_t i = x * channels + c;
      out[i] = static_cast<T>((out[i] * rest + product[i] + opaque / 2) / opaque);
    }
  }
}

/// Where a mark of `size` begins on a side of `length`: at its beginning, middle or end.
std::int64_t begin_at(int place, std::int64_t length, std::int64_t size, std::int64_t margin) {
  switch (place) {
    case 0:
      return margin;
    case 1:
      return (length - size) / 2;
    default:
      return length - size - margin;
  }
}

}  // namespace

MarkPicture mark_from_image(const Tile& image) {
  const double scale = image.color.depth() == CV_8U ? 1.0 / 255 : 1.0 / 65535;
  cv::Mat color;
  image.color.convertTo(color, CV_32F, scale);
  if (color.channels() == 1) {
    cv::cvtColor(color, color, cv::COLOR_GRAY2RGB);
  }
  MarkPicture mark;
  if (image.alpha.empty()) {
    mark.alpha = cv::Mat(color.size(), CV_32FC1, cv::Scalar(1));
    mark.premultiplied = color;
    return mark;
  }
  image.alpha.convertTo(mark.alpha, CV_32F, scale);
  cv::Mat alpha_of_channels;
  cv::cvtColor(mark.alpha, alpha_of_channels, cv::COLOR_GRAY2RGB);
  cv::multiply(color, alpha_of_channels, mark.premultiplied);
  return mark;
}

MarkPicture resized_mark(const MarkPicture& mark, int width_px, int height_px) {
  const cv::Size size(width_px, height_px);
  const int method = width_px < mark.alpha.cols ? cv::INTER_AREA : cv::INTER_LINEAR;
  MarkPicture result;
  cv::resize(mark.premultiplied, result.premultiplied, size, 0, 0, method);
  cv::resize(mark.alpha, result.alpha, size, 0, 0, method);
  return result;
}

PlacedMark::PlacedMark(const MarkPicture& mark, double opacity, MarkPosition position, int margin_px,
                       const ImageInfo& picture) {
  const int channels = picture.format.channels;
  const double full = picture.format.max_value();
  alpha_.create(mark.alpha.size(), CV_16UC1);
  product_.create(mark.alpha.size(), CV_MAKETYPE(CV_32S, channels));
  for (int y = 0; y < alpha_.rows; ++y) {
    for (int x = 0; x < alpha_.cols; ++x) {
      const double cover = std::clamp(static_cast<double>(mark.alpha.at<float>(y, x)), 0.0, 1.0);
      const double a = std::round(cover * opacity * opaque);
      alpha_.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(a);
      const auto& rgb = mark.premultiplied.at<cv::Vec3f>(y, x);
      const double gray = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
      for (int c = 0; c < channels; ++c) {
        // No more than alpha allows, so that blending cannot overflow.
        const double level = std::clamp(channels == 1 ? gray : static_cast<double>(rgb[c]), 0.0, cover) *
                             opacity * full * opaque;
        product_.ptr<std::uint32_t>(y)[x * channels + c] =
            static_cast<std::uint32_t>(std::round(std::min(level, a * full)));
      }
    }
  }
  const Extent extent = picture.extent;
  if (position == MarkPosition::tile) {
    left_ = margin_px;
    top_ = margin_px;
    step_x_ = alpha_.cols + 2 * std::max(1, margin_px);
    step_y_ = alpha_.rows + 2 * std::max(1, margin_px);
    return;
  }
  const int place = static_cast<int>(position);
  left_ = begin_at(place % 3, extent.width, alpha_.cols, margin_px);
  top_ = begin_at(place / 3, extent.height, alpha_.rows, margin_px);
}

void PlacedMark::blend(cv::Mat& out, const Region& region, std::int64_t left, std::int64_t top) const {
  const std::int64_t x_begin = std::max(left, region.out.x);
  const std::int64_t x_end = std::min(left + alpha_.cols, region.out.x + region.out.width);
  const std::int64_t y_begin = std::max(top, region.out.y);
  const std::int64_t y_end = std::min(top + alpha_.rows, region.out.y + region.out.height);
  const int channels = out.channels();
  for (std::int64_t y = y_begin; y < y_end && x_begin < x_end; ++y) {
    const auto* const alpha = alpha_.ptr<std::uint16_t>(static_cast<int>(y - top)) + (x_begin - left);
    const auto* const product =
        product_.ptr<std::uint32_t>(static_cast<int>(y - top)) + (x_begin - left) * channels;
    const int row = static_cast<int>(y - region.out.y);
    const std::int64_t column = (x_begin - region.out.x) * channels;
    if (out.depth() == CV_8U) {
      blend_row(out.ptr<std::uint8_t>(row) + column, alpha, product, x_end - x_begin, channels);
    } else {
      blend_row(out.ptr<std::uint16_t>(row) + column, alpha, product, x_end - x_begin, channels);
    }
  }
}

void PlacedMark::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.data != out.data) {
    in.copyTo(out);
  }
  if (step_x_ == 0) {
    blend(out, region, left_, top_);
    return;
  }
  // The first row and column of marks that may reach into this region.
  const auto first = [](std::int64_t begin, std::int64_t start, std::int64_t step) {
    return std::max<std::int64_t>(0, (begin - start) / step - 1);
  };
  for (std::int64_t j = first(region.out.y, top_, step_y_);
       top_ + j * step_y_ < region.out.y + region.out.height; ++j) {
    for (std::int64_t i = first(region.out.x, left_, step_x_);
         left_ + i * step_x_ < region.out.x + region.out.width; ++i) {
      blend(out, region, left_ + i * step_x_, top_ + j * step_y_);
    }
  }
}

}  // namespace tessera
