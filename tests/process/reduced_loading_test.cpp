// SPDX-License-Identifier: Apache-2.0
// Pipelines that begin with a reduction of a JPEG: near what the full picture gives, whoever asks and on however
// many ranks.
#include "process/reduced_loading.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <opencv2/core.hpp>

#include "codec/writer.hpp"
#include "engine/region.hpp"
#include "ops/catalog.hpp"
#include "plan/pipeline.hpp"
#include "process/process.hpp"
#include "support/reference_run.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class ReducedLoading : public ::testing::Test {
 protected:
  ReducedLoading() : folder_(fs::temp_directory_path() / fmt::format("tessera-reduced-{}", getpid())) {
    fs::create_directories(folder_);
    // A photograph, repeated to a size that can be reduced by 8.
    const auto source = open_image(fs::path(TESSERA_PHOTOS_DIR) / "parrots.png");
    const Tile photo = read_whole(*source);
    picture_ = Tile::allocate(Rect::whole({1600, 1200}), photo.info().format);
    for (int y = 0; y < picture_.color.rows; ++y) {
      for (int x = 0; x < picture_.color.cols; ++x) {
        picture_.color.at<cv::Vec3b>(y, x) =
            photo.color.at<cv::Vec3b>(y % photo.color.rows, x % photo.color.cols);
      }
    }
    write("photo.jpg", picture_);
    write("photo.webp", picture_, FileFormat::webp);
    // No side is a multiple of anything that a reader reduces by.
    write("odd.jpg", {Rect::whole({1597, 1195}), picture_.color(cv::Rect(0, 0, 1597, 1195)), {}});
  }
  ~ReducedLoading() override { fs::remove_all(folder_); }

  void write(const std::string& name, const Tile& picture, FileFormat format = FileFormat::jpeg) const {
    const auto sink = open_sink(folder_ / name, picture.info(), {}, {.format = format, .quality = 90});
    for (std::int64_t y = 0; y < picture.rect.height; y += sink->piece_rows()) {
      const std::int64_t end = std::min(picture.rect.height, y + sink->piece_rows());
      sink->append(sink->encode(picture.view(Rect::of_rows({y, end}, picture.rect.width))));
    }
    sink->finish();
  }

  [[nodiscard]] Tile process(const ImageInput& input, const std::string& pipeline, int ranks,
                             int threads) const {
    Tile result;
    run_on_threads(ranks, [&](Communicator& comm) {
      process_image(input, {OutputPixels{comm.root() ? &result : nullptr}},
                    build_pipeline(parse_pipeline(pipeline)), {}, {.comm = comm, .threads = threads});
    });
    return result;
  }
  [[nodiscard]] ImageInput file(const char* name = "photo.jpg") const {
    return ImageInput::file((folder_ / name).string());
  }

  fs::path folder_;
  Tile picture_;
};

double mean_difference(const Tile& a, const Tile& b) {
  cv::Mat difference;
  cv::absdiff(a.color, b.color, difference);
  return cv::mean(difference.reshape(1))[0];
}

const std::vector<std::string> pipelines{"resize 12.5%",
                                         "resize long-edge=90",
                                         "resize width=100 | grayscale | otsu",
                                         "resize 100x100 fit=cover gravity=east",
                                         "resize 60x300 fit=fill method=area",
                                         "resize 120x300 fit=contain background=red",
                                         "resize width=350 method=cubic | invert"};

constexpr std::array names{"photo.jpg", "odd.jpg", "photo.webp"};

