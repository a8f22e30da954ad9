// SPDX-License-Identifier: Apache-2.0
// Colours where a terminal has them, and nowhere else.
#include <gtest/gtest.h>

#include "base/terminal.hpp"
#include "program.hpp"

namespace tessera::testing {
namespace {

constexpr const char* red_name = "\x1b[1;31mtessera:\x1b[0m ";

class ColourTest : public ::testing::Test {
 protected:
  /// Standard error of a command that is refused.
  [[nodiscard]] static std::string refusal(std::vector<std::string> more,
                                           std::vector<std::string> environment, bool terminal) {
    std::vector<std::string> arguments{"ops", "gaussian-blurr"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    // The tests' own environment may say something else.
    for (const char* plain : {"TERM=xterm", "NO_COLOR=", "CLICOLOR_FORCE="}) {
      environment.emplace_back(plain);
    }
    Program::Setup setup;
    setup.environment = environment;
    setup.terminal = terminal;
    const Outcome outcome = run_program(arguments, setup);
    EXPECT_NE(outcome.exit_code, 0);
    return outcome.err;
  }
  [[nodiscard]] static bool coloured(const std::string& text) { return text.starts_with(red_name); }
};

TEST_F(ColourTest, ErrorsAreColouredOnTerminalsOnly) {
  EXPECT_TRUE(coloured(refusal({}, {}, true)));
  const std::string plain = refusal({}, {}, false);
  EXPECT_EQ(plain.rfind("tessera: ", 0), 0U) << plain;
  EXPECT_EQ(plain.find('\x1b'), std::string::npos) << plain;
}

TEST_F(ColourTest, ThePersonDecides) {
  EXPECT_FALSE(coloured(refusal({"--color=never"}, {}, true)));
  EXPECT_FALSE(coloured(refusal({"--color", "never"}, {}, true)));
  EXPECT_TRUE(coloured(refusal({"--color=always"}, {}, false)));
  EXPECT_TRUE(coloured(refusal({"--color=auto"}, {}, true)));
  EXPECT_FALSE(coloured(refusal({}, {"NO_COLOR=1"}, true)));
  EXPECT_TRUE(coloured(refusal({"--color=always"}, {"NO_COLOR=1"}, false)));
  EXPECT_FALSE(coloured(refusal({}, {"TERM=dumb"}, true)));
  EXPECT_TRUE(coloured(refusal({}, {"CLICOLOR_FORCE=1"}, false)));
  EXPECT_NE(refusal({"--color=sometimes"}, {}, false).find("auto, always or never"), std::string::npos);
}

TEST_F(ColourTest, WarningsAndLinesAreMarked) {
  EXPECT_EQ(with_marks("tessera: a\nb: Warning: c\n  Warning: d\n", false),
            "tessera: a\nb: Warning: c\n  Warning: d\n");
  EXPECT_EQ(with_marks("tessera: a\n  Warning: d", true),
            std::string(red_name) + "a\n  \x1b[33mWarning:\x1b[0m d");
  EXPECT_EQ(with_marks("", true), "");
  EXPECT_EQ(with_marks("not of tessera: this\n", true), "not of tessera: this\n");
}

TEST_F(ColourTest, ResultsAndReportsForProgramsHaveNone) {
  TemporaryFolder folder;
  write_file(folder / "in.ppm", pnm(20, 10, 3));
  const Outcome outcome = run_program({"apply", "invert", folder / "in.ppm", "-o", folder / "out.png"},
                                      {{"TERM=xterm", "NO_COLOR=", "CLICOLOR_FORCE="}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos) << outcome.out;
  const Outcome json =
      run_program({"apply", "invert", folder / "in.ppm", "-o", folder / "b.png", "--json", "--color=always"});
  EXPECT_EQ(json.out.find('\x1b'), std::string::npos) << json.out;
}

}  // namespace
}  // namespace tessera::testing
