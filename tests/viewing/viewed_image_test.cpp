// SPDX-License-Identifier: Apache-2.0
// What viewers see of an image: held against runs over the whole image.
#include "viewing/viewed_image.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "base/file_descriptor.hpp"
#include "engine/region.hpp"
#include "ops/geometry/halve.hpp"
#include "support/errors.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

constexpr ImageInfo rgb{{181, 263}, {Depth::u8, 3, false}};

/// An image in a file without a name.
class ImageFile {
 public:
  ImageFile(const Tile& image, const OutputOptions& output)
      : path_(std::filesystem::temp_directory_path() / fmt_name()) {
    const auto alone = make_solo();
    process_image({InputPixels{image}, "the image"}, ImageOutput::file(path_.string()), {},
                  {.output = output, .limits = {}}, {*alone});
    file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    std::filesystem::remove(path_);
  }
  [[nodiscard]] int descriptor() const { return file_.get(); }

 private:
  static std::string fmt_name() {
    static int count = 0;
    return "viewed-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  }
  std::filesystem::path path_;
  FileDescriptor file_;
};

OutputOptions tiled(bool pyramid) {
  OutputOptions output;
  output.format = FileFormat::tiff;
  output.tile_size = 64;
  output.pyramid = pyramid;
  return output;
}

OutputOptions png() {
  OutputOptions output;
  output.format = FileFormat::png;
  return output;
}

ViewedImage view(const ImageFile& file, const PipelineSteps& pipeline = {}, const ViewLimits& limits = {},
                 std::int64_t cache_bytes = std::int64_t{64} << 20) {
  return {file.descriptor(), "image", pipeline, limits, std::make_shared<RowCache>(cache_bytes), 2};
}

Tile whole_run(const std::vector<Operator>& operators, const Tile& image) {
  return run_engine(operators, image, 1, {.threads = 2}).image;
}

ViewPart at_full_size(const Rect& region) { return {region, {region.width, region.height}}; }

void expect_equal(const Tile& part, Tile expected, const std::string& what) {
  expected.rect = Rect::whole({expected.rect.width, expected.rect.height});
  ASSERT_EQ(part.rect, expected.rect) << what;
  EXPECT_EQ(difference(part, expected), 0) << what << ": " << first_difference(part, expected);
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  Rect rectangle(const Extent& extent) {
    const std::int64_t width = between(1, extent.width);
    const std::int64_t height = between(1, extent.height);
    return {between(0, extent.width - width), between(0, extent.height - height), width, height};
  }

 private:
  std::mt19937 engine_;
};

TEST(ViewedImage, RegionsOfEachLocalOperatorAreThoseOfTheWholeRun) {
  const ImageInfo info{{93, 71}, {Depth::u8, 3, false}};
  const Tile image = make_image(info, Pattern::photo_like, 11);
  const ImageFile in_any_order(image, tiled(false));
  const ImageFile in_order(image, png());
  Random random(5);
  int viewed = 0;
  int refused = 0;
  for (const CatalogEntry& entry : catalog()) {
    std::vector<Json> parameter_sets = entry.samples(info.extent);
    if (entry.random_parameters) {
      parameter_sets.push_back(Json::object());
    }
    for (const Json& parameters : parameter_sets) {
      const std::string what = std::string(entry.info.name) + " " + parameters.dump();
      const PipelineSteps steps{{std::string(entry.info.name), parameters}};
      std::vector<Operator> operators;
      try {
        operators = build_pipeline(steps);
      } catch (const Error&) {
        continue;  // it names another image, which no request can
      }
      if (!is_local(make_plan(operators, info))) {
        EXPECT_EQ(code_of([&] { static_cast<void>(view(in_any_order, steps)); }), ErrorCode::bad_parameter)
            << what;
        ++refused;
        continue;
      }
      const Tile whole = whole_run(operators, image);
      for (const ImageFile* const file : {&in_any_order, &in_order}) {
        const ViewedImage viewed_image = view(*file, steps);
        for (int round = 0; round < 3; ++round) {
          const Rect region = random.rectangle(viewed_image.info().extent);
          expect_equal(viewed_image.pixels(at_full_size(region)), whole.view(region), what);
        }
      }
      ++viewed;
    }
  }
  EXPECT_GT(viewed, 30);
  EXPECT_GT(refused, 5);
}

TEST(ViewedImage, ScaledPartsAreWhatCropAndResizeMakeOfTheProcessedImage) {
  const Tile image = make_image(rgb, Pattern::photo_like, 3);
  const ImageFile file(image, tiled(true));
  const char* const text = "gaussian-blur sigma=2 | gamma gamma=1.4";
  const ViewedImage viewed = view(file, parse_pipeline(text));
  Random random(8);
  for (int round = 0; round < 20; ++round) {
    const Rect region = random.rectangle(rgb.extent);
    const Extent size{random.between(1, region.width), random.between(1, region.height)};
    const std::string whole = std::string(text) + " | crop x=" + std::to_string(region.x) +
                              " y=" + std::to_string(region.y) + " width=" + std::to_string(region.width) +
                              " height=" + std::to_string(region.height) +
                              " | resize width=" + std::to_string(size.width) +
                              " height=" + std::to_string(size.height) + " fit=fill method=area";
    expect_equal(viewed.pixels({region, size}), whole_run(build_pipeline(parse_pipeline(whole)), image),
                 whole);
  }
}

TEST(ViewedImage, LevelsOfThePyramidAreUsedWhereTheyFit) {
  // Odd on both sides at every level.
  const Tile image = make_image(rgb, Pattern::noise, 4);
  const ImageFile file(image, tiled(true));
  const ViewedImage viewed = view(file);
  ASSERT_EQ(viewed.level_extents(), (std::vector<Extent>{{91, 132}, {46, 66}, {23, 33}}));
  Tile level = image;
  for (const Extent& extent : viewed.level_extents()) {
    level = whole_run({make_operator(Halve{})}, level);
    expect_equal(viewed.pixels({Rect::whole(rgb.extent), extent}), level, "the whole level");
  }
  // A part of the first level, up to the lower right corner.
  const Tile half = whole_run({make_operator(Halve{})}, image);
  expect_equal(viewed.pixels({{64, 128, 117, 135}, {59, 68}}), half.view({32, 64, 59, 68}), "a corner");
  // Edges between that level's pixels: made from the picture itself.
  const ImageFile plain(image, tiled(false));
  const ViewPart odd{{63, 128, 60, 80}, {30, 40}};
  expect_equal(viewed.pixels(odd), view(plain).pixels(odd), "an odd edge");
  EXPECT_TRUE(view(plain).level_extents().empty());
}

TEST(ViewedImage, IsMirroredThenTurnedAndItsColoursReduced) {
  const Tile image = make_image({{40, 30}, {Depth::u8, 3, false}}, Pattern::photo_like, 9);
  const ImageFile file(image, png());
  ViewPart part{{8, 4, 20, 24}, {10, 12}};
  part.mirrored = true;
  part.quarter_turns = 1;
  part.quality = ViewQuality::bitonal;
  const Bytes encoded = view(file).encode(part, png());
  const Tile seen = read_whole(*open_image(encoded));
  const Tile expected = whole_run(
      build_pipeline(parse_pipeline("crop x=8 y=4 width=20 height=24 | resize width=10 height=12 fit=fill "
                                    "method=area | flip | rotate angle=90 | grayscale | threshold")),
      image);
  expect_equal(seen, expected, "finished");
}

TEST(ViewedImage, RefusesWhatCostsTooMuch) {
  const Tile image = make_image(rgb, Pattern::photo_like, 3);
  const ImageFile any_order(image, tiled(false));
  const ImageFile in_order(image, png());
  ViewLimits limits;
  limits.max_read_pixels = rgb.extent.width * 60;
  limits.max_part_pixels = 2000;
  const ViewedImage viewed = view(any_order, {}, limits);
  EXPECT_EQ(viewed.pixels(at_full_size({0, 0, 20, 60})).rect.height, 60);
  const std::string sentence = refusal(
      [&] {
        static_cast<void>(viewed.pixels(at_full_size({0, 0, 20, 61})));
      },
      ErrorCode::limit_exceeded);
  EXPECT_NE(sentence.find("needs 11041 pixels of the file, and 10860 may be read"), std::string::npos)
      << sentence;
  EXPECT_EQ(code_of([&] {
              static_cast<void>(viewed.pixels(at_full_size({0, 0, 100, 21})));
            }),
            ErrorCode::limit_exceeded);
  EXPECT_EQ(code_of([&] {
              static_cast<void>(viewed.pixels(at_full_size({100, 0, 100, 10})));
            }),
            ErrorCode::bad_parameter);
  // What a pipeline reads around the part counts.
  EXPECT_EQ(code_of([&] {
              static_cast<void>(view(any_order, parse_pipeline("box-blur radius=20"), limits)
                                    .pixels(at_full_size({0, 100, 10, 30})));
            }),
            ErrorCode::limit_exceeded);
  // All of an image that is read from its top counts.
  EXPECT_EQ(code_of([&] {
              static_cast<void>(view(in_order, {}, limits).pixels(at_full_size({0, 0, 1, 1})));
            }),
            ErrorCode::limit_exceeded);
  EXPECT_EQ(code_of([&] { static_cast<void>(view(in_order, {}, {}, 1000)); }), ErrorCode::limit_exceeded);
}

TEST(RowCache, KeepsNoMoreThanItMayAndReadsAgainWhatItDropped) {
  const Tile image = make_image({{50, 2000}, {Depth::u8, 3, false}}, Pattern::noise, 2);
  for (const bool any_order : {true, false}) {
    // Two of eight blocks.
    const auto cache = std::make_shared<RowCache>(2 * 256 * 50 * 3);
    CachedSource source(std::make_unique<MemorySource>(image, any_order), cache);
    Random random(6);
    for (int round = 0; round < 60; ++round) {
      const std::int64_t y = random.between(0, 1999);
      const Rect rows = Rect::of_rows({y, std::min<std::int64_t>(2000, y + random.between(1, 600))}, 50);
      Tile out = Tile::allocate(rows, source.info().format);
      source.read_rows(out);
      EXPECT_EQ(difference(out, image.view(rows)), 0) << rows.y << " " << rows.height;
    }
  }
}

}  // namespace
}  // namespace tessera::testing
