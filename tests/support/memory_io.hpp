// SPDX-License-Identifier: Apache-2.0
// Images in memory as sources and sinks, and the engine run on them.
#pragma once

#include "engine/run.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {

class MemorySource final : public Source {
 public:
  MemorySource(Tile whole, bool random_access)
      : whole_(std::move(whole)), info_(info_of(whole_)), random_(random_access) {}
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return random_; }
  bool can_rewind() const override { return true; }
  void rewind() override { next_row_ = 0; }
  void read_rows(Tile& out) override;
  /// Leaves all to be done, and wrong pixels until then.
  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override;

 private:
  void take_turn(const Tile& out);

  Tile whole_;
  ImageInfo info_;
  Metadata metadata_;
  bool random_;
  std::int64_t next_row_ = 0;
};

/// Pieces are raw pixels; append() checks that they come in order.
class MemorySink final : public Sink {
 public:
  MemorySink(const ImageInfo& info, std::int64_t piece_rows)
      : whole_(whole_tile(info)), piece_rows_(piece_rows) {}
  /// The rows above `row` are there: these.
  void begin_at(std::int64_t row, const Tile& rows);
  std::int64_t piece_rows() const override { return piece_rows_; }
  EncodedPiece encode(const Tile& piece) const override;
  void append(const EncodedPiece& piece) override;
  void finish() override { finished_ = true; }
  [[nodiscard]] const Tile& image() const { return whole_; }
  [[nodiscard]] bool complete() const { return finished_ && next_row_ == whole_.rect.height; }

 private:
  Tile whole_;
  std::int64_t piece_rows_;
  std::int64_t next_row_ = 0;
  bool finished_ = false;
};

struct Cut {
  int threads = 1;
  std::int64_t strip_rows = 0;
  std::int64_t piece_rows = 1;
  bool random_access = false;
  std::int64_t max_held_bytes = std::int64_t{1} << 30;
  std::int64_t max_reduced_bytes = std::int64_t{1} << 30;
  std::int64_t max_panel_bytes = 0;
  /// How much of the result is there already, from an interrupted run; only where nothing is found.
  int resumed_percent = 0;
};

struct EngineOutcome {
  Tile image;
  bool complete = false;
  RunReport report;
};

/// Runs on this communicator; the outcome is filled on the root. The source is the root's alone unless
/// random-access. `earlier` is the result of the interrupted run, if there was one.
EngineOutcome run_engine(const std::vector<Operator>& pipeline, const Tile& image, Communicator& comm,
                         const Cut& cut, const Tile& earlier = {});
/// The same on `ranks` threads of this process.
EngineOutcome run_engine(const std::vector<Operator>& pipeline, const Tile& image, int ranks, const Cut& cut,
                         const Tile& earlier = {});

}  // namespace tessera::testing
