// SPDX-License-Identifier: Apache-2.0
#include "preview/preview_engine.hpp"

#include <gtest/gtest.h>

#include <QCoreApplication>
#include <QTemporaryDir>
#include <algorithm>
#include <vector>

#include "codec/reader.hpp"
#include "engine/memory_io.hpp"
#include "test_images.hpp"

namespace tessera::desktop {
namespace {

using testing::picture;
using testing::save_png;
using testing::wait_until;

class PreviewEngineTest : public ::testing::Test {
 protected:
  PreviewEngineTest() {
    QObject::connect(&engine_, &PreviewEngine::result_ready, &engine_,
                     [this](const PreviewResult& result) { results_.push_back(result); });
  }

  PreviewRequest request(const std::string& text, int width = 1600, int height = 1200) {
    const std::filesystem::path file = folder_.filePath(QStringLiteral("%1.png").arg(width)).toStdString();
    if (!std::filesystem::exists(file)) {
      save_png(picture(width, height), file);
    }
    PreviewRequest request;
    request.file = file;
    request.pipeline = text.empty() ? PipelineSteps() : parse_pipeline(text);
    request.viewport = {400, 300};
    return request;
  }

  /// The last result of the newest request.
  PreviewResult final_result(std::uint64_t number) {
    EXPECT_TRUE(wait_until(
        [&] { return !results_.empty() && results_.back().number == number && results_.back().final; }));
    return results_.empty() ? PreviewResult() : results_.back();
  }

