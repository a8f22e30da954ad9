// SPDX-License-Identifier: Apache-2.0
// A stop is heeded within a kernel that takes long, and within whole-frame operators: told by the rows that
// are still worked on after it was asked for, not by a clock.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "ops/slices.hpp"
#include "support/errors.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

struct SlowKernel {
  std::string name;
  Json parameters;
  Depth depth = Depth::u8;
};

/// Kernels of which one call on a strip of a large picture takes seconds.
const std::vector<SlowKernel> slow_kernels{
    {"gaussian-blur", {{"sigma", 64.0}}},
    {"gaussian-blur", {{"sigma", 64.0}}, Depth::u16},
    {"unsharp-mask", {{"sigma", 64.0}}},
    {"bilateral", {{"radius", 50}}},
    {"bilateral", {{"radius", 50}}, Depth::u16},
    {"non-local-means", {{"search-radius", 20}, {"template-radius", 7}}},
    {"non-local-means", {{"search-radius", 20}, {"template-radius", 7}}, Depth::u16},
    {"median", {{"size", 31}}, Depth::u16},
    {"motion-blur", {{"length", 200}, {"angle", 30.0}}},
};

TEST(Stop, NoRowIsWorkedOnWhenItWasAskedForBefore) {
  std::stop_source stop;
  stop.request_stop();
  for (const SlowKernel& kernel : slow_kernels) {
    const ImageInfo info{{40, 30}, {kernel.depth, 3, false}};
    const Operator op = build_operator(kernel.name, kernel.parameters);
    const auto& local = *std::get<std::shared_ptr<const LocalOp>>(op.body);
    const Rect out_rect = Rect::whole(info.extent);
    const Rect in_rect = local.halo(info).grow(out_rect);
    const cv::Mat in(static_cast<int>(in_rect.height), static_cast<int>(in_rect.width),
                     color_type(info.format), cv::Scalar::all(9));
    cv::Mat out(in.size(), in.type(), cv::Scalar::all(77));
    const Region region{info, in_rect, out_rect, false, nullptr, stop.get_token()};
    EXPECT_EQ(code_of([&] { local.run(in, out, region); }), ErrorCode::cancelled) << kernel.name;
    EXPECT_EQ(cv::countNonZero(out.reshape(1) != 77), 0) << kernel.name;
  }
}

TEST(Stop, ASliceIsTheLastWhenItIsAskedForWithinIt) {
  std::stop_source stop;
  std::int64_t worked = 0;
  const double half_of_what_is_done_at_once = steps_at_once / 2;
  EXPECT_EQ(code_of([&] {
              for_each_slice({10, 1000}, half_of_what_is_done_at_once, 1, stop.get_token(),
                             [&](Interval rows) {
                               worked += rows.size();
                               if (rows.begin >= 100) {
                                 stop.request_stop();
                               }
                             });
            }),
            ErrorCode::cancelled);
  EXPECT_EQ(worked, 92);
}

/// Works on its rows one by one; on one rank, a stop is asked for at the third.
class SlowFrame final : public WholeFrameOp {
 public:
  SlowFrame(int rank, std::stop_source& stop, std::atomic<int>& rows_after)
      : rank_(rank), stop_(stop), rows_after_(rows_after) {}
  PixelFormat result_format(const PixelFormat& in) const override { return in; }
  AlphaRule alpha_rule() const override { return AlphaRule::background; }
  std::vector<std::string> finding_columns() const override { return {}; }
  FrameCost cost(const ImageInfo&, std::span<const Interval>, int, int) const override { return {}; }
  void run(Frame& frame, const Tile& in, Tile& out) const override {
    in.color.copyTo(out.color);
    frame.parallel_for(in.color.rows, [&](std::int64_t row) {
      rows_after_ += frame.rank() == rank_ && row > 2 ? 1 : 0;
      if (frame.rank() == rank_ && row == 2) {
        stop_.request_stop();
      }
    });
    if (collective_) {
      static_cast<void>(frame.all_gather({}));
    }
  }
  bool collective_ = false;

 private:
  int rank_;
  std::stop_source& stop_;
  std::atomic<int>& rows_after_;
};

TEST(Stop, IsHeededWithinWholeFrameOperatorsAndAgreedOn) {
  const Tile image = make_image({{16, 60}, {Depth::u8, 1, false}}, Pattern::noise, 1);
  for (const int asked : {0, 1, 2}) {
    for (const bool collective : {false, true}) {
      std::stop_source stop;
      std::atomic<int> rows_after{0};
      const auto slow = std::make_shared<SlowFrame>(asked, stop, rows_after);
      slow->collective_ = collective;
      const ImageInfo info = info_of(image);
      Plan plan{info, info, {{.in = info, .out = info}, {.in = info, .out = info}}};
      plan.stages[0].whole_frame = slow;
      std::atomic<int> cancelled{0};
      run_on_threads(3, [&](Communicator& comm) {
        MemorySource source(image, false);
        MemorySink sink(info, 8);
        RunOptions options;
        // Only one rank hears of it.
        options.stop = comm.rank() == asked ? stop.get_token() : std::stop_token();
        cancelled += code_of([&] { run_plan(plan, comm.root() ? &source : nullptr, sink, comm, options); }) ==
                             ErrorCode::cancelled
                         ? 1
                         : 0;
      });
      EXPECT_EQ(rows_after, 0);
      EXPECT_EQ(cancelled, 3);
    }
  }
}

}  // namespace
}  // namespace tessera::testing
