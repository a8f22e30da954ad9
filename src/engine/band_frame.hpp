// SPDX-License-Identifier: Apache-2.0
// The group of ranks as a whole-frame operator sees it.
#pragma once

#include "base/error.hpp"
#include "engine/pixels.hpp"
#include "engine/workers.hpp"

namespace tessera {

/// The ranks have agreed to stop: all of them throw it, at the same collective call.
class CollectiveCancelled final : public Error {
 public:
  CollectiveCancelled() : Error(ErrorCode::cancelled, "The work was cancelled.") {}
};

/// What each rank reads to have its band grown by the halo; see Frame::with_halo().
[[nodiscard]] std::vector<std::vector<Rect>> halo_needs(const std::vector<Interval>& bands, const Halo& halo,
                                                        Border border, const Extent& image);

/// Its collective calls throw CollectiveCancelled once any rank was asked to stop. parallel_for() throws
/// Error(cancelled) on the rank that was asked, which then calls agree_to_continue() where the others make their
/// next collective call.
class BandFrame final : public Frame {
 public:
  BandFrame(const Band& band, Communicator& comm, int threads, std::stop_token stop)
      : band_(band), comm_(comm), threads_(threads), stop_(std::move(stop)) {}

  const ImageInfo& image() const override { return band_.info; }
  int rank() const override { return comm_.rank(); }
  int ranks() const override { return comm_.size(); }
  Interval rows(int rank) const override { return band_.rows[static_cast<std::size_t>(rank)]; }
  void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) override;
  void all_reduce(std::span<std::uint64_t> slots, Merge merge) override {
    agree_to_continue();
    comm_.all_reduce(slots, merge);
  }
  std::vector<Bytes> all_gather(Bytes mine) override {
    agree_to_continue();
    return all_gather_bytes(comm_, mine);
  }
  std::vector<Bytes> all_to_all(std::vector<Bytes> outgoing) override {
    agree_to_continue();
    return all_to_all_bytes(comm_, std::move(outgoing));
  }
  Tile with_halo(const Tile& band, const Halo& halo, Border border, double border_value) override;
  void report(std::span<const double> values) override {
    findings_.insert(findings_.end(), values.begin(), values.end());
  }
  [[nodiscard]] const std::vector<double>& findings() const { return findings_; }

  /// Collective: throws CollectiveCancelled on all ranks if any was asked to stop.
  void agree_to_continue();

 private:
  const Band& band_;
  Communicator& comm_;
  int threads_;
  std::stop_token stop_;
  std::vector<double> findings_;
};

}  // namespace tessera
