// SPDX-License-Identifier: Apache-2.0
// Parts of a task's result that ranks upload by their node's grants.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "image/shared_parts.hpp"
#include "ranks/transfer.hpp"

namespace tessera::cli {

class GrantedParts final : public PartTransfers {
 public:
  /// Asks the node for the grants of `count` parts from `first` on. Throws Error.
  using Ask = std::function<std::vector<std::string>(std::int64_t first, std::int64_t count)>;

  /// `lanes` must outlive it. Only the root asks.
  GrantedParts(TransferLanes& lanes, Ask ask, std::stop_token stop)
      : lanes_(lanes), ask_(std::move(ask)), stop_(std::move(stop)) {}

  std::vector<std::string> links(std::int64_t first, std::int64_t count) override {
    return ask_(first, count);
  }
  std::string upload(const std::string& link, std::span<const std::byte> bytes) override {
    return lanes_.write(link, bytes, stop_);
  }
  void add_uploaded(std::int64_t part, std::string) override {
    const std::scoped_lock lock(mutex_);
    uploaded_.push_back(part);
  }
  /// Root, when the result is complete.
  [[nodiscard]] std::vector<std::int64_t> uploaded() const {
    const std::scoped_lock lock(mutex_);
    return uploaded_;
  }

 private:
  TransferLanes& lanes_;
  Ask ask_;
  std::stop_token stop_;
  mutable std::mutex mutex_;
  std::vector<std::int64_t> uploaded_;  ///< guarded by mutex_
};

}  // namespace tessera::cli
