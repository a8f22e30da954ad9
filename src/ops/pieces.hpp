// SPDX-License-Identifier: Apache-2.0
// Operators whose input may come in pieces of rows, because they make few rows of many: the many then need
// not be in memory together.
#pragma once

#include <memory>

#include "ops/kinds.hpp"

namespace tessera {

/// One run of such an operator. The result is the same, bit for bit, as that of LocalOp::run().
class PiecewiseRun {
 public:
  virtual ~PiecewiseRun() = default;
  /// The next rows of the input, from top to bottom, as wide as region.in, and of its alpha plane: empty
  /// where the image has none, and for the alpha plane itself.
  virtual void add(const cv::Mat& piece, const cv::Mat& alpha) = 0;
  /// After all rows of region.in: fills `out`.
  virtual void finish(cv::Mat& out) = 0;
};

/// What a LocalOp is too if it takes pieces (by dynamic_cast).
class TakesPieces {
 public:
  virtual ~TakesPieces() = default;
  /// What run() does for that region, for input of that matrix type. The operator must outlive it.
  [[nodiscard]] virtual std::unique_ptr<PiecewiseRun> begin_pieces(const Region& region, int type) const = 0;
};

}  // namespace tessera
