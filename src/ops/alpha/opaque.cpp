// SPDX-License-Identifier: Apache-2.0
#include "ops/alpha/opaque.hpp"

namespace tessera {
namespace {

template <class T>
bool row_is_opaque(const T* row, int count) {
  T common = static_cast<T>(~T{0});
  for (int x = 0; x < count; ++x) {
    common = static_cast<T>(common & row[x]);
  }
  return common == static_cast<T>(~T{0});
}

}  // namespace

bool is_opaque(const cv::Mat& alpha) {
  for (int y = 0; y < alpha.rows; ++y) {
    if (!(alpha.depth() == CV_8U ? row_is_opaque(alpha.ptr<std::uint8_t>(y), alpha.cols)
                                 : row_is_opaque(alpha.ptr<std::uint16_t>(y), alpha.cols))) {
      return false;
    }
  }
  return true;
}

}  // namespace tessera
