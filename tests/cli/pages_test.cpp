// SPDX-License-Identifier: Apache-2.0
// Which of the pictures in a TIFF a command is about.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tessera::testing {
namespace {

using nlohmann::json;

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

/// A gray picture as the next directory of the file, by libtiff rather than by us.
void add_picture(TIFF* tiff, std::uint32_t width, std::uint32_t height, bool reduced) {
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, reduced ? FILETYPE_REDUCEDIMAGE : 0);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, height);
  std::vector<unsigned char> row(width, 100);
  for (std::uint32_t y = 0; y < height; ++y) {
    ASSERT_EQ(TIFFWriteScanline(tiff, row.data(), y, 0), 1);
  }
  ASSERT_EQ(TIFFWriteDirectory(tiff), 1);
}

class Pages : public ::testing::Test {
 protected:
  void SetUp() override {
    TIFF* const tiff = TIFFOpen(file.c_str(), "w");
    ASSERT_NE(tiff, nullptr);
    add_picture(tiff, 60, 40, false);
    add_picture(tiff, 80, 50, false);
    add_picture(tiff, 40, 25, true);
    add_picture(tiff, 20, 13, true);
    add_picture(tiff, 30, 30, false);
    TIFFClose(tiff);
  }
  TemporaryFolder folder;
  std::string file = folder / "pages.tif";
};

TEST_F(Pages, InfoListsThemWithTheirSizes) {
  const Outcome text = run_program({"info", file});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  for (const char* part : {"Page 1", "Page 2", "80 x 50 pixels", " Overview 2", "20 x 13 pixels", "Page 3"}) {
    expect_has(text.out, part);
  }
  const json info = json::parse(run_program({"info", file, "--json"}).out)[0];
  EXPECT_EQ(info["width"], 60);
  ASSERT_EQ(info["pages"].size(), 3U);
  EXPECT_EQ(info["pages"][1]["height"], 50);
  EXPECT_EQ(info["pages"][0]["overviews"].size(), 0U);
  ASSERT_EQ(info["pages"][1]["overviews"].size(), 2U);
  EXPECT_EQ(info["pages"][1]["overviews"][0]["width"], 40);
  EXPECT_EQ(info["pages"][2]["width"], 30);
}

TEST_F(Pages, AreChosenByInfoAndExplain) {
  EXPECT_EQ(json::parse(run_program({"info", file, "--page", "2", "--json"}).out)[0]["width"], 80);
  const json overview =
      json::parse(run_program({"info", file, "--page", "2", "--overview", "1", "--json"}).out)[0];
  EXPECT_EQ(overview["width"], 40);
  EXPECT_EQ(overview["overview"], 1);
  expect_has(run_program({"explain", "invert", file, "--page", "3"}).out, "30x30");
  expect_has(run_program({"explain", "invert", file, "--page", "2", "--overview", "2"}).out, "20x13");
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"info", file, "--page", "4"},
                                                {"info", file, "--page", "0"},
                                                {"explain", "invert", file, "--overview", "1"},
                                                {"explain", "invert", "--page", "2"}}) {
    const Outcome outcome = run_program(wrong);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err.rfind("tessera: ", 0), 0U) << outcome.err;
  }
  write_file(folder / "one.ppm", pnm(8, 8, 1));
  EXPECT_FALSE(json::parse(run_program({"info", folder / "one.ppm", "--json"}).out)[0].contains("pages"));
}

}  // namespace
}  // namespace tessera::testing
