// SPDX-License-Identifier: Apache-2.0
// The library as other programs use it: its installed headers and nothing else. What it gives is held against
// the command's bytes.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <tessera/tessera.hpp>
#include <thread>

namespace {

namespace fs = std::filesystem;
using tessera::Image;
using tessera::Pixels;

std::vector<std::byte> bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

bool same(const Pixels& a, const Pixels& b) {
  if (a.info() != b.info()) {
    return false;
  }
  for (std::int64_t y = 0; y < a.info().extent.height; ++y) {
    if (std::memcmp(a.row(y), b.row(y), static_cast<std::size_t>(a.info().row_bytes())) != 0) {
      return false;
    }
  }
  return true;
}

/// The pixels of a part, byte by byte.
Pixels cut(const Pixels& whole, const tessera::Rect& part) {
  Pixels result({{part.width, part.height}, whole.info().format});
  const std::int64_t pixel = whole.info().format.bytes_per_pixel();
  for (std::int64_t y = 0; y < part.height; ++y) {
    std::memcpy(result.row(y), whole.row(part.y + y) + part.x * pixel,
                static_cast<std::size_t>(part.width * pixel));
  }
  return result;
}

Pixels pattern(const tessera::ImageInfo& info) {
  Pixels pixels(info);
  for (std::int64_t y = 0; y < info.extent.height; ++y) {
    for (std::int64_t i = 0; i < info.row_bytes(); ++i) {
      pixels.row(y)[i] = static_cast<std::byte>((y * 37 + i * 11 + (y * i) / 7) & 255);
    }
  }
  return pixels;
}

std::optional<tessera::ErrorCode> code_of(const std::function<void()>& work,
                                          std::string* sentence = nullptr) {
  try {
    work();
  } catch (const tessera::Error& error) {
    if (sentence != nullptr) {
      *sentence = error.what();
    }
    return error.code();
  }
  return std::nullopt;
}

class Library : public ::testing::Test {
 protected:
  Library() {
    std::string pattern = (fs::temp_directory_path() / "tessera-library-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Library() override { fs::remove_all(folder_); }

  fs::path folder_;
  const fs::path photo_ = fs::path(TESSERA_PHOTOS_DIR) / "parrots.png";
};

TEST_F(Library, SavesTheBytesOfTheCommand) {
  for (const char* pipeline : {"median size=5 | otsu", "resize width=300 | unsharp-mask",
                               "canny low=40 high=120", "rotate angle=7"}) {
    for (const char* name : {"result.png", "result.jpg", "result.tif", "result.webp"}) {
      const fs::path ours = folder_ / name;
      const fs::path expected = folder_ / (std::string("command-") + name);
      const std::string command = std::string(TESSERA_PROGRAM) + " apply '" + pipeline + "' '" +
                                  photo_.string() + "' -o '" + expected.string() + "' --quiet --force";
      ASSERT_EQ(std::system(command.c_str()), 0) << command;
      const tessera::Report report = Image::open(photo_).apply(pipeline).save(ours, {}, {.threads = 3});
      EXPECT_EQ(bytes_of(ours), bytes_of(expected)) << pipeline << " " << name;
      EXPECT_EQ(report.output_bytes, static_cast<std::int64_t>(fs::file_size(expected)));
    }
  }
}

TEST_F(Library, EncodesInMemoryWhatItSaves) {
  const Image image = Image::open(photo_).apply("sharpen");
  const tessera::SaveOptions options{.format = "jpg", .quality = 70};
  image.save(folder_ / "a.jpg", options);
  tessera::Report report;
  const auto encoded = image.encode(options, {}, &report);
  EXPECT_EQ(encoded, bytes_of(folder_ / "a.jpg"));
  EXPECT_EQ(report.output_bytes, static_cast<std::int64_t>(encoded.size()));
  EXPECT_TRUE(same(Image::from_bytes(encoded).pixels(), Image::open(folder_ / "a.jpg").pixels()));
}

TEST_F(Library, WritesTiffWithSmallerLevelsInMemoryToo) {
  const Image image = Image::open(photo_);
  const tessera::SaveOptions options{
      .format = "tif", .compression = "lzw", .tile = 64, .bigtiff = true, .pyramid = true};
  image.save(folder_ / "a.tif", options);
  EXPECT_EQ(image.encode(options), bytes_of(folder_ / "a.tif"));
  EXPECT_TRUE(same(Image::open(folder_ / "a.tif").pixels(), image.pixels()));
}

TEST_F(Library, PixelsGoInAndComeOutAsTheyWere) {
  for (const tessera::Depth depth : {tessera::Depth::u8, tessera::Depth::u16}) {
    for (const int channels : {1, 3}) {
      for (const bool alpha : {false, true}) {
        const Pixels pixels = pattern({{53, 31}, {depth, channels, alpha}});
        EXPECT_TRUE(same(Image::from_pixels(pixels).pixels(), pixels)) << pixels.info().format.describe();
        const auto png = Image::from_pixels(pixels).encode();
        EXPECT_TRUE(same(Image::from_bytes(png).pixels(), pixels)) << pixels.info().format.describe();
      }
    }
  }
}

TEST_F(Library, RowsMayLieApart) {
  const Pixels close = pattern({{20, 10}, {}});
  std::vector<std::byte> memory(100 * 10);
  for (int y = 0; y < 10; ++y) {
    std::memcpy(memory.data() + 100 * y, close.row(y), 60);
  }
  const Pixels apart(close.info(), memory.data(), 100);
  EXPECT_TRUE(same(Image::from_pixels(apart).apply("gaussian-blur sigma=2").pixels(),
                   Image::from_pixels(close).apply("gaussian-blur sigma=2").pixels()));
}

TEST_F(Library, MemoryLivesAsLongAsItsImage) {
  std::weak_ptr<const void> watched;
  std::optional<Image> image;
  {
    const auto memory = std::make_shared<std::vector<std::byte>>(30);
    watched = memory;
    image = Image::from_pixels({{{10, 1}, {}}, memory->data(), 30, memory}).apply("invert");
  }
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(image->pixels().row(0)[29], std::byte{255});
  image.reset();
  EXPECT_TRUE(watched.expired());
}

TEST_F(Library, PartsAreCutFromTheWhole) {
  const Image photo = Image::open(photo_);
  for (const char* pipeline : {"gaussian-blur sigma=3 | sharpen", "rotate angle=20 expand=true", "otsu",
                               "resize width=200", "gaussian-blur border=wrap", "canny"}) {
    const Image image = photo.apply(pipeline);
    const Pixels whole = image.pixels();
    const auto [width, height] = image.info().extent;
    for (const tessera::Rect& part :
         {tessera::Rect{0, 0, 1, 1}, tessera::Rect{width - 1, height - 1, 1, 1},
          tessera::Rect{width / 3, height / 4, width / 2, height / 2}, tessera::Rect{0, 0, width, height}}) {
      EXPECT_TRUE(same(image.pixels(part), cut(whole, part)))
          << pipeline << " " << part.x << "," << part.y << " " << part.width << "x" << part.height;
    }
  }
  EXPECT_EQ(code_of([&] {
              static_cast<void>(photo.pixels(tessera::Rect{0, 0, 1 << 20, 1}));
            }),
            tessera::ErrorCode::usage);
}

TEST_F(Library, PipelinesAreTextAndJsonAndCompose) {
  const tessera::Pipeline both = tessera::Pipeline("median size=5") | tessera::Pipeline("otsu");
  EXPECT_EQ(both.text(), "median size=5 | otsu");
  EXPECT_EQ(both.operators(), (std::vector<std::string>{"median", "otsu"}));
  EXPECT_EQ(tessera::Pipeline(both.json()).text(), both.text());
  EXPECT_EQ(Image::open(photo_).apply("median size=5").apply("otsu").pipeline().text(), both.text());
  EXPECT_TRUE(tessera::Pipeline().operators().empty());
  EXPECT_NE(tessera::operators_json().find("gaussian-blur"), std::string::npos);
}

TEST_F(Library, SaysTheSizeBeforeAnythingIsComputed) {
  const Image small = Image::open(photo_).apply("resize width=100 height=50 fit=fill | grayscale");
  EXPECT_EQ(small.info().extent, (tessera::Extent{100, 50}));
  EXPECT_EQ(small.info().format.channels, 1);
}

TEST_F(Library, FindsWithoutAPicture) {
  const tessera::Report report = Image::open(photo_).apply("threshold value=128 | label").find();
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings.front().operator_name, "label");
  EXPECT_GT(report.findings.front().rows(), 0);
}

TEST_F(Library, ErrorsHaveCodesAndSentences) {
  std::string sentence;
  EXPECT_EQ(code_of([&] { static_cast<void>(Image::open(folder_ / "none.png")); }, &sentence),
            tessera::ErrorCode::not_found);
  EXPECT_NE(sentence.find("none.png"), std::string::npos) << sentence;
  std::ofstream(folder_ / "text.png") << "not an image";
  EXPECT_EQ(code_of([&] { static_cast<void>(Image::open(folder_ / "text.png")); }),
            tessera::ErrorCode::unsupported_input);
  EXPECT_EQ(code_of([&] { static_cast<void>(tessera::Pipeline("gausian-blur")); }, &sentence),
            tessera::ErrorCode::unknown_operator);
  EXPECT_NE(sentence.find("gaussian-blur"), std::string::npos) << sentence;
  EXPECT_EQ(code_of([&] { static_cast<void>(Image::open(photo_).apply("crop x=1000000")); }),
            tessera::ErrorCode::bad_parameter);
  EXPECT_EQ(code_of([&] {
              static_cast<void>(Image::open(photo_, {.limits = {{"max-pixels", 100}}}));
            }),
            tessera::ErrorCode::limit_exceeded);
  EXPECT_EQ(code_of(
                [&] {
                  static_cast<void>(Image::open(photo_, {.limits = {{"max-piksels", 100}}}));
                },
                &sentence),
            tessera::ErrorCode::usage);
  EXPECT_NE(sentence.find("max-piksels"), std::string::npos) << sentence;
  EXPECT_EQ(code_of([&] { Image::open(photo_).save(folder_ / "a.gif"); }), tessera::ErrorCode::usage);
  EXPECT_EQ(code_of([&] { Image::open(photo_).save(folder_ / "a.png", {.quality = 101}); }),
            tessera::ErrorCode::usage);
  EXPECT_EQ(code_of([&] { static_cast<void>(Image::from_pixels({})); }), tessera::ErrorCode::usage);
  EXPECT_FALSE(fs::exists(folder_ / "a.png"));
  EXPECT_EQ(tessera::error_name(tessera::ErrorCode::limit_exceeded), "limit-exceeded");
}

TEST_F(Library, TellsHowFarItIsAndStops) {
  const Image image = Image::open(photo_).apply("median size=9 | otsu");
  double last = 0;
  bool rises = true;
  static_cast<void>(image.pixels({.progress = [&](const tessera::Progress& progress) {
    rises = rises && progress.fraction >= last;
    last = progress.fraction;
  }}));
  EXPECT_TRUE(rises);
  EXPECT_EQ(last, 1);

  std::stop_source stop;
  EXPECT_EQ(code_of([&] {
              image.save(folder_ / "stopped.png", {},
                         {.progress = [&](const tessera::Progress&) { stop.request_stop(); },
                          .stop = stop.get_token()});
            }),
            tessera::ErrorCode::cancelled);
  EXPECT_FALSE(fs::exists(folder_ / "stopped.png"));
}

TEST_F(Library, ThreadsMayShareAnImage) {
  const Image image = Image::open(photo_).apply("gaussian-blur sigma=4 | otsu");
  const Pixels expected = image.pixels({.threads = 1});
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        const tessera::Rect part{10 * i, 7 * i, 60, 40};
        right +=
            same(image.pixels({.threads = 1}), expected) && same(image.pixels(part), cut(expected, part));
      });
    }
  }
  EXPECT_EQ(right, 4);
}

TEST_F(Library, ReadsWhatNeedsTheModule) {
  // WebP is read through a module that lies beside the library.
  Image::open(photo_).apply("resize width=64").save(folder_ / "a.webp");
  EXPECT_EQ(Image::open(folder_ / "a.webp").info().extent.width, 64);
}

}  // namespace
