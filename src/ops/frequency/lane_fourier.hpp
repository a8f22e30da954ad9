// SPDX-License-Identifier: Apache-2.0
// Discrete Fourier transforms of eight sequences side by side, one in each lane of a vector.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace tessera {

constexpr std::int64_t lane_count = 8;

/// One float of each of the eight sequences.
using Lanes [[gnu::vector_size(32)]] = float;

struct alignas(32) LaneComplex {
  Lanes re;
  Lanes im;
};

/// Transforms of complex sequences of one length, whose only prime factors are 2, 3 and 5 (what
/// cv::getOptimalDFTSize gives). Not scaled: backward after forward multiplies by `size`. A lane's result
/// depends on that lane alone, and is the same to the bit with and without AVX2: products are never fused
/// with sums. Stockham's self-sorting algorithm with radices 4, 2, 3 and 5 (C. Van Loan, Computational
/// Frameworks for the Fast Fourier Transform, 1992, section 1.7). Const members may be called from several
/// threads.
class LaneFourier {
 public:
  /// Throws std::invalid_argument if size < 1 or has another prime factor.
  explicit LaneFourier(std::int64_t size);

  [[nodiscard]] std::int64_t size() const { return size_; }
  /// In place: data[k] becomes the sum over j of data[j] exp(-2 pi i j k / size). Both spans have `size`
  /// elements.
  void forward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const;
  /// As forward() with exp(+2 pi i j k / size).
  void backward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const;

  struct Stage {
    int radix = 0;
    std::int64_t groups = 0;   ///< butterflies that differ in their twiddle factors
    std::int64_t repeats = 0;  ///< butterflies, side by side, that share them
    std::size_t first_twiddle = 0;
  };

 private:
  /// The stages leave their result in the one or the other, by their number.
  void bring_back(std::span<LaneComplex> data, std::span<const LaneComplex> scratch) const;

  std::int64_t size_;
  std::vector<Stage> stages_;
  std::vector<std::complex<float>> twiddles_;  ///< radix - 1 for each group of each stage
};

/// Transforms of real sequences of one length, to and from the half of the spectrum that says all: bins 0 to
/// size/2. An even length takes half the work of a complex transform, an odd one all of it.
class RealLaneFourier {
 public:
  explicit RealLaneFourier(std::int64_t size);

  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::int64_t bins() const { return size_ / 2 + 1; }
  /// Elements that `data` and `scratch` must have.
  [[nodiscard]] std::int64_t buffer_size() const { return even() ? size_ / 2 + 1 : size_; }
  /// Where element x of the sequence is put before forward() and found after backward().
  [[nodiscard]] Lanes& element(std::span<LaneComplex> data, std::int64_t x) const {
    LaneComplex& pair = data[static_cast<std::size_t>(even() ? x / 2 : x)];
    return even() && x % 2 == 1 ? pair.im : pair.re;
  }
  /// Real elements to bins, in place. For an odd length, the imaginary parts must be 0.
  void forward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const;
  /// Bins to real elements times `size`, in place.
  void backward(std::span<LaneComplex> data, std::span<LaneComplex> scratch) const;

 private:
  [[nodiscard]] bool even() const { return size_ % 2 == 0; }

  std::int64_t size_;
  LaneFourier complex_;
  std::vector<std::complex<float>> turns_;  ///< exp(-2 pi i k / size), 0 <= k <= size/4, for an even length
};

using LaneSquare = std::array<LaneComplex, lane_count>;

/// Element a of lane b becomes element b of lane a.
void transpose(LaneSquare& square);

}  // namespace tessera
