// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/non_local_means_avx2.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <opencv2/core/utility.hpp>
#include <vector>

#include "base/stop.hpp"

#ifdef __x86_64__

#include <immintrin.h>

namespace tessera {
namespace {

constexpr int lanes = 8;
constexpr int max_pixels = 256;
/// Of a run's column sums, for all places of the search window: they are read and written once a row, and
/// stay in the second-level cache.
constexpr std::size_t column_sums_bytes = 384 << 10;

int padded(int count) { return (count + lanes - 1) / lanes * lanes; }

/// What a mean squared distance weighs, in fixed point; as OpenCV computes it. `weights` ends with a 0 that
/// stands for all greater distances. The distance is the sum over the template shifted right, hence "almost"
/// the mean.
struct WeightTable {
  int shift = 0;
  std::vector<int> weights;
};

WeightTable make_weights(const NonLocalMeans& op, int channels) {
  const int template_size = 2 * op.template_radius + 1;
  const int search_size = 2 * op.search_radius + 1;
  const int template_pixels = template_size * template_size;
  WeightTable table;
  while (1 << table.shift < template_pixels) {
    ++table.shift;
  }
  const double to_mean = static_cast<double>(1 << table.shift) / template_pixels;
  const int one = std::numeric_limits<int>::max() / (search_size * search_size * 255);
  const int distances = static_cast<int>(255 * 255 * channels / to_mean + 1);
  const auto strength = static_cast<float>(op.strength);
  for (int i = 0; i < distances; ++i) {
    const double closeness = std::exp(-(i * to_mean) / (strength * strength * static_cast<float>(channels)));
    const int weight = cvRound(one * closeness);
    // Weights only fall.
    if (weight < 0.001 * one) {
      break;
    }
    table.weights.push_back(weight);
  }
  table.weights.push_back(0);
  return table;
}

/// A run of pixels of all rows, widened to one 32-bit element a pixel: two 16-bit halves for the first two
/// channels, and a second plane for the third.
template <int channels>
class Planes {
 public:
  static constexpr int count = (channels + 1) / 2;

  Planes(int rows, int stride) : stride_(static_cast<std::size_t>(stride)) {
    for (auto& plane : planes_) {
      plane.assign(static_cast<std::size_t>(rows) * stride_, 0);
    }
  }

  void load(const cv::Mat& in, int first_column, int columns) {
    for (int y = 0; y < in.rows; ++y) {
      const std::uint8_t* pixel = in.ptr(y) + first_column * channels;
      const std::size_t at = static_cast<std::size_t>(y) * stride_;
      for (int x = 0; x < columns; ++x, pixel += channels) {
        if constexpr (channels == 1) {
          planes_[0][at + static_cast<std::size_t>(x)] = pixel[0];
        } else {
          planes_[0][at + static_cast<std::size_t>(x)] = pixel[0] | pixel[1] << 16;
          planes_[1][at + static_cast<std::size_t>(x)] = pixel[2];
        }
      }
    }
  }

  [[nodiscard]] const int* at(int plane, int y, int x) const {
    return planes_[plane].data() + static_cast<std::size_t>(y) * stride_ + static_cast<std::size_t>(x);
  }

 private:
  std::size_t stride_;
  std::vector<int> planes_[count];
};

[[gnu::target("avx2")]] inline __m256i load8(const int* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
[[gnu::target("avx2")]] inline void store8(int* to, __m256i value) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}
[[gnu::target("avx2")]] inline void add8(int* to, __m256i value) {
  store8(to, _mm256_add_epi32(load8(to), value));
}

/// One row of pixels (`here`) and what it is compared with (`there`), from their first column on.
template <int channels>
struct RowPair {
  const int* here[Planes<channels>::count];
  const int* there[Planes<channels>::count];

  RowPair(const Planes<channels>& planes, int y, int x, int dy, int dx) {
    for (int plane = 0; plane < Planes<channels>::count; ++plane) {
      here[plane] = planes.at(plane, y, x);
      there[plane] = planes.at(plane, y + dy, x + dx);
    }
  }

  /// Squared differences of eight pixels, summed over the channels.
  [[gnu::target("avx2")]] inline __m256i distances(int x) const {
    __m256i sum = _mm256_setzero_si256();
    for (int plane = 0; plane < Planes<channels>::count; ++plane) {
      const __m256i difference = _mm256_sub_epi16(load8(here[plane] + x), load8(there[plane] + x));
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(difference, difference));
    }
    return sum;
  }
};

/// Works on one run of pixels, row after row.
template <int channels>
class RunOfPixels {
 public:
  RunOfPixels(const NonLocalMeans& op, const WeightTable& table, int rows, int pixels)
      : search_(op.search_radius),
        template_(op.template_radius),
        halo_(search_ + template_),
        pixels_(padded(pixels)),
        columns_(padded(pixels_ + 2 * template_)),
        table_(table),
        planes_(rows, columns_ + 2 * search_),
        column_sums_(static_cast<std::size_t>((2 * search_ + 1) * (2 * search_ + 1) * columns_)),
        sums_(static_cast<std::size_t>((channels + 1) * pixels_)) {}

  /// Fills `out` in columns first..first + count, which lie halo inside `in`.
  void denoise(const cv::Mat& in, cv::Mat& out, int first, int count, const std::stop_token& stop) {
    planes_.load(in, first - halo_, count + 2 * halo_);
    for (int y = halo_; y < in.rows - halo_; ++y) {
      throw_if_stopped(stop);
      std::fill(sums_.begin(), sums_.end(), 0);
      int* column_sums = column_sums_.data();
      for (int dy = -search_; dy <= search_; ++dy) {
        for (int dx = -search_; dx <= search_; ++dx, column_sums += columns_) {
          if (y == halo_) {
            begin_columns(y, dy, dx, column_sums);
          } else {
            move_columns(y, dy, dx, column_sums);
          }
          add_place(y, dy, dx, column_sums);
        }
      }
      finish_row(out.ptr(y) + first * channels, count);
    }
  }

