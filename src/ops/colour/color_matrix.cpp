// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/color_matrix.hpp"

#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>

namespace tessera {
namespace {

using FloatMatrix = std::array<float, 9>;

/// The three sums of one pixel. Scalars and vectors must add in the same order.
template <class Real>
std::array<Real, 3> product(const std::array<Real, 9>& m, const Real& r, const Real& g, const Real& b) {
  return {m[0] * r + m[1] * g + m[2] * b, m[3] * r + m[4] * g + m[5] * b, m[6] * r + m[7] * g + m[8] * b};
}

using VectorMatrix = std::array<cv::v_float32x4, 9>;

std::array<cv::v_uint16x8, 3> transform_vectors(const VectorMatrix& m,
                                                const std::array<cv::v_uint16x8, 3>& in) {
  std::array<cv::v_float32x4, 3> low;
  std::array<cv::v_float32x4, 3> high;
  for (std::size_t i = 0; i < 3; ++i) {
    cv::v_uint32x4 first;
    cv::v_uint32x4 second;
    cv::v_expand(in[i], first, second);
    low[i] = cv::v_cvt_f32(cv::v_reinterpret_as_s32(first));
    high[i] = cv::v_cvt_f32(cv::v_reinterpret_as_s32(second));
  }
  const auto first = product(m, low[0], low[1], low[2]);
  const auto second = product(m, high[0], high[1], high[2]);
  std::array<cv::v_uint16x8, 3> out;
  for (std::size_t i = 0; i < 3; ++i) {
    out[i] = cv::v_pack_u(cv::v_round(first[i]), cv::v_round(second[i]));
  }
  return out;
}

/// Loads whole vectors of R, G and B from pixels of one or three channels.
template <class Vector, class T>
std::array<Vector, 3> load(const T* from, int channels) {
  std::array<Vector, 3> in;
  if (channels == 3) {
    cv::v_load_deinterleave(from, in[0], in[1], in[2]);
  } else {
    in.fill(cv::v_load(from));
  }
  return in;
}

/// Transforms as many pixels of a row as fill whole vectors; says how many.
int transform_row(const VectorMatrix& m, const std::uint16_t* from, int channels, std::uint16_t* to,
                  int width) {
  int x = 0;
  for (; x + 8 <= width; x += 8) {
    const auto out = transform_vectors(m, load<cv::v_uint16x8>(from + channels * x, channels));
    cv::v_store_interleave(to + 3 * x, out[0], out[1], out[2]);
  }
  return x;
}

int transform_row(const VectorMatrix& m, const std::uint8_t* from, int channels, std::uint8_t* to,
                  int width) {
  int x = 0;
  for (; x + 16 <= width; x += 16) {
    const auto in = load<cv::v_uint8x16>(from + channels * x, channels);
    std::array<cv::v_uint16x8, 3> low;
    std::array<cv::v_uint16x8, 3> high;
    for (std::size_t i = 0; i < 3; ++i) {
      cv::v_expand(in[i], low[i], high[i]);
    }
    low = transform_vectors(m, low);
    high = transform_vectors(m, high);
    cv::v_store_interleave(to + 3 * x, cv::v_pack(low[0], high[0]), cv::v_pack(low[1], high[1]),
                           cv::v_pack(low[2], high[2]));
  }
  return x;
}

template <class T>
void transform(const FloatMatrix& m, const cv::Mat& in, cv::Mat& out) {
  VectorMatrix vectors;
  for (std::size_t i = 0; i < m.size(); ++i) {
    vectors[i] = cv::v_setall_f32(m[i]);
  }
  const int channels = in.channels();
  for (int y = 0; y < in.rows; ++y) {
    const T* from = in.ptr<T>(y);
    T* to = out.ptr<T>(y);
    for (int x = transform_row(vectors, from, channels, to, in.cols); x < in.cols; ++x) {
      const T* pixel = from + channels * x;
      const auto result =
          product<float>(m, pixel[0], pixel[channels == 3 ? 1 : 0], pixel[channels == 3 ? 2 : 0]);
      for (int channel = 0; channel < 3; ++channel) {
        to[3 * x + channel] = cv::saturate_cast<T>(result[static_cast<std::size_t>(channel)]);
      }
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