  QTemporaryDir folder_;
  std::vector<PreviewResult> results_;
  PreviewEngine engine_{std::make_shared<ImageStore>()};
};

TEST_F(PreviewEngineTest, AFaithfulCopyIsAllThatIsNeeded) {
  const PreviewResult result = final_result(engine_.request(request("gamma gamma=2")));
  EXPECT_EQ(result.quality, PreviewQuality::copy);
  EXPECT_TRUE(result.approximate_because.isEmpty());
  EXPECT_EQ(result.after.full_size, QSize(1600, 1200));
  EXPECT_GE(result.after.scaled.width(), 400);
  EXPECT_LT(result.after.scaled.width(), 800);
  EXPECT_EQ(result.after.scaled.size(), result.before.scaled.size());
}

TEST_F(PreviewEngineTest, WhereACopyIsNotFaithfulTheWholePictureFollows) {
  const PreviewResult result = final_result(engine_.request(request("otsu")));
  EXPECT_EQ(result.quality, PreviewQuality::exact);
  ASSERT_GE(results_.size(), 2U);
  EXPECT_EQ(results_.front().quality, PreviewQuality::copy);
  EXPECT_EQ(results_.front().approximate_because.size(), 1);
  EXPECT_FALSE(results_.front().final);
  // Exactly two levels occur.
  int levels = 0;
  for (const std::uint32_t count : result.histogram_after.counts[0]) {
    levels += count > 0 ? 1 : 0;
  }
  EXPECT_EQ(levels, 2);
}

TEST_F(PreviewEngineTest, NotWhenTheUserDoesNotWantIt) {
  PreviewRequest asked = request("otsu");
  asked.full_size_allowed = false;
  const PreviewResult result = final_result(engine_.request(asked));
  EXPECT_EQ(result.quality, PreviewQuality::copy);
  EXPECT_EQ(result.approximate_because.size(), 1);
}

TEST_F(PreviewEngineTest, CloseUpShowsTheRealPixels) {
  PreviewRequest asked = request("gaussian-blur sigma=3 | sharpen", 3000, 2000);
  asked.zoom = 1;
  asked.visible = {900, 700, 300, 200};
  const PreviewResult result = final_result(engine_.request(asked));
  EXPECT_EQ(result.quality, PreviewQuality::region);
  ASSERT_FALSE(result.after.detail.isNull());
  EXPECT_TRUE(result.after.detail_rect.contains(asked.visible));
  const Tile whole =
      run_in_memory(make_plan(build_pipeline(asked.pipeline), {{3000, 2000}, {}}), picture(3000, 2000), {})
          .pixels;
  for (const QPoint at : {QPoint(900, 700), QPoint(1199, 899), QPoint(1050, 800)}) {
    const auto pixel = whole.color.at<cv::Vec3b>(at.y(), at.x());
    const QColor shown = result.after.detail.pixelColor(at - result.after.detail_rect.topLeft());
    EXPECT_NEAR(shown.red(), pixel[0], 1);
    EXPECT_NEAR(shown.green(), pixel[1], 1);
    EXPECT_NEAR(shown.blue(), pixel[2], 1);
  }
}

TEST_F(PreviewEngineTest, CloseUpOfAGlobalOperatorIsExactToo) {
  PreviewRequest asked = request("equalize", 3000, 2000);
  asked.zoom = 1;
  asked.visible = {900, 700, 300, 200};
  PreviewResult result = final_result(engine_.request(asked));
  EXPECT_EQ(result.quality, PreviewQuality::exact);
  EXPECT_TRUE(result.after.detail_rect.contains(asked.visible));
  // Looking elsewhere takes no further run.
  results_.clear();
  asked.visible.translate(1000, 500);
  result = final_result(engine_.request(asked));
  EXPECT_EQ(results_.size(), 1U);
  EXPECT_EQ(result.quality, PreviewQuality::exact);
  EXPECT_TRUE(result.after.detail_rect.contains(asked.visible));
}

TEST_F(PreviewEngineTest, TheNewestRequestWins) {
  // Were it not abandoned, the others would wait for minutes.
  std::uint64_t last = engine_.request(request("non-local-means strength=10 search-radius=20", 5000, 4000));
  const std::uint64_t abandoned = last;
  for (int i = 1; i <= 50; ++i) {
    last = engine_.request(request("gaussian-blur sigma=" + std::to_string(i)));
  }
  const PreviewResult result = final_result(last);
  EXPECT_EQ(result.number, last);
  EXPECT_TRUE(std::ranges::none_of(
      results_, [&](const PreviewResult& told) { return told.number == abandoned && told.final; }));
  for (std::size_t i = 1; i < results_.size(); ++i) {
    EXPECT_GE(results_[i].number, results_[i - 1].number);
  }
}

TEST_F(PreviewEngineTest, WhatCannotRunIsToldInASentence) {
  const PreviewResult refused = final_result(engine_.request(request("crop x=100000")));
  EXPECT_TRUE(refused.error.contains("crop")) << refused.error.toStdString();
  EXPECT_FALSE(refused.before.scaled.isNull());
  PreviewRequest gone = request("flip");
  gone.file = folder_.filePath("nothing.png").toStdString();
  const PreviewResult missing = final_result(engine_.request(gone));
  EXPECT_TRUE(missing.error.contains("nothing.png")) << missing.error.toStdString();
}

TEST_F(PreviewEngineTest, ShapesThatChangeAreKnownBeforeTheyAreMade) {
  const PreviewResult result =
      final_result(engine_.request(request("crop x=100 width=800 height=1000 | resize width=400")));
  EXPECT_EQ(result.after.full_size, QSize(400, 500));
  EXPECT_EQ(result.out.extent, (Extent{400, 500}));
}

TEST_F(PreviewEngineTest, APictureTooBigToHoldIsShownFromASmallCopy) {
  PreviewEngine small(std::make_shared<ImageStore>(1 << 20));
  std::vector<PreviewResult> results;
  QObject::connect(&small, &PreviewEngine::result_ready, &small,
                   [&](const PreviewResult& result) { results.push_back(result); });
  PreviewRequest asked = request("gamma gamma=2", 5000, 3000);
  small.request(asked);
  ASSERT_TRUE(wait_until([&] { return !results.empty() && results.back().final; }));
  EXPECT_EQ(results.back().after.full_size, QSize(5000, 3000));
  EXPECT_FALSE(results.back().after.scaled.isNull());
  EXPECT_TRUE(results.back().error.isEmpty());
}

TEST_F(PreviewEngineTest, ADestroyedEngineStopsAtOnce) {
  auto engine = std::make_unique<PreviewEngine>(std::make_shared<ImageStore>());
  bool delivered = false;
  QObject::connect(engine.get(), &PreviewEngine::result_ready, engine.get(), [&] { delivered = true; });
  engine->request(request("non-local-means strength=10 search-radius=20"));
  engine.reset();
  QCoreApplication::processEvents();
  EXPECT_FALSE(delivered);
}

}  // namespace
}  // namespace tessera::desktop
