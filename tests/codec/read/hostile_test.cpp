// SPDX-License-Identifier: Apache-2.0
// Files that lie, are cut off, or ask for absurd amounts of memory or time.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "support.hpp"

namespace tessera::test {
namespace {

constexpr int exit_read = 0;
constexpr int exit_refused = 1;
constexpr int exit_wrong = 2;

struct Outcome {
  int exit_code = -1;
  int signal = 0;
  long peak_kb = 0;
};

// Reads an image to its end in a process of its own, which has ten seconds.
Outcome read_in_child(const std::filesystem::path& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    try {
      const auto source = open_image(path);
      const ImageInfo info = source->info();
      constexpr std::int64_t strip_rows = 64;
      for (std::int64_t y = 0; y < info.extent.height; y += strip_rows) {
        Tile strip = Tile::allocate(
            Rect::of_rows({y, std::min(y + strip_rows, info.extent.height)}, info.extent.width), info.format);
        source->read_rows(strip);
      }
      ::_exit(exit_read);
    } catch (const Error& error) {
      const bool wrong = error.code() == ErrorCode::internal || error.code() == ErrorCode::io;
      ::_exit(wrong ? exit_wrong : exit_refused);
    } catch (...) {
      ::_exit(exit_wrong);
    }
  }
  Outcome outcome;
  int status = 0;
  struct rusage usage {};
  EXPECT_EQ(::wait4(child, &status, 0, &usage), child);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  outcome.peak_kb = usage.ru_maxrss;
  return outcome;
}

TEST(Hostile, NoBombTakesMemoryOrTime) {
  // A blank page of 100 megapixels, which is no crime; it streams.
  const std::vector<std::string> harmless{"tiff_deflate_100MB_strip.tif"};
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(case_file("bombs-own"))) {
    const std::string name = entry.path().filename().string();
    const Outcome outcome = read_in_child(entry.path());
    const bool may_be_read = std::find(harmless.begin(), harmless.end(), name) != harmless.end();
    EXPECT_EQ(outcome.signal, 0) << name;
    EXPECT_EQ(outcome.exit_code, may_be_read ? exit_read : exit_refused) << name;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    constexpr long max_kb = 256 * 1024;
    EXPECT_LT(outcome.peak_kb, max_kb) << name;
#endif
    ++files;
  }
  EXPECT_EQ(files, 32);
}

TEST(Hostile, ASmallFileOfAWholeImageFormatIsRefusedEvenIfItIsSound) {
  Bytes header = load_file(data_file("rgb8.gif"));
  constexpr int screen_offset = 6;
  for (int i = 0; i < 4; ++i) {
    header[static_cast<std::size_t>(screen_offset + i)] = std::byte{0x40};
  }
  const Refusal refusal = refusal_of(header);
  EXPECT_EQ(refusal.code, ErrorCode::limit_exceeded);
  EXPECT_NE(refusal.sentence.find("16448 x 16448"), std::string::npos) << refusal.sentence;
  EXPECT_NE(refusal.sentence.find("max-expansion"), std::string::npos) << refusal.sentence;
}

// Found by fuzzing: 155 bytes with tiles of one pixel, for which libvips took a minute.
TEST(Hostile, ATiffOfTinyTilesIsRefused) {
  const Refusal refusal = refusal_of(data_file("hostile_tiles_1x1_of_60000x1.tif"));
  EXPECT_EQ(refusal.code, ErrorCode::unsupported_input);
  EXPECT_NE(refusal.sentence.find("tiles"), std::string::npos) << refusal.sentence;
}

TEST(Hostile, ContentDecidesNotTheName) {
  const auto sentence = [](const std::string& name) {
    return refusal_of(case_file("mismatch-own/" + name)).sentence;
  };
  EXPECT_NE(sentence("eps_named.jpg").find("PostScript"), std::string::npos);
  EXPECT_NE(sentence("mvg_text_named.jpg").find("MVG"), std::string::npos);
  EXPECT_NE(sentence("svg_named.png").find("SVG"), std::string::npos);
  EXPECT_NE(sentence("svg_xxe_shape.svg").find("SVG"), std::string::npos);
  EXPECT_NE(sentence("zip_named.png").find("ZIP"), std::string::npos);
  EXPECT_NE(sentence("text.png").find("text"), std::string::npos);
  EXPECT_NE(sentence("signature_only.png").find("PNG"), std::string::npos);
  EXPECT_NE(sentence("one_byte.png"), "");
  EXPECT_NE(sentence("gif_js_polyglot.gif"), "");
  EXPECT_EQ(open_image(case_file("mismatch-own/jpeg_header_named.png"))->info().extent, (Extent{8, 8}));
}

TEST(Hostile, OddNamesAreOnlyNames) {
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(case_file("mismatch-own"))) {
    const std::string name = entry.path().filename().string();
    const bool odd = name.starts_with("long_") || name.find_first_of(" %;") != std::string::npos ||
                     name.starts_with("na\xC3\xAFve") || name == "png_named.jpg" ||
                     name == "png_trailing_html.png";
    if (odd) {
      const Tile pixel = read_whole(entry.path());
      EXPECT_EQ(pixel.color.total(), 1U) << name;
      ++read;
    }
  }
  EXPECT_EQ(read, 7);
}

