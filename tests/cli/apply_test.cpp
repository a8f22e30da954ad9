// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

using nlohmann::json;

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

void expect_error(const Outcome& outcome, int exit_code, const std::string& part) {
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.err;
  EXPECT_EQ(outcome.err.rfind("tessera: ", 0), 0U) << outcome.err;
  expect_has(outcome.err, part);
}

class Apply : public ::testing::Test {
 protected:
  void SetUp() override { write_file(in, pnm(120, 90, 3)); }
  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
  std::string out = folder / "out.png";
};

TEST_F(Apply, WritesAPictureAndTellsAboutIt) {
  const Outcome outcome = run_program({"apply", "invert", in, "-o", out});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  expect_has(outcome.out, out);
  expect_has(outcome.out, "120x90 8-bit RGB");
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 1) << outcome.out;
  expect_has(run_program({"apply", "invert", in, "-o", folder / "verbose.png", "-v"}).out, "rows 0..89");
  const Outcome again = run_program({"apply", "invert", out, "-o", folder / "again.png"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(run_program({"compare", in, folder / "again.png"}).exit_code, 0);
  EXPECT_EQ(run_program({"compare", in, out}).exit_code, 1);
}

TEST_F(Apply, QuietSaysNothing) {
  const Outcome outcome = run_program({"apply", "--quiet", "invert", in, "-o", out});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out + outcome.err, "");
}

TEST_F(Apply, ReportsAsJson) {
  const Outcome outcome = run_program({"apply", "--json", "gaussian-blur sigma=2 | otsu", in, "-o", out});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["pipeline"]["operators"][1]["name"], "otsu");
  EXPECT_EQ(report["exit_code"], 0);
  ASSERT_EQ(report["images"].size(), 1U);
  const json& image = report["images"][0];
  EXPECT_EQ(image["status"], "done");
  EXPECT_EQ(image["output"], out);
  EXPECT_EQ(image["output_bytes"], std::filesystem::file_size(out));
  EXPECT_EQ(image["image_in"]["channels"], 3);
  EXPECT_EQ(image["image_out"]["channels"], 1);
  ASSERT_EQ(image["ranks"].size(), 1U);
  EXPECT_EQ(image["ranks"][0]["rows"], 90);
}

TEST_F(Apply, SaysWhatOfTheMetadataWasConverted) {
  const std::string picture = std::string(TESSERA_TEST_DATA_DIR) + "/metadata/rgb_icc.png";
  const Outcome told = run_program({"apply", "grayscale", picture, "-o", out});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  expect_has(told.out, "Warning: The sRGB colour profile was left out");
  const Outcome listed = run_program({"apply", "--json", "--force", "grayscale", picture, "-o", out});
  const json warnings = json::parse(listed.out)["images"][0]["warnings"];
  ASSERT_EQ(warnings.size(), 1U) << listed.out;
  const Outcome quiet = run_program({"apply", "--quiet", "--force", "grayscale", picture, "-o", out});
  EXPECT_EQ(quiet.out + quiet.err, "");
}

TEST_F(Apply, StripMayBeGivenAWordBehindIt) {
  const std::string photograph = std::string(TESSERA_TEST_DATA_DIR) + "/metadata/thumb.jpg";
  const auto size_with = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments{"apply", "--force"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    arguments.insert(arguments.end(), {"crop", photograph, "-o", folder / "out.jpg"});
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return std::filesystem::file_size(folder / "out.jpg");
  };
  const auto all_kept = size_with({});
  EXPECT_EQ(size_with({"--strip", "location"}), all_kept) << "there is no place in it";
  EXPECT_EQ(size_with({"--strip=location"}), all_kept);
  const auto stripped = size_with({"--strip"});
  EXPECT_LT(stripped, all_kept);
  EXPECT_EQ(size_with({"--strip", "all"}), stripped);
  const Outcome refused =
      run_program({"apply", "--force", "--strip=gps", "crop", photograph, "-o", folder / "out.jpg"});
  EXPECT_EQ(refused.exit_code, 2);
  expect_has(refused.err, "'gps' is unknown");
}

