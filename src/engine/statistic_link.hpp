// SPDX-License-Identifier: Apache-2.0
// A statistic that needs pixels around each strip, as the last operator of a chain: so its input need not be
// held, only made.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "plan/plan.hpp"

namespace tessera {

class StatisticLink final : public LocalOp {
 public:
  StatisticLink(std::shared_ptr<const StatisticOp> statistic, std::size_t slots)
      : statistic_(std::move(statistic)), slots_(slots) {}

  LocalKind kind() const override { return LocalKind::neighbourhood; }
  ImageInfo result(const ImageInfo& in) const override { return in; }
  Halo halo(const ImageInfo& in) const override { return statistic_->halo(in); }
  Border border() const override { return statistic_->border(); }
  double border_value() const override { return statistic_->border_value(); }
  Rect needs(const Rect& out, const ImageInfo& in) const override { return halo(in).grow(out); }
  bool crosses_rows() const override { return false; }
  bool reads_alpha() const override { return true; }
  /// Counts; writes no pixel.
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const override;
  std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const override {
    return statistic_->working_bytes(in, part);
  }
  std::vector<std::string> finding_columns() const override { return {}; }
  std::shared_ptr<const LocalOp> bound(const ImageInfo&) const override { return nullptr; }

  /// All that has been counted, after the last run().
  [[nodiscard]] std::vector<std::uint64_t> merged() const;

 private:
  using Slots = std::vector<std::uint64_t>;

  std::shared_ptr<const StatisticOp> statistic_;
  std::size_t slots_;
  mutable std::mutex mutex_;
  mutable std::vector<Slots> free_;  ///< one for each run that went on beside others
};

/// `stage`, which ends in a statistic, with the statistic as its chain's last operator.
[[nodiscard]] Stage with_statistic_link(Stage stage, const std::shared_ptr<const StatisticLink>& link);

}  // namespace tessera
