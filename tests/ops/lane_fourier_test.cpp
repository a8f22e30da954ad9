// SPDX-License-Identifier: Apache-2.0
#include "ops/frequency/lane_fourier.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <stdexcept>

namespace tessera::testing {
namespace {

using Sequence = std::vector<std::complex<double>>;

/// The sum that defines the transform.
Sequence transformed(const Sequence& in) {
  const std::size_t size = in.size();
  Sequence out(size);
  for (std::size_t k = 0; k < size; ++k) {
    for (std::size_t j = 0; j < size; ++j) {
      const double turn = static_cast<double>(j * k % size) / static_cast<double>(size);
      out[k] += in[j] * std::polar(1.0, -2 * std::numbers::pi * turn);
    }
  }
  return out;
}

std::complex<double> value(const std::vector<LaneComplex>& data, std::size_t i, std::int64_t lane) {
  return {data[i].re[lane], data[i].im[lane]};
}

bool is_product_of_2_3_5(std::int64_t size) {
  for (const int factor : {2, 3, 5}) {
    while (size % factor == 0) {
      size /= factor;
    }
  }
  return size == 1;
}

std::vector<LaneComplex> noise(std::int64_t size) {
  std::minstd_rand random(static_cast<unsigned>(size));
  std::uniform_real_distribution<float> level(-1, 1);
  std::vector<LaneComplex> data(static_cast<std::size_t>(size));
  for (LaneComplex& element : data) {
    for (std::int64_t lane = 0; lane < lane_count; ++lane) {
      element.re[lane] = level(random);
      element.im[lane] = level(random);
    }
  }
  return data;
}

TEST(LaneFourier, IsTheSumThatDefinesItForEveryLength) {
  for (std::int64_t size = 1; size <= 400; ++size) {
    if (!is_product_of_2_3_5(size)) {
      EXPECT_THROW(LaneFourier{size}, std::invalid_argument) << size;
      continue;
    }
    const LaneFourier fourier(size);
    const std::vector<LaneComplex> original = noise(size);
    std::vector<LaneComplex> data = original;
    std::vector<LaneComplex> scratch(data.size());
    fourier.forward(data, scratch);
    const double bound =
        1e-7 * (1 + std::sqrt(static_cast<double>(size)) * std::log2(2.0 * static_cast<double>(size)));
    for (const std::int64_t lane : {0, 5, 7}) {
      Sequence in;
      for (std::size_t i = 0; i < original.size(); ++i) {
        in.push_back(value(original, i, lane));
      }
      const Sequence expected = transformed(in);
      for (std::size_t k = 0; k < expected.size(); ++k) {
        ASSERT_LE(std::abs(value(data, k, lane) - expected[k]), bound) << size << ", bin " << k;
      }
    }
    fourier.backward(data, scratch);
    for (std::size_t i = 0; i < original.size(); ++i) {
      ASSERT_LE(std::abs(value(data, i, 3) / static_cast<double>(size) - value(original, i, 3)), 2e-6)
          << size;
    }
  }
  EXPECT_THROW(LaneFourier{0}, std::invalid_argument);
}

TEST(LaneFourier, OfRealSequencesIsHalfOfTheComplexOne) {
  for (std::int64_t size = 1; size <= 1000; ++size) {
    if (!is_product_of_2_3_5(size)) {
      continue;
    }
    const RealLaneFourier real(size);
    const LaneFourier complex(size);
    std::vector<LaneComplex> expected = noise(size);
    std::vector<LaneComplex> data(static_cast<std::size_t>(real.buffer_size()), LaneComplex{});
    for (std::int64_t x = 0; x < size; ++x) {
      LaneComplex& element = expected[static_cast<std::size_t>(x)];
      element.im = Lanes{};
      real.element(data, x) = element.re;
    }
    const std::vector<LaneComplex> original = expected;
    std::vector<LaneComplex> scratch(static_cast<std::size_t>(size) + 1);
    complex.forward(expected, scratch);
    real.forward(data, scratch);
    for (std::size_t k = 0; k < static_cast<std::size_t>(real.bins()); ++k) {
      ASSERT_LE(std::abs(value(data, k, 2) - value(expected, k, 2)), 3e-5) << size << ", bin " << k;
    }
    real.backward(data, scratch);
    for (std::int64_t x = 0; x < size; ++x) {
      ASSERT_NEAR(real.element(data, x)[2] / static_cast<float>(size),
                  original[static_cast<std::size_t>(x)].re[2], 2e-6)
          << size;
    }
  }
}

// Ranks put a row into whatever lane its place in their band gives it.
TEST(LaneFourier, ALaneHasTheSameBitsWhereverItIsAndWhateverIsBesideIt) {
  for (const std::int64_t size : {8, 45, 360}) {
    const LaneFourier fourier(size);
    std::vector<LaneComplex> here = noise(size);
    std::vector<LaneComplex> there(here.size(), LaneComplex{});
    for (std::size_t i = 0; i < here.size(); ++i) {
      there[i].re[6] = here[i].re[1];
      there[i].im[6] = here[i].im[1];
    }
    std::vector<LaneComplex> scratch(here.size());
    fourier.forward(here, scratch);
    fourier.forward(there, scratch);
    for (std::size_t i = 0; i < here.size(); ++i) {
      EXPECT_EQ(value(here, i, 1), value(there, i, 6));
    }
  }
}

TEST(LaneFourier, SquaresAreTransposed) {
  LaneSquare square{};
  for (std::size_t row = 0; row < square.size(); ++row) {
    for (std::int64_t lane = 0; lane < lane_count; ++lane) {
      square[row].re[lane] = static_cast<float>(row) * 8 + static_cast<float>(lane);
      square[row].im[lane] = -square[row].re[lane];
    }
  }
  const LaneSquare original = square;
  transpose(square);
  for (std::size_t row = 0; row < square.size(); ++row) {
    for (std::size_t lane = 0; lane < square.size(); ++lane) {
      EXPECT_EQ(square[row].re[lane], original[lane].re[row]);
      EXPECT_EQ(square[row].im[lane], original[lane].im[row]);
    }
  }
}

}  // namespace
}  // namespace tessera::testing
