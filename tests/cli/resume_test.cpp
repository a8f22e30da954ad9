// SPDX-License-Identifier: Apache-2.0
// The real program, killed and started again with --resume.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "base/json.hpp"
#include "program.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class ResumeAfterAKill : public ::testing::TestWithParam<int> {
 protected:
  [[nodiscard]] std::vector<std::string> command(const std::string& out) const {
    std::vector<std::string> words{"apply", "median size=9", in, "-o", out, "--threads", "1"};
    if (GetParam() > 1) {
      words.insert(words.end(), {"--ranks", std::to_string(GetParam())});
    }
    return words;
  }
  [[nodiscard]] std::vector<std::string> resuming(const std::string& out) const {
    std::vector<std::string> words = command(out);
    words.insert(words.end(), {"--resume", "--json", "-v"});
    return words;
  }
  /// The program's own process, or of several ranks the last.
  [[nodiscard]] static pid_t victim(Program& program) {
    if (GetParam() == 1) {
      return program.pid();
    }
    const std::string announced = fmt::format("rank {} runs on ", GetParam() - 1);
    EXPECT_TRUE(program.wait_for_error_line(announced));
    const std::string& said = program.error_so_far();
    return std::stoi(said.substr(said.find(':', said.find(announced)) + 1));
  }
  static std::uintmax_t size_of(const std::string& file) {
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(file, missing);
    return missing ? 0 : size;
  }

  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
};

TEST_P(ResumeAfterAKill, GivesTheSameBytes) {
  write_file(in, pnm(4000, 4000, 3));
  const std::string expected = folder / "expected.png";
  ASSERT_EQ(run_program(command(expected)).exit_code, 0);
  const std::string out = folder / "out.png";
  const std::string journal = folder / ".out.png.tessera-journal";
  std::uintmax_t before = 0;
  // Each time the journal has become longer.
  for (int kill = 0; kill < 2; ++kill) {
    Program program(resuming(out));
    ASSERT_TRUE(poll_until([&] { return size_of(journal) > before; }));
    ::kill(victim(program), SIGKILL);
    EXPECT_NE(program.wait().exit_code, 0);
    before = size_of(journal);
    ASSERT_FALSE(fs::exists(out));
  }
  const Outcome outcome = run_program(resuming(out));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_GT(Json::parse(outcome.out).at("images").at(0).at("resumed_rows"), 0);
  EXPECT_TRUE(read_file(out) == read_file(expected));
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"expected.png", "in.ppm", "out.png"}));
}

INSTANTIATE_TEST_SUITE_P(OneAndTwo, ResumeAfterAKill, ::testing::Values(1, 2));

}  // namespace
}  // namespace tessera::testing
