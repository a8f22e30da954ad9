// SPDX-License-Identifier: Apache-2.0
// Folders, names of results, and what is done with files that exist.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "program.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

/// A tree of images and other files.
class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder / "in/2024/summer");
    fs::create_directories(folder / "in/.hidden");
    for (const char* name : {"in/a.ppm", "in/2024/b.ppm", "in/2024/summer/b.ppm", "in/.hidden/c.ppm"}) {
      write_file(folder / name, pnm(24, 16, 3));
    }
    write_file(folder / "in/notes.txt", "no image");
  }
  bool there(const std::string& name) const { return fs::exists(folder / name); }
  TemporaryFolder folder;
};

TEST_F(Files, FoldersAreSearchedAndTheirTreeIsKept) {
  const Outcome outcome = run_program(
      {"apply", "invert", "-r", folder / "in", "-o", folder / "out", "-f", "png", "--suffix", "-inv"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(there("out/a-inv.png"));
  EXPECT_TRUE(there("out/2024/b-inv.png"));
  EXPECT_TRUE(there("out/2024/summer/b-inv.png"));
  EXPECT_FALSE(there("out/.hidden"));
  expect_has(outcome.out, "3 images in ");
  expect_has(outcome.out, "1 file left out that is no image");
}

TEST_F(Files, AFolderThatIsNotSearchedSaysHow) {
  const Outcome outcome = run_program({"apply", "invert", folder / "in", "-o", folder / "out/"});
  EXPECT_EQ(outcome.exit_code, 2);
  expect_has(outcome.err, "add -r");
  const Outcome empty =
      run_program({"apply", "invert", "-r", folder / "in/.hidden/..", "-o", folder / "out/"});
  EXPECT_EQ(empty.exit_code, 0) << empty.err;
}

TEST_F(Files, OneBadEntryDoesNotStopTheRest) {
  const Outcome outcome = run_program({"apply", "invert", folder / "in/2024", folder / "in/notes.txt",
                                       folder / "in/a.ppm", "-o", folder / "out/", "-f", "png"});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_TRUE(there("out/a.png"));
  expect_has(outcome.out, "1 image in ");
  expect_has(outcome.out, "2 failed");
}

TEST_F(Files, NamesFollowATemplate) {
  ASSERT_EQ(run_program({"apply", "invert", "-r", folder / "in", "-o",
                         folder / "web/{folder}/{stem}-small.{ext}", "-f", "jpg", "--quiet"})
                .exit_code,
            0);
  EXPECT_TRUE(there("web/a-small.jpg"));
  EXPECT_TRUE(there("web/2024/summer/b-small.jpg"));
  const Outcome twice = run_program(
      {"apply", "invert", "-r", folder / "in", "-o", folder / "flat/{name}", "-f", "jpg", "--quiet"});
  EXPECT_EQ(twice.exit_code, 2);
  expect_has(twice.err, "Two inputs");
  const Outcome unknown =
      run_program({"apply", "invert", folder / "in/a.ppm", "-o", folder / "{stem}{size}.png"});
  EXPECT_EQ(unknown.exit_code, 2);
  expect_has(unknown.err, "{size}");
  expect_has(unknown.err, "{stem}, {ext}, {name}, {folder}");
}

TEST_F(Files, WhatExistsIsSkippedOnDemand) {
  const std::vector<std::string> command{"apply", "invert",       "-r", folder / "in",
                                         "-o",    folder / "out", "-f", "png"};
  ASSERT_EQ(run_program(command).exit_code, 0);
  EXPECT_EQ(run_program(command).exit_code, 2);
  fs::remove(folder / "out/a.png");
  std::vector<std::string> again = command;
  again.emplace_back("--skip-existing");
  const Outcome outcome = run_program(again);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(there("out/a.png"));
  expect_has(outcome.out, "1 image in ");
  expect_has(outcome.out, "2 skipped because the result exists");
}

TEST_F(Files, ADryRunWritesNothing) {
  const Outcome outcome =
      run_program({"apply", "invert", "-r", folder / "in", "-o", folder / "out", "-f", "png", "--dry-run"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_has(outcome.out, fmt::format("{} -> {}", folder / "in/2024/b.ppm", folder / "out/2024/b.png"));
  EXPECT_FALSE(there("out"));
}

TEST_F(Files, AreReplacedInPlaceAndKeptOnDemand) {
  ASSERT_EQ(run_program({"convert", folder / "in/a.ppm", folder / "a.png", "--quiet"}).exit_code, 0);
  const std::string before = read_file(folder / "a.png");
  const Outcome outcome =
      run_program({"apply", "invert", folder / "a.png", "--in-place", "--backup", ".orig", "--keep-time"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(read_file(folder / "a.png"), before);
  EXPECT_EQ(read_file(folder / "a.png.orig"), before);
  EXPECT_EQ(fs::last_write_time(folder / "a.png"), fs::last_write_time(folder / "a.png.orig"));
  // An older backup is not lost, and nothing is changed then.
  const Outcome twice = run_program({"apply", "invert", folder / "a.png", "--in-place", "--backup", ".orig"});
  EXPECT_EQ(twice.exit_code, 2);
  expect_has(twice.err, "--force");
  EXPECT_EQ(read_file(folder / "a.png.orig"), before);
  // Inverted twice it is what it was.
  ASSERT_EQ(run_program({"apply", "invert", folder / "a.png", "--in-place", "--quiet"}).exit_code, 0);
  EXPECT_EQ(run_program({"compare", folder / "a.png", folder / "a.png.orig"}).exit_code, 0);
}

TEST_F(Files, ThatCannotBeReplacedStayAsTheyAre) {
  const std::string before = read_file(folder / "in/a.ppm");
  const Outcome foreign = run_program({"apply", "invert", folder / "in/a.ppm", "--in-place"});
  EXPECT_EQ(foreign.exit_code, 2);
  expect_has(foreign.err, "'.ppm'");
  write_file(folder / "damaged.png", "\x89PNG\r\n\x1a\n nothing more");
  const Outcome damaged =
      run_program({"apply", "invert", folder / "damaged.png", "--in-place", "--backup", "~"});
  EXPECT_NE(damaged.exit_code, 0);
  EXPECT_FALSE(there("damaged.png~"));
  EXPECT_TRUE(there("damaged.png"));
  EXPECT_EQ(
      run_program({"apply", "invert", folder / "in/a.ppm", "--in-place", "-o", folder / "x.png"}).exit_code,
      2);
  EXPECT_EQ(run_program({"apply", "invert", folder / "in/a.ppm", "-o", folder / "x.png", "--backup", "~"})
                .exit_code,
            2);
  EXPECT_EQ(read_file(folder / "in/a.ppm"), before);
}

TEST_F(Files, AreConvertedWithoutAnOperator) {
  ASSERT_EQ(run_program({"convert", folder / "in/a.ppm", folder / "a.png", "--quiet"}).exit_code, 0);
  EXPECT_EQ(run_program({"compare", folder / "in/a.ppm", folder / "a.png"}).exit_code, 0);
  ASSERT_EQ(run_program({"convert", folder / "in/a.ppm", folder / "in/2024/b.ppm", "-o", folder / "tifs/",
                         "-f", "tif", "--quiet"})
                .exit_code,
            0);
  EXPECT_EQ(run_program({"compare", folder / "in/2024/b.ppm", folder / "tifs/b.tif"}).exit_code, 0);
  ASSERT_EQ(run_program({"apply", "", folder / "in/a.ppm", "-o", folder / "empty.png", "--quiet"}).exit_code,
            0);
  EXPECT_EQ(run_program({"compare", folder / "a.png", folder / "empty.png"}).exit_code, 0);
  const Outcome alone = run_program({"convert", folder / "in/a.ppm"});
  EXPECT_EQ(alone.exit_code, 2);
  expect_has(alone.err, "-o");
}

TEST_F(Files, AreWorkedOnSideBySideWithTheSameResults) {
  std::vector<std::string> inputs;
  for (int i = 0; i < 9; ++i) {
    inputs.push_back(folder / fmt::format("in/many{}.ppm", i));
    write_file(inputs.back(), i == 4 ? "no image" : pnm(90 + i, 70, 3, static_cast<std::uint32_t>(i)));
  }
  const auto run = [&](const char* jobs, const std::string& to) {
    std::vector<std::string> command{
        "apply", "gaussian-blur sigma=3 | otsu", "-o", folder / to, "-f", "png", "--json", "--jobs", jobs};
    command.insert(command.end(), inputs.begin(), inputs.end());
    return run_program(command);
  };
  const Outcome one = run("1", "one/");
  const Outcome four = run("4", "four/");
  EXPECT_EQ(one.exit_code, 5) << one.err;
  EXPECT_EQ(four.exit_code, 5) << four.err;
  const auto report = nlohmann::json::parse(four.out);
  ASSERT_EQ(report["images"].size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(report["images"][i]["input"], inputs[i]);
    EXPECT_EQ(report["images"][i]["status"], i == 4 ? "failed" : "done");
    if (i != 4) {
      const std::string name = fmt::format("many{}.png", i);
      EXPECT_EQ(read_file(folder / ("one/" + name)), read_file(folder / ("four/" + name))) << name;
    }
  }
}

TEST_F(Files, BecomeThumbnails) {
  write_file(folder / "wide.ppm", pnm(300, 200, 3));
  const auto size = [&](const std::string& file) {
    const auto info = nlohmann::json::parse(run_program({"info", "--json", file}).out);
    return fmt::format("{}x{}", info[0]["width"].get<int>(), info[0]["height"].get<int>());
  };
  ASSERT_EQ(run_program({"thumbnail", folder / "wide.ppm", folder / "t.png", "-s", "60"}).exit_code, 0);
  EXPECT_EQ(size(folder / "t.png"), "60x40");
  ASSERT_EQ(
      run_program({"thumbnail", folder / "wide.ppm", folder / "c.png", "-s", "50", "--cover"}).exit_code, 0);
  EXPECT_EQ(size(folder / "c.png"), "50x50");
  ASSERT_EQ(run_program({"thumbnail", folder / "wide.ppm", folder / "b.png", "-s", "50x20"}).exit_code, 0);
  EXPECT_EQ(size(folder / "b.png"), "30x20");
  ASSERT_EQ(run_program({"thumbnail", folder / "wide.ppm", folder / "l.png", "-s", "50x40", "--contain",
                         "--background", "white"})
                .exit_code,
            0);
  EXPECT_EQ(size(folder / "l.png"), "50x40");
  ASSERT_EQ(run_program({"apply", "resize 50x40 fit=contain background=white", folder / "wide.ppm", "-o",
                         folder / "same.png"})
                .exit_code,
            0);
  EXPECT_EQ(read_file(folder / "l.png"), read_file(folder / "same.png"));
  const Outcome both = run_program(
      {"thumbnail", folder / "wide.ppm", folder / "x.png", "-s", "50x40", "--contain", "--cover"});
  EXPECT_EQ(both.exit_code, 2);
  expect_has(both.err, "--cover");
  // Never bigger than the image.
  ASSERT_EQ(run_program({"thumbnail", folder / "in/a.ppm", folder / "s.png"}).exit_code, 0);
  EXPECT_EQ(size(folder / "s.png"), "24x16");
}

TEST_F(Files, LoseTheirBorder) {
  const std::string picture = folder / "in/a.ppm";
  ASSERT_EQ(run_program({"apply", "pad left=9 top=31 right=14 bottom=2 fill=#0000c0", picture, "-o",
                         folder / "framed.png"})
                .exit_code,
            0);
  ASSERT_EQ(run_program({"apply", "invert", picture, "-o", folder / "expected.png"}).exit_code, 0);
  for (const char* ranks : {"1", "3"}) {
    const std::string trimmed = folder / fmt::format("trimmed{}.png", ranks);
    const Outcome outcome = run_program(
        {"apply", "invert", folder / "framed.png", "-o", trimmed, "--trim", "5", "--ranks", ranks});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(read_file(trimmed), read_file(folder / "expected.png")) << ranks;
  }
  // A picture of one colour is nothing but border, and stays.
  ASSERT_EQ(run_program({"apply", "threshold value=255", picture, "-o", folder / "black.png"}).exit_code, 0);
  ASSERT_EQ(run_program({"convert", folder / "black.png", folder / "still.png", "--trim", "0"}).exit_code, 0);
  EXPECT_EQ(run_program({"compare", folder / "black.png", folder / "still.png"}).exit_code, 0);
  const Outcome stream = run_program({"convert", "-", folder / "x.png", "--trim", "0"});
  EXPECT_EQ(stream.exit_code, 2);
  expect_has(stream.err, "--trim");
}

TEST_F(Files, AreDescribed) {
  const Outcome human = run_program({"info", folder / "in/a.ppm"});
  EXPECT_EQ(human.exit_code, 0) << human.err;
  expect_has(human.out, "24 x 16 pixels, 8-bit RGB");
  expect_has(human.out, "PNM");
  const Outcome several = run_program({"info", "--json", folder / "in/a.ppm", folder / "in/notes.txt"});
  EXPECT_EQ(several.exit_code, 5);
  const auto json = nlohmann::json::parse(several.out);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["format"], "PNM");
  EXPECT_EQ(json[1]["error"]["code"], "unsupported-input");
}

TEST(Commands, ThatDoNotExistAreAnswered) {
  const Outcome misspelt = run_program({"aply", "invert"});
  EXPECT_EQ(misspelt.exit_code, 2);
  expect_has(misspelt.err, "There is no command 'aply'. Did you mean 'apply'?");
  const Outcome bare = run_program({});
  EXPECT_EQ(bare.exit_code, 2);
  expect_has(bare.err, "apply");
  EXPECT_EQ(run_program({"version"}).out, run_program({"--version"}).out);
  expect_has(run_program({"help", "apply"}).out, "PIPELINE");
}

}  // namespace
}  // namespace tessera::testing
