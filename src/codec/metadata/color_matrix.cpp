// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/color_matrix.hpp"

#include <algorithm>
#include <cmath>

namespace tessera {
namespace {

Matrix3 product(const Matrix3& a, const Matrix3& b) {
  Matrix3 out{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 3; ++k) {
        out[i][j] += a[i][k] * b[k][j];
      }
    }
  }
  return out;
}

Vector3 product(const Matrix3& a, const Vector3& b) {
  Vector3 out{};
  for (std::size_t i = 0; i < 3; ++i) {
    out[i] = a[i][0] * b[0] + a[i][1] * b[1] + a[i][2] * b[2];
  }
  return out;
}

Matrix3 diagonal(const Vector3& values) {
  return {{{values[0], 0, 0}, {0, values[1], 0}, {0, 0, values[2]}}};
}

std::optional<Matrix3> inverse(const Matrix3& m) {
  Matrix3 out{};
  const auto cofactor = [&](std::size_t i, std::size_t j) {
    const std::size_t i1 = (i + 1) % 3;
    const std::size_t i2 = (i + 2) % 3;
    const std::size_t j1 = (j + 1) % 3;
    const std::size_t j2 = (j + 2) % 3;
    return m[i1][j1] * m[i2][j2] - m[i1][j2] * m[i2][j1];
  };
  const double determinant = m[0][0] * cofactor(0, 0) + m[0][1] * cofactor(0, 1) + m[0][2] * cofactor(0, 2);
  constexpr double least = 1e-6;
  if (!(std::abs(determinant) > least)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      out[i][j] = cofactor(j, i) / determinant;
    }
  }
  return out;
}

}  // namespace

std::optional<AdaptedPrimaries> adapt_to_d50(const Chromaticities& primaries) {
  constexpr double min_luminance = 1e-4;
  const auto usable = [](const Chromaticity& c) { return c.y >= min_luminance; };
  if (!std::all_of(primaries.begin(), primaries.end(), usable)) {
    return std::nullopt;
  }
  const auto xyz = [](const Chromaticity& c) { return Vector3{c.x / c.y, 1, (1 - c.x - c.y) / c.y}; };
  const Vector3 white = xyz(primaries[0]);
  Matrix3 columns{};
  for (std::size_t i = 0; i < 3; ++i) {
    const Vector3 color = xyz(primaries.at(i + 1));
    for (std::size_t j = 0; j < 3; ++j) {
      columns[j][i] = color[j];
    }
  }
  const auto unmixed = inverse(columns);
  if (!unmixed) {
    return std::nullopt;
  }
  const Matrix3 own = product(columns, diagonal(product(*unmixed, white)));
  static constexpr Matrix3 bradford{
      {{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const Vector3 from = product(bradford, white);
  const Vector3 to = product(bradford, d50);
  for (const double cone : from) {
    if (!(cone > min_luminance)) {
      return std::nullopt;
    }
  }
  const Matrix3 scale = diagonal({to[0] / from[0], to[1] / from[1], to[2] / from[2]});
  const Matrix3 adaptation = product(*inverse(bradford), product(scale, bradford));
  AdaptedPrimaries result{product(adaptation, own), adaptation};
  constexpr double most = 100;  // what an s15Fixed16 can hold, and no real colour needs
  for (const Vector3& row : result.to_xyz) {
    for (const double value : row) {
      if (!(std::abs(value) < most)) {
        return std::nullopt;
      }
    }
  }
  return result;
}

}  // namespace tessera
