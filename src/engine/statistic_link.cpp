// SPDX-License-Identifier: Apache-2.0
#include "engine/statistic_link.hpp"

#include <algorithm>

namespace tessera {

void StatisticLink::run(const cv::Mat& in, cv::Mat& /*out*/, const Region& region) const {
  Slots slots;
  {
    const std::scoped_lock lock(mutex_);
    if (!free_.empty()) {
      slots = std::move(free_.back());
      free_.pop_back();
    }
  }
  slots.resize(slots_, 0);
  statistic_->map(in, slots, region);
  const std::scoped_lock lock(mutex_);
  free_.push_back(std::move(slots));
}

std::vector<std::uint64_t> StatisticLink::merged() const {
  Slots all(slots_, 0);
  const std::scoped_lock lock(mutex_);
  for (const Slots& slots : free_) {
    for (std::size_t i = 0; i < slots_; ++i) {
      all[i] = statistic_->merge() == Merge::sum ? all[i] + slots[i] : std::max(all[i], slots[i]);
    }
  }
  return all;
}

Stage with_statistic_link(Stage stage, const std::shared_ptr<const StatisticLink>& link) {
  stage.chain.push_back({stage.end_name, link, stage.out, stage.out, link->halo(stage.out)});
  stage.statistic = nullptr;
  return stage;
}

}  // namespace tessera
