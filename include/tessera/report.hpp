// SPDX-License-Identifier: Apache-2.0
// What a run says: how far it is, what operators found, what was left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/pixels.hpp"

namespace tessera {

struct Progress {
  int stage = 0;  ///< from 0
  int stages = 1;
  double fraction = 0;  ///< of the whole run, 0..1, never falling
};

/// What an operator found: Hough lines, corners, the number of regions.
struct Findings {
  std::string operator_name;
  std::vector<std::string> columns;
  std::vector<double> values = {};  ///< row-major
  [[nodiscard]] std::int64_t rows() const {
    return columns.empty() ? 0 : static_cast<std::int64_t>(values.size() / columns.size());
  }
  bool operator==(const Findings&) const = default;
};

struct Report {
  ImageInfo input;
  ImageInfo output;
  std::int64_t output_bytes = 0;  ///< of an encoded result; 0 for pixels
  double seconds = 0;
  std::vector<Findings> findings;     ///< in the order of the pipeline
  std::vector<std::string> warnings;  ///< what was dropped, converted or not understood, a sentence each
};

}  // namespace tessera
