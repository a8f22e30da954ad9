// SPDX-License-Identifier: Apache-2.0
// Tables that give an output level for every input level: how pointwise operators on single samples run.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <vector>

#include "image/image.hpp"

namespace tessera {

/// The depth of a colour plane.
[[nodiscard]] inline Depth depth_of(const cv::Mat& plane) {
  return plane.depth() == CV_8U ? Depth::u8 : Depth::u16;
}

/// 256 or 65536.
[[nodiscard]] constexpr int level_count(Depth depth) { return depth == Depth::u8 ? 256 : 65536; }

/// The nearest level to `value` (of two the even one) within 0..level_count - 1.
[[nodiscard]] inline std::uint16_t nearest_level(double value, Depth depth) {
  return static_cast<std::uint16_t>(std::clamp(std::nearbyint(value), 0.0, level_count(depth) - 1.0));
}

/// One table for all channels, or one for each channel. Immutable.
class LevelTable {
 public:
  /// `value(level, table)` is the output level, which is rounded and clamped. It is called for every level
  /// and table.
  template <class Value>
  LevelTable(Depth depth, int tables, const Value& value)
      : depth_(depth),
        tables_(tables),
        levels_(static_cast<std::size_t>(level_count(depth)) * static_cast<std::size_t>(tables)) {
    const int count = level_count(depth);
    for (int table = 0; table < tables; ++table) {
      for (int level = 0; level < count; ++level) {
        levels_[static_cast<std::size_t>(table * count + level)] = nearest_level(value(level, table), depth);
      }
    }
  }

  /// `in` is of the table's depth, with as many channels as there are tables, or any number for one table.
  /// `in` and `out` may be the same matrix.
  void apply(const cv::Mat& in, cv::Mat& out) const;

 private:
  Depth depth_;
  int tables_;
  std::vector<std::uint16_t> levels_;
};

/// A LevelTable for each depth, made at its first use, by whichever thread comes first. A copy starts empty,
/// because its owner's parameters may yet be changed.
class LazyLevelTable {
 public:
  LazyLevelTable() = default;
  LazyLevelTable(const LazyLevelTable&) noexcept {}
  LazyLevelTable& operator=(const LazyLevelTable&) = delete;
  ~LazyLevelTable() = default;

  /// `value` as in LevelTable; it must be the same at every call.
  template <class Value>
  const LevelTable& get(Depth depth, const Value& value) const {
    Entry& entry = entries_[depth == Depth::u8 ? 0 : 1];
    std::call_once(entry.made, [&] { entry.table.emplace(depth, 1, value); });
    return *entry.table;
  }

 private:
  struct Entry {
    std::once_flag made;
    std::optional<LevelTable> table;
  };
  mutable std::array<Entry, 2> entries_;
};

/// What statistics become that end in a table.
struct ApplyLevels {
  std::shared_ptr<const LevelTable> table;

  void run(const cv::Mat& in, cv::Mat& out) const { table->apply(in, out); }
};

}  // namespace tessera