TEST_F(ReducedLoading, IsNearTheFullPicture) {
  for (const char* name : names) {
    const auto source = open_image(file(name), {});
    const Tile full = read_whole(*source);
    for (const std::string& pipeline : pipelines) {
      if (pipeline.find("otsu") != std::string::npos) {
        continue;  // a level more may be another side of the threshold
      }
      const Tile expected = process({InputPixels{full}, ""}, pipeline, 1, 2);
      const Tile got = process(file(name), pipeline, 1, 2);
      ASSERT_EQ(got.rect, expected.rect) << name << ": " << pipeline;
      EXPECT_LT(mean_difference(got, expected), 1) << name << ": " << pipeline;
      // Nothing is moved: the last rows and columns are as near as the others.
      const cv::Rect edge_rows(0, got.color.rows - 2, got.color.cols, 2);
      const cv::Rect edge_columns(got.color.cols - 2, 0, 2, got.color.rows);
      for (const cv::Rect& edge : {edge_rows, edge_columns}) {
        cv::Mat difference;
        cv::absdiff(got.color(edge), expected.color(edge), difference);
        EXPECT_LT(cv::mean(difference.reshape(1))[0], 1.5) << name << ": " << pipeline;
      }
    }
  }
}

TEST_F(ReducedLoading, IsTheSameAtAnyCutAndForAPart) {
  for (const char* name : names) {
    for (const std::string& pipeline : pipelines) {
      const Tile expected = process(file(name), pipeline, 1, 1);
      for (const auto& [ranks, threads] : {std::pair{1, 3}, {2, 1}, {4, 2}}) {
        const Tile got = process(file(name), pipeline, ranks, threads);
        EXPECT_EQ(cv::norm(got.color, expected.color, cv::NORM_INF), 0)
            << name << ": " << pipeline << ' ' << ranks << ' ' << threads;
      }
      const auto source = open_image(file(name), {});
      const Plan plan = plan_for_loading(*source, build_pipeline(parse_pipeline(pipeline)), {});
      if (is_local(plan)) {
        const Interval rows{expected.rect.height / 3, expected.rect.height / 2};
        const Tile part = run_rows(plan, rows, *source, 2, {});
        EXPECT_EQ(cv::norm(part.color, expected.view(part.rect).color, cv::NORM_INF), 0)
            << name << ": " << pipeline;
      }
    }
  }
}

TEST_F(ReducedLoading, OfWebPOnlyWhereItIsAlignedAndOpaque) {
  const auto factor = [&](const Tile& picture) {
    write("other.webp", picture, FileFormat::webp);
    const auto source = open_image(file("other.webp"), {});
    return reduce_at_loading(*source, build_pipeline(parse_pipeline("resize width=40")));
  };
  EXPECT_EQ(factor({Rect::whole({800, 600}), picture_.color(cv::Rect(0, 0, 800, 600)), {}}), 8);
  EXPECT_EQ(factor({Rect::whole({804, 604}), picture_.color(cv::Rect(0, 0, 804, 604)), {}}), 4);
  EXPECT_EQ(factor({Rect::whole({801, 600}), picture_.color(cv::Rect(0, 0, 801, 600)), {}}), 1);
  Tile transparent = Tile::allocate(Rect::whole({800, 600}), {Depth::u8, 3, true});
  picture_.color(cv::Rect(0, 0, 800, 600)).copyTo(transparent.color);
  transparent.alpha.setTo(100);
  EXPECT_EQ(factor(transparent), 1);
}

TEST_F(ReducedLoading, IsChosenOnlyForLargeReductionsAtTheBegin) {
  const auto factor = [&](const std::string& pipeline) {
    const auto source = open_image(file(), {});
    return reduce_at_loading(*source, build_pipeline(parse_pipeline(pipeline)));
  };
  EXPECT_EQ(factor("resize width=100"), 8);
  EXPECT_EQ(factor("resize width=101"), 4);
  EXPECT_EQ(factor("resize width=200"), 4);
  EXPECT_EQ(factor("resize width=400"), 2);
  EXPECT_EQ(factor("resize width=401"), 1);
  EXPECT_EQ(factor("resize 100x1200 fit=fill"), 1) << "one side alone does not allow it";
  EXPECT_EQ(factor("resize width=100 method=nearest"), 1);
  EXPECT_EQ(factor("grayscale | resize width=100"), 1);
  EXPECT_EQ(factor("resize width=3200"), 1);
}

}  // namespace
}  // namespace tessera::testing