TEST_F(Apply, AQuarterTurnExchangesTheResolution) {
  const std::string fax = std::string(TESSERA_TEST_DATA_DIR) + "/metadata/fax204x98.tif";
  const auto jfif = [&](const std::string& pipeline) {
    const Outcome outcome = run_program({"apply", "--force", pipeline, fax, "-o", folder / "out.jpg"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const std::string bytes = read_file(folder / "out.jpg");
    const auto word = [&](std::size_t at) {
      return static_cast<unsigned char>(bytes[at]) * 256 + static_cast<unsigned char>(bytes[at + 1]);
    };
    EXPECT_EQ(bytes[13], 1);
    return std::pair{word(14), word(16)};
  };
  EXPECT_EQ(jfif("crop"), (std::pair{204, 98}));
  EXPECT_EQ(jfif("rotate angle=90"), (std::pair{98, 204}));
  EXPECT_EQ(jfif("rotate angle=-90 expand=false"), (std::pair{98, 204}));
  EXPECT_EQ(jfif("rotate angle=90 | invert | rotate angle=270"), (std::pair{204, 98}));
  EXPECT_EQ(jfif("rotate angle=180"), (std::pair{204, 98}));
}

TEST_F(Apply, StandardInputAndOutput) {
  const Outcome outcome =
      run_program({"apply", "invert", "-", "-o", "-", "--format", "png"}, {{}, pnm(120, 90, 3)});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_has(outcome.err, "standard input -> standard output");
  ASSERT_EQ(run_program({"apply", "invert", in, "-o", out}).exit_code, 0);
  EXPECT_TRUE(outcome.out == read_file(out)) << "not the same bytes as through files";
}

TEST_F(Apply, ManyInputsGoToAFolder) {
  write_file(folder / "b.ppm", pnm(10, 12, 1, 2));
  const std::string results = folder / "results/";
  const Outcome outcome =
      run_program({"apply", "invert", folder / "*.ppm", "-o", results, "--format", "png"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"b.ppm", "in.ppm", "results/b.png", "results/in.png"}));
}

TEST_F(Apply, AFailingInputDoesNotStopTheOthers) {
  write_file(folder / "a.png", "not an image");
  write_file(folder / "b.png", "");
  const Outcome outcome = run_program({"apply", "--json", "invert", folder / "a.png", folder / "missing.png",
                                       in, "-o", folder / "results/", "--format", "png"});
  EXPECT_EQ(outcome.exit_code, 5) << "the code of the first failure";
  expect_has(outcome.err, "a.png");
  expect_has(outcome.err, "missing.png");
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report["images"][0]["status"], "failed");
  EXPECT_EQ(report["images"][0]["error"]["code"], "unsupported-input");
  EXPECT_EQ(report["images"][1]["error"]["code"], "not-found");
  EXPECT_EQ(report["images"][2]["status"], "done");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.png", "b.png", "in.ppm", "results/in.png"}));
}

TEST_F(Apply, RefusesWhatWouldLoseFiles) {
  write_file(out, "precious");
  expect_error(run_program({"apply", "invert", in, "-o", out}), 2, "use --force to replace it");
  EXPECT_EQ(read_file(out), "precious");
  EXPECT_EQ(run_program({"apply", "--force", "invert", in, "-o", out}).exit_code, 0);
  EXPECT_NE(read_file(out), "precious");

  const std::string original = read_file(in);
  expect_error(run_program({"apply", "--force", "invert", in, "-o", in}), 2, "is an input");
  std::filesystem::create_symlink(in, folder / "link.ppm");
  expect_error(run_program({"apply", "--force", "invert", folder / "link.ppm", "-o", in}), 2, "is an input");
  EXPECT_EQ(read_file(in), original);

  std::filesystem::create_directory(folder / "other");
  write_file(folder / "other/in.ppm", original);
  expect_error(run_program({"apply", "invert", in, folder / "other/in.ppm", "-o", folder / "results/"}), 2,
               "Two inputs would both be written");
  expect_error(run_program({"apply", "invert", in, folder / "other/in.ppm", "-o", folder / "new.png"}), 2,
               "need a folder");
}

TEST_F(Apply, LeavesNoFileOfAFailure) {
  const std::string whole = pnm(200, 4000, 3);
  write_file(folder / "cut.ppm", whole.substr(0, whole.size() / 2));
  expect_error(run_program({"apply", "invert", folder / "cut.ppm", "-o", out}), 6, "cut.ppm");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"cut.ppm", "in.ppm"}));
  EXPECT_EQ(run_program({"apply", "--salvage", "invert", folder / "cut.ppm", "-o", out}).exit_code, 0);
}

