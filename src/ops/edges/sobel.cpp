// SPDX-License-Identifier: Apache-2.0
#include "ops/edges/sobel.hpp"

#include <opencv2/core/hal/intrin.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace tessera {
namespace {

/// Derivatives by OpenCV, whole planes of them.
void run_by_filters(const Sobel& op, const cv::Mat& in, cv::Mat& out) {
  // 5x5 on 8-bit reaches 48 * 255, which a short holds; 7x7 does not fit.
  const int depth = in.depth() == CV_16U ? CV_64F : op.size <= 5 ? CV_16S : CV_32F;
  cv::Mat gx;
  cv::Mat gy;
  if (op.direction != Direction::y) {
    cv::Sobel(in, gx, depth, 1, 0, op.size);
  }
  if (op.direction != Direction::x) {
    cv::Sobel(in, gy, depth, 0, 1, op.size);
  }
  store_gradient(gx, gy, op.direction, out);
}

#if CV_SIMD128

/// What the 3x3 kernels have in common down a column: the weighted sum and the difference of the rows.
void combine_rows(const std::uint8_t* above, const std::uint8_t* here, const std::uint8_t* below, int count,
                  std::int16_t* sum, std::int16_t* difference) {
  for (int i = 0; i < count; ++i) {
    sum[i] = static_cast<std::int16_t>(above[i] + 2 * here[i] + below[i]);
    difference[i] = static_cast<std::int16_t>(below[i] - above[i]);
  }
}

/// The rounded length of eight gradients. gx^2 + gy^2 is below 2^24, which floats hold exactly.
cv::v_uint16x8 lengths(const cv::v_int16x8& gx, const cv::v_int16x8& gy) {
  cv::v_int16x8 low;
  cv::v_int16x8 high;
  cv::v_zip(gx, gy, low, high);
  const cv::v_int32x4 first = cv::v_round(cv::v_sqrt(cv::v_cvt_f32(cv::v_dotprod(low, low))));
  const cv::v_int32x4 second = cv::v_round(cv::v_sqrt(cv::v_cvt_f32(cv::v_dotprod(high, high))));
  return cv::v_pack_u(first, second);
}

cv::v_uint16x8 lengths_at(const std::int16_t* sum, const std::int16_t* difference, int step) {
  const cv::v_int16x8 gx = cv::v_load(sum + step) - cv::v_load(sum - step);
  const cv::v_int16x8 middle = cv::v_load(difference);
  const cv::v_int16x8 gy = cv::v_load(difference - step) + cv::v_load(difference + step) + middle + middle;
  return lengths(gx, gy);
}

/// Both directions, 3x3, 8-bit, without planes in between: row by row, what is needed stays in the
/// first-level cache.
void run_in_one(const cv::Mat& in, cv::Mat& out) {
  constexpr int lanes = 16;
  const int step = in.channels();
  const int count = in.cols * step;
  // Vectors run over the end of the row, into what is not kept.
  const auto padded = static_cast<std::size_t>(count + 2 * lanes);
  std::vector<std::int16_t> sum(padded);
  std::vector<std::int16_t> difference(padded);
  std::vector<std::uint8_t> row(padded);
  for (int y = 1; y < in.rows - 1; ++y) {
    combine_rows(in.ptr(y - 1), in.ptr(y), in.ptr(y + 1), count, sum.data(), difference.data());
    for (int i = step; i < count - step; i += lanes) {
      const cv::v_uint16x8 first = lengths_at(sum.data() + i, difference.data() + i, step);
      const cv::v_uint16x8 second = lengths_at(sum.data() + i + 8, difference.data() + i + 8, step);
      cv::v_store(row.data() + i, cv::v_pack(first, second));
    }
    std::copy(row.begin() + step, row.begin() + count - step, out.ptr(y) + step);
  }
}

#endif

}  // namespace

void Sobel::run(const cv::Mat& in, cv::Mat& out) const {
#if CV_SIMD128
  if (size == 3 && direction == Direction::both && in.depth() == CV_8U) {
    run_in_one(in, out);
    return;
  }
#endif
  run_by_filters(*this, in, out);
}

}  // namespace tessera