 private:
  /// Distances summed over the template's rows around `y`, column by column.
  [[gnu::target("avx2")]] void begin_columns(int y, int dy, int dx, int* column_sums) const {
    std::fill_n(column_sums, columns_, 0);
    for (int row = y - template_; row <= y + template_; ++row) {
      const RowPair<channels> pair(planes_, row, search_, dy, dx);
      for (int x = 0; x < columns_; x += lanes) {
        add8(column_sums + x, pair.distances(x));
      }
    }
  }

  /// The same from those around y - 1.
  [[gnu::target("avx2")]] void move_columns(int y, int dy, int dx, int* column_sums) const {
    const RowPair<channels> gone(planes_, y - template_ - 1, search_, dy, dx);
    const RowPair<channels> come(planes_, y + template_, search_, dy, dx);
    for (int x = 0; x < columns_; x += lanes) {
      add8(column_sums + x, _mm256_sub_epi32(come.distances(x), gone.distances(x)));
    }
  }

  /// Adds the pixels at one place of the search window, by their weights.
  [[gnu::target("avx2")]] void add_place(int y, int dy, int dx, const int* column_sums) {
    const __m256i last = _mm256_set1_epi32(static_cast<int>(table_.weights.size()) - 1);
    const __m128i shift = _mm_cvtsi32_si128(table_.shift);
    const int* weights = table_.weights.data();
    const int width = 2 * template_;
    const int* first = planes_.at(0, y + dy, halo_ + dx);
    const int* second = planes_.at(channels / 2, y + dy, halo_ + dx);
    int* sums = sums_.data();
    for (int x = 0; x < pixels_; x += lanes, sums += (channels + 1) * lanes) {
      __m256i distance = load8(column_sums + x);
      for (int i = 1; i <= width; ++i) {
        distance = _mm256_add_epi32(distance, load8(column_sums + x + i));
      }
      const __m256i index = _mm256_min_epi32(_mm256_srl_epi32(distance, shift), last);
      const __m256i far = _mm256_cmpeq_epi32(index, last);
      if (_mm256_movemask_epi8(far) == -1) {
        continue;
      }
      const __m256i weight = _mm256_i32gather_epi32(weights, index, sizeof(int));
      add8(sums, weight);
      const __m256i pixel = load8(first + x);
      if constexpr (channels == 1) {
        add8(sums + lanes, _mm256_mullo_epi32(weight, pixel));
      } else {
        const __m256i low = _mm256_and_si256(pixel, _mm256_set1_epi32(0xffff));
        add8(sums + lanes, _mm256_mullo_epi32(weight, low));
        add8(sums + 2 * lanes, _mm256_mullo_epi32(weight, _mm256_srli_epi32(pixel, 16)));
        add8(sums + 3 * lanes, _mm256_mullo_epi32(weight, load8(second + x)));
      }
    }
  }

  void finish_row(std::uint8_t* out, int count) const {
    for (int x = 0; x < count; ++x) {
      const int* sums = sums_.data() + x / lanes * (channels + 1) * lanes + x % lanes;
      const auto weights = static_cast<unsigned>(sums[0]);
      for (int c = 0; c < channels; ++c) {
        const auto sum = static_cast<unsigned>(sums[(c + 1) * lanes]);
        out[x * channels + c] = static_cast<std::uint8_t>((sum + weights / 2) / weights);
      }
    }
  }

  int search_;
  int template_;
  int halo_;
  int pixels_;   ///< of the run, and some behind it that are not kept
  int columns_;  ///< of sums: half a template more on both sides
  const WeightTable& table_;
  Planes<channels> planes_;
  /// For each place of the search window in turn.
  std::vector<int> column_sums_;
  /// For eight pixels at a time: sums of weights, then of weighted channels.
  std::vector<int> sums_;
};

template <int channels>
void denoise(const cv::Mat& in, cv::Mat& out, const NonLocalMeans& op, const std::stop_token& stop) {
  const int halo = op.search_radius + op.template_radius;
  const int end = in.cols - halo;
  const int places = (2 * op.search_radius + 1) * (2 * op.search_radius + 1);
  const int for_cache = static_cast<int>(column_sums_bytes / sizeof(int)) / places - 2 * op.template_radius;
  const int pixels = std::clamp(for_cache / lanes * lanes, 8 * lanes, max_pixels);
  const WeightTable table = make_weights(op, channels);
  RunOfPixels<channels> run(op, table, in.rows, std::min(pixels, end - halo));
  for (int x = halo; x < end; x += pixels) {
    run.denoise(in, out, x, std::min(pixels, end - x), stop);
  }
}

}  // namespace

bool has_avx2() { return cv::checkHardwareSupport(CV_CPU_AVX2); }

void non_local_means_avx2(const cv::Mat& in, cv::Mat& out, const NonLocalMeans& op,
                          const std::stop_token& stop) {
  if (in.channels() == 1) {
    denoise<1>(in, out, op, stop);
  } else {
    denoise<3>(in, out, op, stop);
  }
}

}  // namespace tessera

#else

namespace tessera {

bool has_avx2() { return false; }
void non_local_means_avx2(const cv::Mat&, cv::Mat&, const NonLocalMeans&, const std::stop_token&) {}

}  // namespace tessera

#endif