TEST_F(Apply, ErrorsAreSentencesWithTheirExitCodes) {
  expect_error(run_program({"apply", "gausian-blur", in, "-o", out}), 3, "Did you mean 'gaussian-blur'?");
  expect_error(run_program({"apply", "gaussian-blur sigma=1000", in, "-o", out}), 3, "from 0.1 to 64 px");
  expect_error(run_program({"apply", "invert |", in, "-o", out}), 2, "(at character 9 of the pipeline)");
  expect_error(run_program({"apply", "invert", folder / "nothing.png", "-o", out}), 4, "nothing.png");
  expect_error(run_program({"apply", "invert", folder / "*.xyz", "-o", out}), 4, "No file matches");
  expect_error(run_program({"apply", "invert", folder / "", "-o", out}), 2, "is a folder");
  expect_error(run_program({"apply", "invert", in, "-o", out, "--max-pixels", "10k"}), 7, "10");
  expect_error(run_program({"apply", "invert", in, "-o", out, "--max-pixels", "many"}), 2, "--max-pixels");
  expect_error(run_program({"apply", "invert", in, "-o", folder / "no/such/folder/out.png"}), 8,
               "no/such/folder");
  expect_error(run_program({"apply", "invert", in, "-o", folder / "out.xyz"}), 2, "xyz");
  expect_error(run_program({"apply", "invert", in}), 2, "-o");
  expect_error(run_program({"apply", "invert", in, "-o", "-", "--json"}), 2, "standard output");
  expect_error(run_program({"apply", "invert", in, "-o", out, "--hostfile", "hosts"}), 2, "--ranks");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"in.ppm"});
}

TEST_F(Apply, OddNamesWork) {
  const std::vector<std::string> names{"two words.ppm",     "-dash.ppm", "snow ☃ 雪.ppm", "%2F.ppm",
                                       "a;b$(c)`d`'\".ppm", "[1].ppm",   "[a,b].ppm",     "star*.ppm"};
  std::vector<std::string> arguments{"apply",    "--quiet", "invert", "-o", folder / "results/",
                                     "--format", "png",     "--"};
  for (const std::string& name : names) {
    write_file(folder / name, pnm(5, 5, 1));
    arguments.push_back(folder / name);
  }
  const Outcome outcome = run_program(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const std::string& name : names) {
    const std::string result = folder / ("results/" + name.substr(0, name.size() - 4) + ".png");
    EXPECT_TRUE(std::filesystem::exists(result)) << result;
  }
}

TEST_F(Apply, BracketsAloneAreANameNotAList) {
  // Relative names: with a folder before them they would not begin with the bracket.
  const std::string name = "[a,b]";
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder / "");
  write_file(name, pnm(5, 5, 1));
  const Outcome outcome = run_program({"apply", "--quiet", "invert", name, "-o", "out.png"});
  std::filesystem::current_path(here);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(Apply, PresetsStandForPipelines) {
  write_file(folder / "presets.json", R"({"presets": {"soft": "gaussian-blur sigma=2"}})");
  EXPECT_EQ(run_program({"apply", "@soft", in, "-o", out, "--presets", folder / "presets.json"}).exit_code,
            0);
  const Program::Setup setup{{"TESSERA_PRESETS=" + folder / "presets.json"}};
  EXPECT_EQ(run_program({"apply", "@soft | invert", in, "-o", out, "--force"}, setup).exit_code, 0);
  std::filesystem::create_directories(folder / "config/tessera");
  std::filesystem::rename(folder / "presets.json", folder / "config/tessera/presets.json");
  const Program::Setup home{{"XDG_CONFIG_HOME=" + folder / "config"}};
  EXPECT_EQ(run_program({"apply", "@soft", in, "-o", out, "--force"}, home).exit_code, 0);
  expect_error(run_program({"apply", "@sof", in, "-o", out}, home), 2, "Did you mean '@soft'?");
}

TEST_F(Apply, FindingsAreWritten) {
  EXPECT_EQ(run_program({"apply", "invert", in, "--findings", folder / "found.json"}).exit_code, 0);
  EXPECT_EQ(json::parse(read_file(folder / "found.json"))["input"], in);
  const Outcome outcome = run_program({"apply", "invert", in, "-o", out, "--findings", "-"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(json::parse(outcome.out)["findings"].is_array());
  expect_error(run_program({"apply", "invert", in, "--findings", folder / "found.json"}), 2, "--force");
}

TEST_F(Apply, TimeIsLimited) {
  write_endless_image(folder / "big.ppm");
  const Outcome outcome =
      run_program({"apply", endless_pipeline, folder / "big.ppm", "-o", out, "--timeout", "0.05"});
  expect_error(outcome, 7, "--timeout");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"big.ppm", "in.ppm"}));
}

}  // namespace
}  // namespace tessera::testing
