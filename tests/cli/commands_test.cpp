// SPDX-License-Identifier: Apache-2.0
// The commands that write no pictures, and what the terminal shows.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/amount.hpp"
#include "ops/catalog.hpp"
#include "program.hpp"
#include "ranks/mpirun.hpp"
#include "text.hpp"

namespace tessera::testing {
namespace {

using nlohmann::json;

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

TEST(Program, TellsItsVersionAndExitCodes) {
  EXPECT_EQ(run_program({"--version"}).out, "tessera 0.2.0\n");
  const Outcome help = run_program({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* part : {"apply", "ops", "explain", "compare", "completion", "130", "An MPI rank died"}) {
    expect_has(help.out, part);
  }
}

TEST(Program, RefusesWhatItDoesNotKnow) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"nothing"},
                                                    {"ops", "--nothing"},
                                                    {"apply"},
                                                    {"apply", "invert"},
                                                    {"completion", "tcsh"},
                                                    {"ops", "--json", "--markdown"}}) {
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
    EXPECT_EQ(outcome.err.rfind("tessera: ", 0), 0U) << outcome.err;
  }
}

TEST(Program, RefusesBracketsWithoutEndAsAPipeline) {
  constexpr int deep = 30'000;
  const Outcome outcome =
      run_program({"explain", std::string(deep, '[') + std::string(deep, ']'), "--size", "10x10"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err.substr(0, 200);
}

TEST(Ops, ListsEveryOperator) {
  const Outcome outcome = run_program({"ops"});
  EXPECT_EQ(outcome.exit_code, 0);
  const Outcome markdown = run_program({"ops", "--markdown"});
  const json schema = json::parse(run_program({"ops", "--json"}).out);
  for (const CatalogEntry& entry : catalog()) {
    const std::string name(entry.info.name);
    expect_has(outcome.out, "  " + name + " ");
    expect_has(markdown.out, "### " + name + "\n");
    const json& parameters = schema["$defs"][name]["properties"]["parameters"]["properties"];
    EXPECT_EQ(parameters.size(), entry.params.size()) << name;
  }
  EXPECT_EQ(schema["properties"]["operators"]["items"]["oneOf"].size(), catalog().size());
}

TEST(Ops, ExplainsOne) {
  const Outcome outcome = run_program({"ops", "gaussian-blur"});
  EXPECT_EQ(outcome.exit_code, 0);
  for (const char* part :
       {"sigma", "from 0.1 to 64 px", "default 1.5", "cv::GaussianBlur", "gaussian-blur sigma=2"}) {
    expect_has(outcome.out, part);
  }
  EXPECT_EQ(json::parse(run_program({"ops", "otsu", "--json"}).out)["title"], "otsu");
  const Outcome unknown = run_program({"ops", "gaussian"});
  EXPECT_EQ(unknown.exit_code, 3);
}

TEST(Explain, ShowsStagesAndCosts) {
  const Outcome outcome =
      run_program({"explain", "gaussian-blur sigma=2 | otsu", "--size", "640x480", "--ranks", "2"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  for (const char* part : {"640x480 8-bit RGB -> 640x480 8-bit gray", "2 ranks", "Stage 1 of 2", "halo 6 px",
                           "otsu", "memory of a rank"}) {
    expect_has(outcome.out, part);
  }
  const json report = json::parse(
      run_program({"explain", "--json", "invert", "--pixel-format", "graya16", "--threads", "3"}).out);
  EXPECT_EQ(report["output"], "4000x3000 16-bit gray with alpha");
  EXPECT_EQ(report["threads"], 3);
  EXPECT_GT(report["memory_bytes_per_rank"], 0);
}

TEST(Explain, ReadsAHeader) {
  TemporaryFolder folder;
  write_file(folder / "in.pgm", pnm(33, 44, 1));
  expect_has(run_program({"explain", "invert", folder / "in.pgm"}).out, "33x44 8-bit gray");
  EXPECT_EQ(run_program({"explain", "invert", folder / "nothing.png"}).exit_code, 4);
  EXPECT_EQ(run_program({"explain", "invert", "--size", "0x5"}).exit_code, 2);
  EXPECT_EQ(run_program({"explain", "invert", "--pixel-format", "cmyk8"}).exit_code, 2);
}

TEST(Compare, SaysWhereAndHowMuch) {
  TemporaryFolder folder;
  std::string image = pnm(20, 10, 3);
  write_file(folder / "a.ppm", image);
  const std::size_t pixels = image.size() - 20 * 10 * 3;
  const std::size_t changed = pixels + (7 * 20 + 5) * 3 + 1;  // green at x=5 y=7
  image[changed] = static_cast<char>(static_cast<unsigned char>(image[changed]) ^ 0x80U);
  write_file(folder / "b.ppm", image);
  EXPECT_EQ(run_program({"compare", folder / "a.ppm", folder / "a.ppm"}).exit_code, 0);
  const Outcome outcome =
      run_program({"compare", folder / "a.ppm", folder / "b.ppm", "-o", folder / "diff.png"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  expect_has(outcome.out, "1 of 200 pixels");
  expect_has(outcome.out, "x=5 y=7");
  expect_has(outcome.out, "green  max   128");
  const json report = json::parse(run_program({"compare", "--json", folder / "a.ppm", folder / "b.ppm"}).out);
  EXPECT_EQ(report["different_pixels"], 1);
  EXPECT_DOUBLE_EQ(report["channels"][1]["mean"], 128.0 / 200);
  EXPECT_NEAR(report["psnr_db"], 33.77, 0.01);
  // The picture of the differences is itself black but for that pixel.
  std::string expected = "P6\n20 10\n255\n" + std::string(20 * 10 * 3, '\0');
  expected[expected.size() - 600 + (7 * 20 + 5) * 3 + 1] = static_cast<char>(128);
  write_file(folder / "expected.ppm", expected);
  EXPECT_EQ(run_program({"compare", folder / "diff.png", folder / "expected.ppm"}).exit_code, 0);
}

TEST(Compare, TellsSizesApartFromErrors) {
  TemporaryFolder folder;
  write_file(folder / "a.ppm", pnm(20, 10, 3));
  write_file(folder / "b.ppm", pnm(20, 11, 3));
  const Outcome outcome = run_program({"compare", folder / "a.ppm", folder / "b.ppm"});
  EXPECT_EQ(outcome.exit_code, 1);
  expect_has(outcome.out, "20x11");
  EXPECT_EQ(run_program({"compare", folder / "a.ppm", folder / "nothing.ppm"}).exit_code, 4);
}

TEST(Completion, IsAScriptEachShellAccepts) {
  TemporaryFolder folder;
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Outcome script = run_program({"completion", shell});
    EXPECT_EQ(script.exit_code, 0);
    for (const char* part : {"apply", "--ranks", "gaussian-blur", "border=wrap", "sigma="}) {
      if (std::string(part) == "--ranks" && std::string(shell) == "fish") {
        expect_has(script.out, "-l ranks");
      } else {
        expect_has(script.out, part);
      }
    }
    write_file(folder / shell, script.out);
    if (run_other(shell, {"-c", "true"}).exit_code == 0) {
      const Outcome check = run_other(shell, {"-n", folder / shell});
      EXPECT_EQ(check.exit_code, 0) << shell << ": " << check.out;
    } else {
      ASSERT_STRNE(shell, "bash") << "bash is always there";
    }
  }
}

TEST(Completion, CompletesPipelinesInBash) {
  TemporaryFolder folder;
  write_file(folder / "script", run_program({"completion", "bash"}).out);
  const auto complete = [&](const std::string& words) {
    const std::string program = "source '" + folder / "script" + "'; compopt() { :; }; COMP_WORDS=(" + words +
                                "); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )); _tessera; printf '%s\\n' "
                                "\"${COMPREPLY[@]}\"";
    return run_other("bash", {"-c", program}).out;
  };
  EXPECT_EQ(complete("tessera app"), "apply\n");
  EXPECT_EQ(complete("tessera apply gaussian-b"), "gaussian-blur\n");
  EXPECT_EQ(complete("tessera apply --force '\"gaussian-blur si'"), "gaussian-blur sigma=\n");
  EXPECT_EQ(complete("tessera apply '\"invert | gaussian-blur sigma=2 border=wr'"),
            "invert | gaussian-blur sigma=2 border=wrap\n");
  EXPECT_EQ(complete("tessera apply '\"invert | ots'"), "invert | otsu\n");
  EXPECT_EQ(complete("tessera apply --hostf"), "--hostfile\n");
  EXPECT_EQ(complete("tessera completion z"), "zsh\n");
}

TEST(Terminal, ShowsProgressAndClearsIt) {
  TemporaryFolder folder;
  write_file(folder / "in.ppm", pnm(2000, 2000, 3));
  const Outcome outcome = run_program(
      {"apply", "gaussian-blur sigma=20", folder / "in.ppm", "-o", folder / "out.png"}, {.terminal = true});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_has(outcome.err, "%");
  EXPECT_EQ(outcome.err.substr(outcome.err.rfind('\r')), "\r\x1b[K");
  const Outcome quiet = run_program(
      {"apply", "--json", "gaussian-blur sigma=20", folder / "in.ppm", "-o", folder / "out.png", "--force"},
      {.terminal = true});
  EXPECT_EQ(quiet.err, "");
}

TEST(Text, AmountsAndSizes) {
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(1449), "1.4 kB");
  EXPECT_EQ(bytes_text(302'000'000), "302 MB");
  EXPECT_EQ(parse_amount("--x", "1.5k"), 1500);
  for (const char* text : {"", "k", "-1", "0", "1kk", "nan", "inf", "1e30", "1 "}) {
    EXPECT_THROW(static_cast<void>(parse_amount("--x", text)), Error) << text;
  }
  for (const char* text : {"", "x", "1x", "x1", "0x1", "-1x1", "1x1x", "1X1"}) {
    EXPECT_THROW(static_cast<void>(cli::parse_extent("--x", text)), Error) << text;
  }
}

TEST(Launch, ExplainsWhatMpirunSays) {
  EXPECT_EQ(
      explain_lost_ranks("-----\nmpirun noticed that process rank 1 with PID 4711 on node host-a exited on "
                         "signal 9 (Killed).\n-----\n",
                         9),
      "Rank 1 on host-a died of signal 9 (Killed). The other ranks were stopped and no "
      "result was "
      "written; try again.");
  expect_has(explain_lost_ranks("There are not enough slots\n", 256), "There are not enough slots");
}

}  // namespace
}  // namespace tessera::testing
