// SPDX-License-Identifier: Apache-2.0
// Connected components of a mask that is held in bands of rows: runs of foreground joined by union-find in
// each band, bands linked through the components that touch their edges. Nothing is gathered on one rank but
// the runs of the rows along the cuts.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "ops/kinds.hpp"

namespace tessera {

enum class Connectivity : std::uint8_t { four, eight };

template <>
struct EnumNames<Connectivity> {
  static constexpr std::array names{std::pair{Connectivity::eight, std::string_view("8")},
                                    std::pair{Connectivity::four, std::string_view("4")}};
};

/// Foreground pixels begin <= x < end of one row.
struct ForegroundRun {
  std::int32_t begin;
  std::int32_t end;
};

/// The components within one band. Runs are in scan order, so a component's root, its lowest run, starts at
/// the component's first pixel.
struct BandComponents {
  std::vector<ForegroundRun, UninitializedAllocator<ForegroundRun>> runs;
  std::vector<std::uint32_t, UninitializedAllocator<std::uint32_t>>
      root;                              ///< of each run: the lowest run of its component
  std::vector<std::uint32_t> row_begin;  ///< first run of each row; one element more than rows
  std::vector<std::uint32_t> on_edge;    ///< roots of components in the band's first or last row, ascending
};

/// Components of the non-zero pixels of this rank's rows (CV_8UC1; may have no rows). Not collective. Throws
/// Error(limit_exceeded) beyond 2^32 - 1 runs.
[[nodiscard]] BandComponents find_components(Frame& frame, const cv::Mat& mask, Connectivity connectivity);

/// `values[i]` belongs to components.on_edge[i]; the result is the minimum of the values of all components,
/// on whatever ranks, that are one component of the whole mask. Collective.
[[nodiscard]] std::vector<std::uint64_t> minimum_over_bands(Frame& frame, const BandComponents& components,
                                                            std::span<const std::uint64_t> values,
                                                            Connectivity connectivity);

}  // namespace tessera
