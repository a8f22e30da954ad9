// SPDX-License-Identifier: Apache-2.0
#include "ops/frequency/lane_fourier.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core/utility.hpp>
#include <stdexcept>
#include <string>

namespace tessera {
namespace {

// Kernels are inlined wherever they are called, and so take on the instruction set of their caller.

[[gnu::always_inline]] inline void multiply(LaneComplex& value, float re, float im) {
  const Lanes real = value.re * re - value.im * im;
  value.im = value.re * im + value.im * re;
  value.re = real;
}

/// sum -+ i turned: the two outputs of a butterfly that mirror each other.
template <bool is_forward>
[[gnu::always_inline]] inline void mirrored_pair(const LaneComplex& sum, const LaneComplex& turned,
                                                 LaneComplex& first, LaneComplex& second) {
  LaneComplex& clockwise = is_forward ? first : second;
  LaneComplex& counterclockwise = is_forward ? second : first;
  clockwise = {sum.re + turned.im, sum.im - turned.re};
  counterclockwise = {sum.re - turned.im, sum.im + turned.re};
}

template <bool is_forward>
[[gnu::always_inline]] inline void butterfly(LaneComplex (&a)[2]) {
  const LaneComplex sum{a[0].re + a[1].re, a[0].im + a[1].im};
  a[1] = {a[0].re - a[1].re, a[0].im - a[1].im};
  a[0] = sum;
}

template <bool is_forward>
[[gnu::always_inline]] inline void butterfly(LaneComplex (&a)[3]) {
  constexpr float sine = 0.866025403784438647F;
  const LaneComplex sum{a[1].re + a[2].re, a[1].im + a[2].im};
  const LaneComplex turned{(a[1].re - a[2].re) * sine, (a[1].im - a[2].im) * sine};
  const LaneComplex middle{a[0].re - sum.re * 0.5F, a[0].im - sum.im * 0.5F};
  a[0] = {a[0].re + sum.re, a[0].im + sum.im};
  mirrored_pair<is_forward>(middle, turned, a[1], a[2]);
}

template <bool is_forward>
[[gnu::always_inline]] inline void butterfly(LaneComplex (&a)[4]) {
  const LaneComplex even_sum{a[0].re + a[2].re, a[0].im + a[2].im};
  const LaneComplex even_difference{a[0].re - a[2].re, a[0].im - a[2].im};
  const LaneComplex odd_sum{a[1].re + a[3].re, a[1].im + a[3].im};
  const LaneComplex odd_difference{a[1].re - a[3].re, a[1].im - a[3].im};
  a[0] = {even_sum.re + odd_sum.re, even_sum.im + odd_sum.im};
  a[2] = {even_sum.re - odd_sum.re, even_sum.im - odd_sum.im};
  mirrored_pair<is_forward>(even_difference, odd_difference, a[1], a[3]);
}

template <bool is_forward>
[[gnu::always_inline]] inline void butterfly(LaneComplex (&a)[5]) {
  constexpr float cosine1 = 0.309016994374947424F;
  constexpr float cosine2 = -0.809016994374947424F;
  constexpr float sine1 = 0.951056516295153572F;
  constexpr float sine2 = 0.587785252292473129F;
  const LaneComplex sum1{a[1].re + a[4].re, a[1].im + a[4].im};
  const LaneComplex sum2{a[2].re + a[3].re, a[2].im + a[3].im};
  const LaneComplex difference1{a[1].re - a[4].re, a[1].im - a[4].im};
  const LaneComplex difference2{a[2].re - a[3].re, a[2].im - a[3].im};
  const LaneComplex middle1{a[0].re + sum1.re * cosine1 + sum2.re * cosine2,
                            a[0].im + sum1.im * cosine1 + sum2.im * cosine2};
  const LaneComplex middle2{a[0].re + sum1.re * cosine2 + sum2.re * cosine1,
                            a[0].im + sum1.im * cosine2 + sum2.im * cosine1};
  const LaneComplex turned1{difference1.re * sine1 + difference2.re * sine2,
                            difference1.im * sine1 + difference2.im * sine2};
  const LaneComplex turned2{difference1.re * sine2 - difference2.re * sine1,
                            difference1.im * sine2 - difference2.im * sine1};
  a[0] = {a[0].re + sum1.re + sum2.re, a[0].im + sum1.im + sum2.im};
  mirrored_pair<is_forward>(middle1, turned1, a[1], a[4]);
  mirrored_pair<is_forward>(middle2, turned2, a[2], a[3]);
}

template <bool is_forward, int radix>
[[gnu::always_inline]] inline void run_stage(const LaneFourier::Stage& stage,
                                             const std::complex<float>* twiddles, const LaneComplex* from,
                                             LaneComplex* to) {
  const std::int64_t repeats = stage.repeats;
  const std::int64_t input_step = repeats * stage.groups;
  for (std::int64_t group = 0; group < stage.groups; ++group, twiddles += radix - 1) {
    const LaneComplex* in = from + group * repeats;
    LaneComplex* out = to + group * repeats * radix;
    for (std::int64_t i = 0; i < repeats; ++i) {
      LaneComplex a[radix];
      for (int k = 0; k < radix; ++k) {
        a[k] = in[i + k * input_step];
      }
      butterfly<is_forward>(a);
      out[i] = a[0];
      for (int k = 1; k < radix; ++k) {
        const std::complex<float> twiddle = twiddles[k - 1];
        multiply(a[k], twiddle.real(), is_forward ? twiddle.imag() : -twiddle.imag());
        out[i + k * repeats] = a[k];
      }
    }
  }
}

/// The result is in `data` after an even number of stages, otherwise in `scratch`.
template <bool is_forward>
[[gnu::always_inline]] inline void run_stages(std::span<const LaneFourier::Stage> stages,
                                              const std::complex<float>* twiddles, LaneComplex* data,
                                              LaneComplex* scratch) {
  for (const LaneFourier::Stage& stage : stages) {
    const std::complex<float>* first = twiddles + stage.first_twiddle;
    switch (stage.radix) {
      case 2:
        run_stage<is_forward, 2>(stage, first, data, scratch);
        break;
      case 3:
        run_stage<is_forward, 3>(stage, first, data, scratch);
        break;
      case 4:
        run_stage<is_forward, 4>(stage, first, data, scratch);
        break;
      default:
        run_stage<is_forward, 5>(stage, first, data, scratch);
    }
    std::swap(data, scratch);
  }
}

/// Between the transform Z of pairs (even element, odd element), of length h, and the bins X of the real
/// sequence. With E and O the transforms of the even and the odd elements, Z = E + i O and
/// X[k] = E[k] + turn[k] O[k], X[h - k] = conj(E[k] - turn[k] O[k]).
[[gnu::always_inline]] inline void pairs_to_bins(LaneComplex* data, std::int64_t half,
                                                 const std::complex<float>* turns) {
  data[half] = data[0];
  for (std::int64_t k = 0; k <= half - k; ++k) {
    const LaneComplex low = data[k];
    const LaneComplex high = data[half - k];
    const LaneComplex even{(low.re + high.re) * 0.5F, (low.im - high.im) * 0.5F};
    LaneComplex odd{(low.im + high.im) * 0.5F, (high.re - low.re) * 0.5F};
    multiply(odd, turns[k].real(), turns[k].imag());
    data[half - k] = {even.re - odd.re, odd.im - even.im};
    data[k] = {even.re + odd.re, even.im + odd.im};
  }
}

/// Back again, times 2.
[[gnu::always_inline]] inline void bins_to_pairs(LaneComplex* data, std::int64_t half,
                                                 const std::complex<float>* turns) {
  for (std::int64_t k = 0; k <= half - k; ++k) {
    const LaneComplex low = data[k];
    const LaneComplex high = data[half - k];
    const LaneComplex even{low.re + high.re, low.im - high.im};
    LaneComplex odd{low.re - high.re, low.im + high.im};
    multiply(odd, turns[k].real(), -turns[k].imag());
    data[half - k] = {even.re + odd.im, odd.re - even.im};
    data[k] = {even.re - odd.im, even.im + odd.re};
  }
}

template <int a0, int a1, int a2, int a3, int a4, int a5, int a6, int a7>
[[gnu::always_inline]] inline void shuffle(const Lanes& first, const Lanes& second, Lanes& result) {
  result = __builtin_shufflevector(first, second, a0, a1, a2, a3, a4, a5, a6, a7);
}

/// In steps of 1, 2 and 4 lanes: each swaps the off-diagonal quarters of squares of twice that side.
[[gnu::always_inline]] inline void transpose_lanes(Lanes (&row)[lane_count]) {
  Lanes ones[lane_count];
  for (int i = 0; i < 8; i += 2) {
    shuffle<0, 8, 2, 10, 4, 12, 6, 14>(row[i], row[i + 1], ones[i]);
    shuffle<1, 9, 3, 11, 5, 13, 7, 15>(row[i], row[i + 1], ones[i + 1]);
  }
  Lanes twos[lane_count];
  for (const int i : {0, 1, 4, 5}) {
    shuffle<0, 1, 8, 9, 4, 5, 12, 13>(ones[i], ones[i + 2], twos[i]);
    shuffle<2, 3, 10, 11, 6, 7, 14, 15>(ones[i], ones[i + 2], twos[i + 2]);
  }
  for (int i = 0; i < 4; ++i) {
    shuffle<0, 1, 2, 3, 8, 9, 10, 11>(twos[i], twos[i + 4], row[i]);
    shuffle<4, 5, 6, 7, 12, 13, 14, 15>(twos[i], twos[i + 4], row[i + 4]);
  }
}

[[gnu::always_inline]] inline void transpose_square(LaneSquare& square) {
  Lanes re[lane_count];
  Lanes im[lane_count];
  for (int i = 0; i < lane_count; ++i) {
    re[i] = square[static_cast<std::size_t>(i)].re;
    im[i] = square[static_cast<std::size_t>(i)].im;
  }
  transpose_lanes(re);
  transpose_lanes(im);
  for (int i = 0; i < lane_count; ++i) {
    square[static_cast<std::size_t>(i)] = {re[i], im[i]};
  }
}

using Stages = std::span<const LaneFourier::Stage>;
using Complex = std::complex<float>;

/// The kernels for one instruction set. Without FMA, which would round differently.
struct Kernels {
  void (*forward)(Stages stages, const Complex* twiddles, LaneComplex* data, LaneComplex* scratch);
  void (*backward)(Stages stages, const Complex* twiddles, LaneComplex* data, LaneComplex* scratch);
  void (*to_bins)(LaneComplex* data, std::int64_t half, const Complex* turns);
  void (*to_pairs)(LaneComplex* data, std::int64_t half, const Complex* turns);
  void (*transpose)(LaneSquare& square);
};

void forward(Stages stages, const Complex* twiddles, LaneComplex* data, LaneComplex* scratch) {
  run_stages<true>(stages, twiddles, data, scratch);
}
void backward(Stages stages, const Complex* twiddles, LaneComplex* data, LaneComplex* scratch) {
  run_stages<false>(stages, twiddles, data, scratch);
}
void to_bins(LaneComplex* data, std::int64_t half, const Complex* turns) { pairs_to_bins(data, half, turns); }
void to_pairs(LaneComplex* data, std::int64_t half, const Complex* turns) {
  bins_to_pairs(data, half, turns);
}
void transpose_in_place(LaneSquare& square) { transpose_square(square); }

constexpr Kernels everywhere{forward, backward, to_bins, to_pairs, transpose_in_place};

#ifdef __x86_64__

[[gnu::target("avx2")]] void forward_avx2(Stages stages, const Complex* twiddles, LaneComplex* data,
                                          LaneComplex* scratch) {
  run_stages<true>(stages, twiddles, data, scratch);
}
[[gnu::target("avx2")]] void backward_avx2(Stages stages, const Complex* twiddles, LaneComplex* data,
                                           LaneComplex* scratch) {
  run_stages<false>(stages, twiddles, data, scratch);
}
[[gnu::target("avx2")]] void to_bins_avx2(LaneComplex* data, std::int64_t half, const Complex* turns) {
  pairs_to_bins(data, half, turns);
}
[[gnu::target("avx2")]] void to_pairs_avx2(LaneComplex* data, std::int64_t half, const Complex* turns) {
  bins_to_pairs(data, half, turns);
}
[[gnu::target("avx2")]] void transpose_avx2(LaneSquare& square) { transpose_square(square); }

constexpr Kernels with_avx2{forward_avx2, backward_avx2, to_bins_avx2, to_pairs_avx2, transpose_avx2};

const Kernels& kernels() {
  static const bool has_avx2 = cv::checkHardwareSupport(CV_CPU_AVX2);
  return has_avx2 ? with_avx2 : everywhere;
}

#else

const Kernels& kernels() { return everywhere; }

#endif

std::complex<float> unit(std::int64_t numerator, std::int64_t denominator) {
  const double angle =
      -2 * std::numbers::pi * static_cast<double>(numerator) / static_cast<double>(denominator);
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

std::vector<int> radices(std::int64_t size) {
  std::vector<int> result;
  std::int64_t rest = size;
  for (const int radix : {4, 2, 3, 5}) {
    for (; rest > 0 && rest % radix == 0; rest /= radix) {
      result.push_back(radix);
    }
  }
  if (rest != 1) {
    throw std::invalid_argument("A transform of " + std::to_string(size) +
                                " elements: the length must be a product of 2, 3 and 5.");
  }
  return result;
}

}  // namespace

LaneFourier::LaneFourier(std::int64_t size) : size_(size) {
  std::int64_t rest = size;
  std::int64_t repeats = 1;
  for (const int radix : radices(size)) {
    const std::int64_t groups = rest / radix;
    stages_.push_back({radix, groups, repeats, twiddles_.size()});
    for (std::int64_t group = 0; group < groups; ++group) {
      for (int k = 1; k < radix; ++k) {
        twiddles_.push_back(unit(group * k, rest));
      }
    }
    rest = groups;
    repeats *= radix;
  }
}

void LaneFourier::forward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const {
  kernels().forward(stages_, twiddles_.data(), data.data(), scratch.data());
  bring_back(data, scratch);
}

void LaneFourier::backward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const {
  kernels().backward(stages_, twiddles_.data(), data.data(), scratch.data());
  bring_back(data, scratch);
}

void LaneFourier::bring_back(std::span<LaneComplex> data, std::span<const LaneComplex> scratch) const {
  if (stages_.size() % 2 == 1) {
    std::copy_n(scratch.begin(), size_, data.begin());
  }
}

RealLaneFourier::RealLaneFourier(std::int64_t size) : size_(size), complex_(size % 2 == 0 ? size / 2 : size) {
  for (std::int64_t k = 0; even() && k <= size / 4; ++k) {
    turns_.push_back(unit(k, size));
  }
}

void RealLaneFourier::forward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const {
  complex_.forward(data, scratch);
  if (even()) {
    kernels().to_bins(data.data(), size_ / 2, turns_.data());
  }
}

void RealLaneFourier::backward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const {
  if (even()) {
    kernels().to_pairs(data.data(), size_ / 2, turns_.data());
  } else {
    for (std::int64_t k = 1; k < bins(); ++k) {
      const LaneComplex bin = data[static_cast<std::size_t>(k)];
      data[static_cast<std::size_t>(size_ - k)] = {bin.re, -bin.im};
    }
  }
  complex_.backward(data, scratch);
}

void transpose(LaneSquare& square) { kernels().transpose(square); }

}  // namespace tessera
