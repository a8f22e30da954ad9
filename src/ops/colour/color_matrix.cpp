#include "ops/colour/color_matrix.hpp"

#include <opencv2/core.hpp>

namespace tessera {
namespace {

using FloatMatrix = std::array<float, 9>;

template <class T>
void transform(const FloatMatrix& m, const cv::Mat& in, cv::Mat& out) {
  const int step = in.channels();
  const int green = step == 3 ? 1 : 0;
  const int blue = step == 3 ? 2 : 0;
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = 0; x < in.cols; ++x, from += step, to += 3) {
      const auto r = static_cast<float>(from[0]);
      const auto g = static_cast<float>(from[green]);
      const auto b = static_cast<float>(from[blue]);
      to[0] = cv::saturate_cast<T>(m[0] * r + m[1] * g + m[2] * b);
      to[1] = cv::saturate_cast<T>(m[3] * r + m[4] * g + m[5] * b);
      to[2] = cv::saturate_cast<T>(m[6] * r + m[7] * g + m[8] * b);
    }
  }
}

}  // namespace

void apply_color_matrix(const ColorMatrix& matrix, const cv::Mat& in, cv::Mat& out) {
  FloatMatrix m{};
  for (std::size_t i = 0; i < m.size(); ++i) {
    m[i] = static_cast<float>(matrix[i]);
  }
  in.depth() == CV_8U ? transform<std::uint8_t>(m, in, out) : transform<std::uint16_t>(m, in, out);
}

}  // namespace tessera
