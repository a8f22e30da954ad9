// SPDX-License-Identifier: Apache-2.0
// What a forecast adds up for each rank: what it holds, what it sends and gets.
#pragma once

#include <optional>
#include <vector>

#include "engine/forecast.hpp"

namespace tessera {

class RankLedger {
 public:
  using Bands = std::vector<Interval>;

  explicit RankLedger(const ForecastOptions& options);

  [[nodiscard]] std::size_t ranks() const { return ranks_.size(); }
  /// The image that the ranks hold between stages, once there is one.
  [[nodiscard]] const std::optional<ImageInfo>& held() const { return held_; }
  [[nodiscard]] const Bands& held_rows() const { return held_rows_; }
  void hold(const ImageInfo& image, Bands rows);

  /// `bytes` for a moment, beside what a rank holds all the time.
  void note(std::size_t rank, std::int64_t bytes);
  /// Buffers of its workers, who keep them from stage to stage.
  void keep_buffers(std::size_t rank, std::int64_t bytes);
  void send(std::size_t from, std::size_t to, std::int64_t bytes);
  void add_traffic(std::size_t rank, std::int64_t sent, std::int64_t received);
  /// As CountedCommunicator counts a reduction: every rank gives that much and gets as much.
  void all_reduce(std::int64_t bytes);
  /// The general exchange of an image held in `bands`, while each rank holds `beside` bytes more, if any. Returns the
  /// bytes of the ghost pixels that each rank then has.
  std::vector<std::int64_t> exchange(const Bands& bands, const ImageInfo& image,
                                     const std::vector<std::vector<Rect>>& needs,
                                     const std::vector<std::int64_t>& beside = {});

  [[nodiscard]] std::vector<RankForecast> take() { return std::move(ranks_); }

 private:
  const ForecastOptions& options_;
  std::vector<RankForecast> ranks_;
  std::vector<std::int64_t> buffers_;
  std::optional<ImageInfo> held_;
  Bands held_rows_;
};

}  // namespace tessera
