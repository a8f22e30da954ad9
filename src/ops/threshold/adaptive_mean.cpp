// SPDX-License-Identifier: Apache-2.0
#include "ops/threshold/adaptive_mean.hpp"

#include <limits>
#include <vector>

namespace tessera {
namespace {

template <class T, class Change>
void change_columns(std::vector<std::uint32_t>& columns, const cv::Mat& in, int y, const Change& change) {
  const T* row = in.ptr<T>(y);
  for (int x = 0; x < in.cols; ++x) {
    change(columns[static_cast<std::size_t>(x)], row[x]);
  }
}

/// Sums are integers, so running ones are exact wherever they begin.
template <class T>
void binarize(const cv::Mat& in, cv::Mat& out, int block, int offset) {
  const int radius = block / 2;
  const std::int64_t area = std::int64_t{block} * block;
  const auto add = [](std::uint32_t& sum, T level) { sum += level; };
  const auto subtract = [](std::uint32_t& sum, T level) { sum -= level; };
  std::vector<std::uint32_t> columns(static_cast<std::size_t>(in.cols), 0);
  for (int y = 0; y < block - 1; ++y) {
    change_columns<T>(columns, in, y, add);
  }
  for (int y = radius; y < in.rows - radius; ++y) {
    change_columns<T>(columns, in, y + radius, add);
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    std::int64_t sum = 0;
    for (int x = 0; x < block - 1; ++x) {
      sum += columns[static_cast<std::size_t>(x)];
    }
    for (int x = radius; x < in.cols - radius; ++x) {
      sum += columns[static_cast<std::size_t>(x + radius)];
      // round(sum / area) < in + offset, without the division; area is odd, so there are no ties.
      const std::int64_t limit = from[x] + offset;
      to[x] = 2 * sum < area * (2 * limit - 1) ? std::numeric_limits<T>::max() : T{0};
      sum -= columns[static_cast<std::size_t>(x - radius)];
    }
    change_columns<T>(columns, in, y - radius, subtract);
  }
}

}  // namespace

void AdaptiveMean::run(const cv::Mat& in, cv::Mat& out) const {
  in.depth() == CV_8U ? binarize<std::uint8_t>(in, out, block_size_px, offset(in))
                      : binarize<std::uint16_t>(in, out, block_size_px, offset(in));
}

}  // namespace tessera
