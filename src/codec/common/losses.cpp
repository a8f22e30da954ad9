// SPDX-License-Identifier: Apache-2.0
#include "codec/common/losses.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace tessera {

void Losses::note(std::int64_t y, RowState state) {
  const auto at = static_cast<std::size_t>(y);
  if (state == RowState::lost && states_[at] != RowState::lost) {
    ++lost_rows_;
  }
  states_[at] = std::max(states_[at], state);
}

/// "Rows 3 to 7 of 10"; empty if there are none. More than a few runs of rows are only counted.
std::string Losses::rows_in(RowState state) const {
  constexpr std::size_t max_runs = 3;
  std::string text;
  std::size_t runs = 0;
  std::size_t rows = 0;
  std::size_t first = 0;
  for (std::size_t y = 0; y < states_.size();) {
    if (states_[y] != state) {
      ++y;
      continue;
    }
    const auto end =
        static_cast<std::size_t>(std::find_if(states_.begin() + static_cast<std::ptrdiff_t>(y), states_.end(),
                                              [&](RowState other) { return other != state; }) -
                                 states_.begin());
    first = runs == 0 ? y : first;
    if (runs < max_runs) {
      text += fmt::format("{}{}", runs == 0 ? "" : ", ", y);
      text += end - y > 1 ? fmt::format(" to {}", end - 1) : "";
    }
    ++runs;
    rows += end - y;
    y = end;
  }
  if (runs == 0) {
    return {};
  }
  if (runs > max_runs) {
    return fmt::format("{} of {} rows, the first of them row {},", rows, states_.size(), first);
  }
  return fmt::format("{} {} of {}", rows == 1 ? "Row" : "Rows", text, states_.size());
}

std::vector<std::string> Losses::warnings(std::string_view look) const {
  std::vector<std::string> sentences;
  if (const std::string rows = rows_in(RowState::lost); !rows.empty()) {
    sentences.push_back(
        fmt::format("{} could not be read and {} {}.", rows, rows.starts_with("Row ") ? "is" : "are", look));
  }
  if (const std::string rows = rows_in(RowState::partial); !rows.empty()) {
    sentences.push_back(
        fmt::format("{} could be read only in part: pixels in them are missing or wrong.", rows));
  }
  return sentences;
}

}  // namespace tessera
