// SPDX-License-Identifier: Apache-2.0
// Which error a run ends with: the one that lies highest in the image, whatever thread met it, and when.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "engine/pixels.hpp"
#include "engine/workers.hpp"
#include "support/errors.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

const ImageInfo image{{64, 4096}, {Depth::u8, 1, false}};

std::string sentence_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// Whether a source's rows are damaged as they are read, or only seen to be when they are finished.
enum class Damage : std::uint8_t { when_read, when_finished };

/// Read in order. From `bad_row` on it is damaged; to be asked again after that is a defect.
class FailingSource final : public Source {
 public:
  FailingSource(std::int64_t bad_row, Damage damage) : bad_row_(bad_row), damage_(damage) {}
  const ImageInfo& info() const override { return image; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return false; }
  void read_rows(Tile& out) override {
    if (failed_) {
      throw Error(ErrorCode::internal, "asked again after it failed");
    }
    if (out.rect.rows().end > bad_row_ && damage_ == Damage::when_read) {
      failed_ = true;
      reading_the_bad_row.count_down();
      go_on.wait();
      throw Error(ErrorCode::damaged_input, "the row is damaged");
    }
    out.color.setTo(cv::Scalar::all(1));
  }
  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override {
    read_rows(out);
    const bool bad =
        damage_ == Damage::when_finished && out.rect.rows().end > bad_row_ && out.rect.y <= bad_row_;
    return std::make_unique<Rest>(bad);
  }

  std::latch reading_the_bad_row{1};
  std::latch go_on{1};

 private:
  class Rest final : public DeferredRows {
   public:
    explicit Rest(bool bad) : bad_(bad) {}
    void finish(Tile&) override {
      if (bad_) {
        throw Error(ErrorCode::damaged_input, "the row is damaged");
      }
    }

   private:
    bool bad_;
  };

  Metadata metadata_;
  std::int64_t bad_row_;
  Damage damage_;
  bool failed_ = false;
};

std::string fetch(SourcePixels& pixels, std::int64_t strip, const Interval& rows) {
  return sentence_of([&] {
    Tile out = Tile::allocate(Rect::of_rows(rows, image.extent.width), image.format);
    pixels.fetch(strip, out);
  });
}

TEST(Failure, OfASourceIsToldToAllWhoNeedRowsFromThereOn) {
  FailingSource source(100, Damage::when_read);
  // Both strips read the rows in the middle.
  SourcePixels pixels(source, {{0, 200}, {100, 300}});
  std::string first;
  std::string second;
  {
    const std::jthread reader([&] { first = fetch(pixels, 0, {0, 200}); });
    source.reading_the_bad_row.wait();
    const std::jthread waiter([&] { second = fetch(pixels, 1, {100, 300}); });
    source.go_on.count_down();
  }
  EXPECT_EQ(first, "the row is damaged");
  EXPECT_EQ(second, "the row is damaged");
  EXPECT_EQ(fetch(pixels, 1, {200, 300}), "the row is damaged");
}

TEST(Failure, OfASourceSparesRowsAboveIt) {
  FailingSource source(2000, Damage::when_read);
  source.go_on.count_down();
  SourcePixels pixels(source, {{0, 300}, {200, 1000}, {900, 2100}});
  EXPECT_EQ(fetch(pixels, 0, {0, 300}), "no error");
  EXPECT_EQ(fetch(pixels, 2, {900, 2100}), "the row is damaged");
  EXPECT_EQ(fetch(pixels, 1, {200, 1000}), "no error");
}

TEST(Failure, OfFinishingRowsIsToldToAllWhoNeedThem) {
  FailingSource source(100, Damage::when_finished);
  SourcePixels pixels(source, {{0, 200}, {100, 300}, {250, 600}});
  EXPECT_EQ(fetch(pixels, 1, {100, 300}), "the row is damaged");
  EXPECT_EQ(fetch(pixels, 0, {0, 200}), "the row is damaged");
  EXPECT_EQ(fetch(pixels, 2, {512, 600}), "no error");
}

TEST(Failure, TheLowestIndexWinsThoughItFailsLast) {
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::atomic<bool> higher_failed{false};
    const std::string sentence = sentence_of([&] {
      for_each_index(3, 100, {}, [&](int, std::int64_t index) {
        if (index == 0) {
          higher_failed.wait(false);
        } else {
          higher_failed = true;
          higher_failed.notify_all();
        }
        throw Error(ErrorCode::internal, std::to_string(index));
      });
    });
    EXPECT_EQ(sentence, "0");
  }
}

TEST(Failure, OfTakingIsTheSameForThoseWhoWait) {
  std::latch taking{1};
  std::latch go_on{1};
  InOrder<Bytes> order(
      [&](const Bytes&) {
        taking.count_down();
        go_on.wait();
        throw Error(ErrorCode::io, "the disk is full");
      },
      1);
  std::string first;
  std::string waiting;
  {
    const std::jthread bringer([&] { first = sentence_of([&] { order.put(0, {}); }); });
    taking.wait();
    const std::jthread waiter([&] { waiting = sentence_of([&] { order.put(1, {}); }); });
    go_on.count_down();
  }
  EXPECT_EQ(first, "the disk is full");
  EXPECT_EQ(waiting, "the disk is full");
  EXPECT_EQ(sentence_of([&] { order.put(2, {}); }), "the disk is full");
}

TEST(Failure, OfAnItemKeepsBackOnlyThoseBehindIt) {
  int taken = 0;
  InOrder<Bytes> order([&](const Bytes&) { ++taken; }, 2);
  order.abandon(3, std::make_exception_ptr(Error(ErrorCode::damaged_input, "three")));
  order.abandon(5, std::make_exception_ptr(Error(ErrorCode::damaged_input, "five")));
  EXPECT_EQ(sentence_of([&] { order.put(9, {}); }), "three");
  order.put(1, {});
  order.put(0, {});
  order.put(2, {});
  EXPECT_EQ(taken, 3);
}

/// A whole run: strips above the damage fail too, in their kernel, when they are told that the source failed.
TEST(Failure, OfARunIsTheTopmost) {
  for (const int threads : {1, 2, 3}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      FailingSource source(3000, Damage::when_read);
      source.go_on.count_down();
      MemorySink sink(image, 16);
      const Plan plan = make_plan({build_operator("gaussian-blur", {{"sigma", 3}})}, image);
      RunOptions options;
      options.threads = threads;
      options.strip_rows = 32;
      const auto comm = make_solo();
      EXPECT_EQ(refusal([&] { run_plan(plan, &source, sink, *comm, options); }, ErrorCode::damaged_input),
                "the row is damaged");
    }
  }
}

}  // namespace
}  // namespace tessera::testing
