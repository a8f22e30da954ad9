// SPDX-License-Identifier: Apache-2.0
// Each rank announces the rows of its next panel before it works on those of one.
#include <gtest/gtest.h>

#include <algorithm>

#include "comm/communicator.hpp"
#include "plan/pipeline.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

/// Remembers what is announced, and what of it had been when rows were read.
class WatchedSource final : public Source {
 public:
  explicit WatchedSource(const Tile& whole) : source_(whole, true) {}
  const ImageInfo& info() const override { return source_.info(); }
  const Metadata& metadata() const override { return source_.metadata(); }
  bool random_access() const override { return true; }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    EXPECT_GT(max_bytes, 0);
    announced.push_back(rows);
    if (fails) {
      throw Error(ErrorCode::io, "No thread can be started.");
    }
  }
  void read_rows(Tile& out) override {
    const std::size_t panel = panel_of(out.rect.rows());
    ASSERT_LT(panel, announced.size()) << out.rect.y << " was not announced";
    most_announced_ahead = std::max(most_announced_ahead, announced.size() - 1 - panel);
    source_.read_rows(out);
  }

  std::vector<Interval> announced;
  std::size_t most_announced_ahead = 0;
  bool fails = false;

 private:
  /// The first that holds these rows: ghost rows are in two.
  [[nodiscard]] std::size_t panel_of(const Interval& rows) const {
    return static_cast<std::size_t>(
        std::ranges::find_if(announced, [&](const Interval& known) { return known.contains(rows); }) -
        announced.begin());
  }

  MemorySource source_;
};

const std::vector<Operator>& blur() {
  static const std::vector<Operator> operators =
      build_pipeline(parse_pipeline("gaussian-blur sigma=2 | invert"));
  return operators;
}

struct Outcome {
  Tile image;
  std::vector<std::size_t> panels;           ///< that each rank announced
  std::vector<std::size_t> announced_ahead;  ///< at most, while rows of one were read
};

Outcome run(const Tile& image, int ranks, bool fails) {
  const Plan plan = make_plan(blur(), info_of(image));
  Outcome outcome;
  outcome.panels.resize(static_cast<std::size_t>(ranks));
  outcome.announced_ahead.resize(static_cast<std::size_t>(ranks));
  run_on_threads(ranks, [&](Communicator& comm) {
    WatchedSource source(image);
    source.fails = fails;
    MemorySink sink(plan.out, 4);
    RunOptions options;
    options.strip_rows = 8;
    options.max_panel_bytes = 16 * plan.out.row_bytes();
    run_plan(plan, &source, sink, comm, options);
    const auto rank = static_cast<std::size_t>(comm.rank());
    outcome.panels[rank] = source.announced.size();
    outcome.announced_ahead[rank] = source.most_announced_ahead;
    if (comm.root()) {
      outcome.image = sink.image();
    }
  });
  return outcome;
}

TEST(ReadAhead, TheNextPanelIsAnnouncedBeforeOneIsRead) {
  const Tile image = make_image({{48, 400}, {Depth::u8, 3, false}}, Pattern::noise, 5);
  const Outcome one = run(image, 1, false);
  EXPECT_EQ(one.panels, std::vector<std::size_t>{1});
  for (const int ranks : {2, 3}) {
    const Outcome several = run(image, ranks, false);
    for (int rank = 0; rank < ranks; ++rank) {
      EXPECT_GT(several.panels[static_cast<std::size_t>(rank)], 4U) << rank;
      EXPECT_EQ(several.announced_ahead[static_cast<std::size_t>(rank)], 1U) << rank;
    }
    EXPECT_EQ(first_difference(several.image, one.image), "no difference");
  }
}

TEST(ReadAhead, WhereItFailsTheRowsAreReadAllTheSame) {
  const Tile image = make_image({{48, 400}, {Depth::u8, 3, false}}, Pattern::noise, 6);
  EXPECT_EQ(first_difference(run(image, 2, true).image, run(image, 1, false).image), "no difference");
}

}  // namespace
}  // namespace tessera::testing