TEST(Hostile, WhatIsNotAFileIsRefused) {
  EXPECT_EQ(refusal_of(std::filesystem::path("/nonexistent/a.png")).code, ErrorCode::not_found);
  EXPECT_EQ(refusal_of(std::filesystem::temp_directory_path()).code, ErrorCode::unsupported_input);
  EXPECT_EQ(refusal_of(std::filesystem::path("/dev/zero")).code, ErrorCode::unsupported_input);
  const Refusal empty = refusal_of(Bytes());
  EXPECT_EQ(empty.code, ErrorCode::unsupported_input);
  EXPECT_NE(empty.sentence.find("empty"), std::string::npos);
}

TEST(Hostile, AFileWithoutPermissionIsRefused) {
  const auto path =
      std::filesystem::temp_directory_path() / ("tessera_unreadable_" + std::to_string(::getpid()));
  std::ofstream(path) << "P1 1 1 0";
  std::filesystem::permissions(path, std::filesystem::perms::none);
  const pid_t child = ::fork();
  if (child == 0) {
    // Root may read everything.
    constexpr uid_t nobody = 65534;
    if (::geteuid() == 0 && ::setuid(nobody) != 0) {
      ::_exit(exit_wrong);
    }
    ::_exit(refusal_of(path).code == ErrorCode::io ? exit_refused : exit_wrong);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), exit_refused);
  std::filesystem::remove(path);
}

class Truncated : public testing::TestWithParam<const char*> {};

TEST_P(Truncated, IsDamagedAtEveryLength) {
  const Bytes whole = load_file(data_file(GetParam()));
  for (const double share : {0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97}) {
    Bytes part(whole.begin(),
               whole.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(whole.size())));
    const Refusal refusal = refusal_of(std::move(part));
    EXPECT_TRUE(refusal.code == ErrorCode::damaged_input || refusal.code == ErrorCode::unsupported_input)
        << share << ": " << refusal.sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Truncated,
                         testing::Values("rgb8.png", "rgba8_interlaced.png", "rgb8.jpg",
                                         "rgb8_progressive.jpg", "rgb8_none.tif", "rgb8_lzw.tif",
                                         "rgb8_tiled.tif", "gray8_miniswhite.tif", "rgba8_lossless.webp",
                                         "rgb8_lossy.webp", "rgb8.gif", "rgb8.avif", "rgb8.heic", "rgb8.ppm",
                                         "rgb8_plain.ppm", "cmyk_plain.jpg"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

class Salvaged : public testing::TestWithParam<const char*> {};

TEST_P(Salvaged, KeepsTheRowsThatAreThere) {
  Bytes whole = load_file(data_file(GetParam()));
  const Tile expected = read_whole(data_file(GetParam()));
  whole.resize(whole.size() * 7 / 10);
  const auto source = open_image(std::move(whole), {.salvage = true});
  const Tile saved = read_whole(*source, 5);
  const Rect top{0, 0, expected.rect.width, 14};
  EXPECT_EQ(difference(saved.view(top), expected.view(top)), 0);
  EXPECT_NE(difference(saved, expected), 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, Salvaged,
                         testing::Values("rgb8.png", "rgb8.jpg", "rgb8.ppm", "rgb8_plain.ppm", "rgba8.png",
                                         "gray16.pgm"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(Salvage, KeepsTheStartOfABrokenStrip) {
  Bytes whole = load_file(data_file("rgb8_lzw.tif"));
  constexpr std::ptrdiff_t within_the_strip = 5000;
  std::fill_n(whole.begin() + within_the_strip, 100, std::byte{0xFF});
  EXPECT_EQ(refusal_of(whole).code, ErrorCode::damaged_input);
  const Tile saved = read_whole(*open_image(whole, {.salvage = true}));
  const Tile expected = read_whole(data_file("rgb8_lzw.tif"));
  EXPECT_EQ(difference(saved.view({0, 0, 61, 14}), expected.view({0, 0, 61, 14})), 0);
}

TEST(Salvage, FillsWhatIsMissingWithBlackAndOpaque) {
  Bytes whole = load_file(data_file("rgba8.png"));
  whole.resize(whole.size() / 2);
  const auto source = open_image(std::move(whole), {.salvage = true});
  const Tile saved = read_whole(*source);
  EXPECT_EQ(saved.color.at<cv::Vec3b>(46, 60), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(saved.alpha.at<std::uint8_t>(46, 60), 255);
}

TEST(ReadLimits, EachIsHonouredAndNamed) {
  const auto refused = [](const char* name, const ReadLimits& limits, std::string_view number) {
    const Refusal refusal = refusal_of(data_file(name), {.limits = limits});
    EXPECT_EQ(refusal.code, ErrorCode::limit_exceeded) << name;
    EXPECT_NE(refusal.sentence.find(number), std::string::npos) << refusal.sentence;
  };
  for (const char* name : {"rgb8.png", "rgb8.jpg", "rgb8_none.tif", "rgba8_lossless.webp", "rgb8.gif",
                           "rgb8.ppm", "rgb8.avif", "cmyk_plain.jpg"}) {
    refused(name, {.max_pixels = 2866}, "2866");
    refused(name, {.max_side_px = 60}, "60");
    refused(name, {.max_file_bytes = 300}, "300");
  }
  for (const char* name :
       {"rgba8_interlaced.png", "rgb8_progressive.jpg", "rgba8_lossless.webp", "rgb8.gif"}) {
    refused(name, {.max_buffered_bytes = 1000}, "1000");
  }
  refused("rgb8_progressive.jpg", {.max_scans = 2}, "2 scans");
  refused("rgb8_tiled_pyramid.tif", {.max_frames = 1}, "1 are");
}

}  // namespace
}  // namespace tessera::test
