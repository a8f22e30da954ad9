// SPDX-License-Identifier: Apache-2.0
#include "ops/features/harris.hpp"

#include <algorithm>

#include "image/image.hpp"
#include "ops/alpha/opaque.hpp"
#include "ops/features/paint.hpp"

namespace tessera {
namespace {

bool is_local_maximum(const cv::Mat& response, const cv::Rect& inside, int y, int x) {
  const double here = response.at<double>(y, x);
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      if ((dy == 0 && dx == 0) || !inside.contains({x + dx, y + dy})) {
        continue;
      }
      const double other = response.at<double>(y + dy, x + dx);
      const bool earlier = dy < 0 || (dy == 0 && dx < 0);
      if (earlier ? other >= here : other > here) {
        return false;
      }
    }
  }
  return true;
}

void draw_circle(cv::Mat& rgb, const cv::Point& center, const HarrisMarking& marking) {
  const int radius = marking.radius_px;
  for (int dy = -radius; dy <= radius; ++dy) {
    for (int dx = -radius; dx <= radius; ++dx) {
      const cv::Point at(center.x + dx, center.y + dy);
      if (std::abs(dx * dx + dy * dy - radius * radius) <= radius && at.x >= 0 && at.y >= 0 &&
          at.x < rgb.cols && at.y < rgb.rows) {
        paint_pixel(rgb, at.y, at.x, marking.color);
      }
    }
  }
}

}  // namespace

void Harris::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  const int reach = window().reach_px();
  const cv::Rect counted(static_cast<int>(region.out.x - region.in.x) - reach,
                         static_cast<int>(region.out.y - region.in.y) - reach,
                         static_cast<int>(region.out.width), static_cast<int>(region.out.height));
  const cv::Mat response = harris_response(tile, window())(counted);
  for (int y = 0; y < response.rows; ++y) {
    const auto* row = response.ptr<double>(y);
    if (region.transparency == nullptr) {
      slots[0] = std::max(slots[0], ordered_bits(*std::max_element(row, row + response.cols)));
      continue;
    }
    for (int x = 0; x < response.cols; ++x) {
      if (!is_transparent(*region.transparency, y + counted.y + reach, x + counted.x + reach)) {
        slots[0] = std::max(slots[0], ordered_bits(row[x]));
      }
    }
  }
}

HarrisMarks Harris::finish(std::span<const std::uint64_t> slots, const ImageInfo&) const {
  HarrisMarks marks;
  marks.border = border;
  marks.border_value = border_value;
  marks.marking = {window(), radius, color};
  marks.threshold = std::max(0.0, quality * from_ordered_bits(slots[0]));
  return marks;
}

void HarrisMarks::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  copy_as_rgb(in, out);
  const int reach = marking.window.reach_px();
  const cv::Mat response = harris_response(in, marking.window);
  const Rect covered{region.in.x + reach, region.in.y + reach, response.cols, response.rows};
  const Rect in_image = covered.intersect(Rect::whole(region.image.extent));
  const cv::Rect inside(static_cast<int>(in_image.x - covered.x), static_cast<int>(in_image.y - covered.y),
                        static_cast<int>(in_image.width), static_cast<int>(in_image.height));
  // Every corner whose circle touches region.out; the row and column around them are only compared with.
  const Rect searched = Halo::all(marking.radius_px).grow(region.out).intersect(in_image);
  for (std::int64_t image_y = searched.y; image_y < searched.y + searched.height; ++image_y) {
    const int y = static_cast<int>(image_y - covered.y);
    const auto* row = response.ptr<double>(y);
    for (std::int64_t image_x = searched.x; image_x < searched.x + searched.width; ++image_x) {
      const int x = static_cast<int>(image_x - covered.x);
      if (row[x] <= threshold || !is_local_maximum(response, inside, y, x)) {
        continue;
      }
      if (region.transparency != nullptr && is_transparent(*region.transparency, y + reach, x + reach)) {
        continue;
      }
      draw_circle(out, {x + reach, y + reach}, marking);
      if (region.findings != nullptr && region.out.contains({image_x, image_y, 1, 1})) {
        region.findings->insert(region.findings->end(),
                                {static_cast<double>(image_x), static_cast<double>(image_y), row[x]});
      }
    }
  }
}

}  // namespace tessera
