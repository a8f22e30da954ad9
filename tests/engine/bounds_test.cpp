// SPDX-License-Identifier: Apache-2.0
// Memory follows the strip, not the image; and a stop is heeded inside whole-frame operators.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <opencv2/core.hpp>

#include "engine/band_frame.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

std::vector<Operator> pipeline(const std::vector<std::pair<std::string, Json>>& steps) {
  std::vector<Operator> operators;
  for (const auto& [name, parameters] : steps) {
    operators.push_back(build_operator(name, parameters));
  }
  return operators;
}

/// Rows by formula, so that an image of any size takes no memory.
class SyntheticSource final : public Source {
 public:
  SyntheticSource(const ImageInfo& info, bool random_access) : info_(info), random_(random_access) {}
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return random_; }
  bool can_rewind() const override { return true; }
  void rewind() override {
    ++rewound;
    next_row_ = 0;
  }
  void read_rows(Tile& out) override {
    ASSERT_TRUE(random_ || out.rect.y == next_row_);
    next_row_ = out.rect.y + out.rect.height;
    for (int y = 0; y < out.color.rows; ++y) {
      out.color.row(y).setTo(cv::Scalar::all(static_cast<double>(level(out.rect.y + y))));
    }
  }
  static int level(std::int64_t row) { return static_cast<int>((row * 2654435761U >> 7) & 0xffU); }
  int rewound = 0;

 private:
  ImageInfo info_;
  Metadata metadata_;
  bool random_;
  std::int64_t next_row_ = 0;
};

/// Checks every row of the result and keeps none.
class CheckingSink final : public Sink {
 public:
  CheckingSink(std::int64_t width, std::function<int(std::int64_t row)> expected)
      : width_(width), expected_(std::move(expected)) {}
  std::int64_t piece_rows() const override { return 64; }
  EncodedPiece encode(const Tile& piece) const override {
    for (int y = 0; y < piece.color.rows; ++y) {
      const int wanted = expected_(piece.rect.y + y);
      for (const int x : {0, static_cast<int>(width_ / 2), static_cast<int>(width_ - 1)}) {
        if (piece.color.ptr(y)[x * piece.color.channels()] != wanted) {
          throw Error(ErrorCode::internal, fmt::format("wrong level in row {}", piece.rect.y + y));
        }
      }
    }
    Bytes count(sizeof piece.rect.height);
    std::memcpy(count.data(), &piece.rect.height, sizeof piece.rect.height);
    return {{}, std::move(count)};
  }
  void append(const EncodedPiece& piece) override {
    std::int64_t piece_height = 0;
    std::memcpy(&piece_height, piece.index.data(), sizeof piece_height);
    rows += piece_height;
  }
  void finish() override { finished = true; }
  std::int64_t rows = 0;
  bool finished = false;

 private:
  std::int64_t width_;
  std::function<int(std::int64_t)> expected_;
};

std::int64_t resident_bytes() {
  std::int64_t total = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

struct BigRun {
  std::int64_t max_resident = 0;
  int bands = 0;
  int rewound = 0;
};

BigRun run_big(const ImageInfo& info, const std::vector<Operator>& operators, int ranks, bool random_access,
               const std::function<int(std::int64_t)>& expected) {
  const Plan plan = make_plan(operators, info);
  const std::int64_t before = resident_bytes();
  BigRun result;
  run_on_threads(ranks, [&](Communicator& comm) {
    SyntheticSource source(info, random_access);
    CheckingSink sink(info.extent.width, expected);
    RunOptions options;
    options.max_held_bytes = std::int64_t{32} << 20;
    std::int64_t most = 0;
    options.progress = [&](const Progress&) { most = std::max(most, resident_bytes()); };
    const RunReport report =
        run_plan(plan, comm.root() || random_access ? &source : nullptr, sink, comm, options);
    if (comm.root()) {
      EXPECT_TRUE(sink.finished);
      EXPECT_EQ(sink.rows, info.extent.height);
      result = {most - before, report.ranks.back().bands, source.rewound};
    }
  });
  return result;
}

TEST(Bounds, HoldMoreThanTwoThirtyOnePixelsInLittleMemory) {
  const ImageInfo info{{32768, 66000}, {Depth::u8, 1, false}};
  ASSERT_GT(info.extent.width * info.extent.height, std::int64_t{1} << 31);
  const BigRun run = run_big(info, pipeline({{"invert", Json::object()}}), 1, true,
                             [](std::int64_t row) { return 255 - SyntheticSource::level(row); });
  EXPECT_LT(run.max_resident, std::int64_t{100} << 20);
}

TEST(Bounds, SeveralRanksHoldPanelsOfWhatOnlyTheRootCanRead) {
  const ImageInfo info{{4096, 160'000}, {Depth::u8, 1, false}};
  for (const bool random_access : {false, true}) {
    const BigRun run = run_big(info, pipeline({{"invert", Json::object()}, {"invert", Json::object()}}), 2,
                               random_access, [](std::int64_t row) { return SyntheticSource::level(row); });
    EXPECT_GT(run.bands, 5);
    EXPECT_LT(run.max_resident, info.bytes() / 3) << (random_access ? "random access" : "in order");
  }
}

TEST(Bounds, StatisticsReadTwiceRatherThanHold) {
  const ImageInfo info{{4096, 160'000}, {Depth::u8, 1, false}};
  // All 256 levels are there, so stretching them changes nothing.
  const auto operators =
      pipeline({{"invert", Json::object()}, {"auto-levels", {{"clip-dark", 0}, {"clip-bright", 0}}}});
  for (const int ranks : {1, 2}) {
    const BigRun run = run_big(info, operators, ranks, false,
                               [](std::int64_t row) { return 255 - SyntheticSource::level(row); });
    EXPECT_EQ(run.rewound, 1);
    EXPECT_LT(run.max_resident, info.bytes() / 3) << ranks;
  }
}

TEST(Bounds, AStopIsAgreedOnInsideWholeFrameOperators) {
  const ImageInfo info{{16, 16}, {Depth::u8, 1, false}};
  std::stop_source stop;
  stop.request_stop();
  run_on_threads(3, [&](Communicator& comm) {
    const Band band = Band::allocate(info, split_rows(16, comm.size()), comm.rank());
    // Only one rank has heard of it.
    BandFrame frame(band, comm, 1, comm.rank() == 1 ? stop.get_token() : std::stop_token());
    std::uint64_t slot = 1;
    EXPECT_THROW(frame.all_reduce(std::span(&slot, 1), Merge::sum), CollectiveCancelled);
    EXPECT_THROW(static_cast<void>(frame.all_gather({})), CollectiveCancelled);
    EXPECT_THROW(static_cast<void>(frame.with_halo(band.mine, Halo::all(1), Border::replicate, 0)),
                 CollectiveCancelled);
  });
}

}  // namespace
}  // namespace tessera::testing
