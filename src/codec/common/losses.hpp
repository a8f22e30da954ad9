// SPDX-License-Identifier: Apache-2.0
// What salvage could not get of a damaged image, row by row.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

enum class RowState : std::uint8_t {
  whole,    ///< as the file has it; also what was never asked for
  partial,  ///< some of it is missing or wrong
  lost,     ///< nothing of it could be read
};

class Losses {
 public:
  explicit Losses(std::int64_t height) : states_(static_cast<std::size_t>(height)) {}
  /// Row `y` has been read. A row that is read again keeps the worse of its states.
  void note(std::int64_t y, RowState state);
  /// Every row has been read, and of none anything is left.
  [[nodiscard]] bool everything() const {
    return !states_.empty() && lost_rows_ == static_cast<std::int64_t>(states_.size());
  }
  /// "Rows 200 to 599 of 600 could not be read and are black.", and the same of what is there in part. `look`
  /// is what lost rows look like.
  [[nodiscard]] std::vector<std::string> warnings(std::string_view look) const;

 private:
  [[nodiscard]] std::string rows_in(RowState state) const;

  std::vector<RowState> states_;
  std::int64_t lost_rows_ = 0;
};

}  // namespace tessera
