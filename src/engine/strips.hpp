// SPDX-License-Identifier: Apache-2.0
// A stage as strips: which rows, where their pixels come from, where results and findings go.
#pragma once

#include <atomic>
#include <optional>

#include "engine/chain.hpp"
#include "engine/pixels.hpp"
#include "engine/run.hpp"
#include "engine/workers.hpp"

namespace tessera {

struct StripContext {
  const Stage& stage;  ///< every operator of its chain bound
  Communicator& comm;
  const RunOptions& options;
  std::vector<ChainRunner>& runners;  ///< one for each worker
  std::vector<Interval> bands;        ///< of the stage's result, for each rank
  std::int64_t strip_rows;
  std::function<void(double fraction)> progress = {};
  std::atomic<std::int64_t>* busy_ns = nullptr;  ///< gets the time that workers spend on strips

  [[nodiscard]] std::int64_t count(int rank) const;
  [[nodiscard]] Interval rows(int rank, std::int64_t index) const;
  [[nodiscard]] StripNeeds needs(const Interval& rows) const {
    return strip_needs(stage.chain, stage.in, rows);
  }
};

/// What each rank reads of a band to make its rows of the stage's result.
[[nodiscard]] std::vector<std::vector<Rect>> band_needs(const Stage& stage,
                                                        const std::vector<Interval>& bands);

/// Where strips read. fetch() and release() are thread-safe.
class StripInput {
 public:
  virtual ~StripInput() = default;
  virtual void fetch(std::int64_t strip, Tile& out) = 0;
  /// Strip `strip` will read nothing more above row `row`.
  virtual void pass(std::int64_t /*strip*/, std::int64_t /*row*/) {}
  virtual void release(std::int64_t strip) = 0;
  /// Ends what is under way with other ranks, even if no strip asked for it.
  virtual void finish() = 0;
};

class SourceInput final : public StripInput {
 public:
  SourceInput(Source& source, StreamedRows rows) : pixels_(source, std::move(rows)) {}
  void fetch(std::int64_t strip, Tile& out) override { pixels_.fetch(strip, out); }
  void pass(std::int64_t strip, std::int64_t row) override { pixels_.pass(strip, row); }
  void release(std::int64_t strip) override { pixels_.release(strip); }
  void finish() override {}

 private:
  SourcePixels pixels_;
};

class BandInput final : public StripInput {
 public:
  /// Starts the exchange. Collective.
  BandInput(const Band& band, const StripContext& strips, Communicator& comm);
  void fetch(std::int64_t strip, Tile& out) override;
  void release(std::int64_t) override {}
  void finish() override;

 private:
  const Band& band_;
  BandPixels pixels_;
  std::mutex mutex_;
  std::atomic<bool> finished_{false};
};

/// The source rows of this rank's strips, if strips can be fed from a source that is read once,
/// in order, with a bounded number of rows in memory.
[[nodiscard]] std::optional<StreamedRows> streaming_rows(const StripContext& strips, int rank);

/// What the operators of a chain find, strip by strip; put in order at the end.
class StripFindings {
 public:
  StripFindings(const std::vector<ChainLink>& chain, std::int64_t strips);
  [[nodiscard]] std::vector<std::vector<double>>& of(std::int64_t strip) {
    return values_[static_cast<std::size_t>(strip)];
  }
  /// On the root: one entry for each operator that lists findings. Collective.
  [[nodiscard]] std::vector<Findings> gather(Communicator& comm) const;

 private:
  const std::vector<ChainLink>& chain_;
  std::vector<std::vector<std::vector<double>>> values_;
};

/// A statistic's slots, one set for each worker.
class SlotSet {
 public:
  SlotSet(std::size_t slots, int workers)
      : slots_(slots), sets_(static_cast<std::size_t>(workers), std::vector<std::uint64_t>(slots, 0)) {}
  [[nodiscard]] std::span<std::uint64_t> of(int worker) { return sets_[static_cast<std::size_t>(worker)]; }
  /// All sets merged into the first.
  [[nodiscard]] std::span<std::uint64_t> merge(Merge merge);

 private:
  std::size_t slots_;
  std::vector<std::vector<std::uint64_t>> sets_;
};

using TakeStrip = std::function<void(int worker, std::int64_t index, const Tile& strip)>;
using OnStripFailure = std::function<void(std::int64_t index, std::exception_ptr failure)>;
/// Runs this rank's strips through the chain on its threads. `on_failure` is called once a strip has failed,
/// before the other threads are waited for. Throws what the topmost strip that failed threw.
void for_each_strip(const StripContext& strips, StripInput& input, StripFindings& findings,
                    const TakeStrip& take, const OnStripFailure& on_failure = {});

}  // namespace tessera
