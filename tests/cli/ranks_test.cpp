// SPDX-License-Identifier: Apache-2.0
// Several ranks: the same bytes, an orderly stop, and a clear end when a rank dies.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

using nlohmann::json;

class Ranks : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
  std::string out = folder / "out.png";

  /// Processes of the ranks, once all have said where they run.
  std::vector<pid_t> processes(Program& program, int count) {
    std::vector<pid_t> result;
    for (int rank = 0; rank < count; ++rank) {
      const std::string mark = fmt::format("rank {} runs on ", rank);
      if (!program.wait_for_error_line(mark)) {
        return {};
      }
      const std::string& said = program.error_so_far();
      const std::size_t at = said.find(':', said.find(mark));
      result.push_back(std::stoi(said.substr(at + 1)));
    }
    return result;
  }
};

TEST_F(Ranks, GiveTheSameBytes) {
  write_file(in, pnm(301, 203, 3));
  const std::string pipeline = "gaussian-blur sigma=3 | otsu";
  ASSERT_EQ(run_program({"apply", pipeline, in, "-o", out}).exit_code, 0);
  for (const char* ranks : {"2", "3"}) {
    const Outcome outcome = run_program({"apply", "--json", "--force", "--ranks", ranks, "--threads", "1",
                                         pipeline, in, "-o", folder / "ranks.png"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(read_file(out) == read_file(folder / "ranks.png"));
    EXPECT_EQ(json::parse(outcome.out)["images"][0]["ranks"].size(), std::stoul(ranks));
    EXPECT_EQ(outcome.err, "");
  }
}

TEST_F(Ranks, WorkFromStandardInputToStandardOutput) {
  const std::string image = pnm(301, 203, 3);
  write_file(in, image);
  ASSERT_EQ(run_program({"apply", "invert", in, "-o", out}).exit_code, 0);
  const Outcome outcome = run_program(
      {"apply", "--quiet", "--ranks", "2", "invert", "-", "-o", "-", "--format", "png"}, {{}, image});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out == read_file(out));
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Ranks, PassOnErrorsAndGoOn) {
  write_file(in, pnm(301, 203, 3));
  write_file(folder / "bad.png", "not an image");
  const Outcome outcome = run_program({"apply", "--ranks", "2", "invert", folder / "bad.png", in, "-o",
                                       folder / "results/", "--format", "png"});
  EXPECT_EQ(outcome.exit_code, 5);
  EXPECT_NE(outcome.err.find("bad.png"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("mpirun"), std::string::npos) << outcome.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "results/in.png"));
  EXPECT_EQ(run_program({"apply", "--ranks", "2", "nothing", in, "-o", out}).exit_code, 3);
}

TEST_F(Ranks, MayBeStartedByMpirunItself) {
  write_file(in, pnm(301, 203, 3));
  ASSERT_EQ(run_program({"apply", "invert", in, "-o", out}).exit_code, 0);
  const Outcome outcome =
      run_other("env", {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "mpirun", "-n", "2",
                        "--oversubscribe", "--bind-to", "none", TESSERA_PROGRAM, "apply", "-v", "invert", in,
                        "-o", folder / "ranks.png"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
  EXPECT_NE(outcome.out.find("rank 1 on "), std::string::npos) << outcome.out;
  EXPECT_TRUE(read_file(out) == read_file(folder / "ranks.png"));
}

TEST_F(Ranks, AreNotManyCopiesOfTheSameWork) {
  write_file(in, pnm(31, 23, 3));
  for (const char* launcher : {"SLURM_STEP_NUM_TASKS=4", "PMI_SIZE=4", "MV2_COMM_WORLD_SIZE=4"}) {
    const Outcome refused = run_program({"apply", "invert", in, "-o", out}, {{launcher}, {}});
    EXPECT_EQ(refused.exit_code, 2) << launcher;
    EXPECT_NE(refused.err.find("4 tasks were started"), std::string::npos) << refused.err;
    EXPECT_FALSE(std::filesystem::exists(out));
    EXPECT_EQ(run_program({"apply", "--force", "invert", in, "-o", folder / "own.png", "--ranks", "1"},
                          {{launcher}, {}})
                  .exit_code,
              0)
        << launcher;
  }
  EXPECT_EQ(run_program({"apply", "invert", in, "-o", out}, {{"SLURM_STEP_NUM_TASKS=1"}, {}}).exit_code, 0);
}

TEST_F(Ranks, StopTogetherOnAnInterrupt) {
  write_endless_image(in);
  for (const char* ranks : {"1", "2"}) {
    Program program({"apply", "-v", "--ranks", ranks, endless_pipeline, in, "-o", out});
    const auto ranks_processes = processes(program, std::stoi(ranks));
    ASSERT_FALSE(ranks_processes.empty()) << program.wait().err;
    kill(program.pid(), SIGINT);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
    // In the words of the ranks, or of the launcher when they do not end within its patience.
    EXPECT_NE(outcome.err.find("topped before it was done"), std::string::npos) << outcome.err;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"in.ppm"});
    for (const pid_t process : ranks_processes) {
      EXPECT_NE(kill(process, 0), 0) << "rank process still there";
    }
  }
}

TEST_F(Ranks, EndClearlyWhenOneIsStopped) {
  write_endless_image(in);
  Program program({"apply", "-v", "--ranks", "2", endless_pipeline, in, "-o", out});
  const auto ranks = processes(program, 2);
  ASSERT_EQ(ranks.size(), 2U) << program.wait().err;
  kill(ranks[1], SIGSTOP);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
  EXPECT_NE(outcome.err.find("rank 1 on "), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("did not run for 30 s"), std::string::npos) << outcome.err;
  EXPECT_EQ(folder.names(), std::vector<std::string>{"in.ppm"});
  for (const pid_t process : ranks) {
    EXPECT_NE(kill(process, 0), 0) << "rank process still there";
  }
}

TEST_F(Ranks, EndClearlyWhenTheyAreNotStarted) {
  write_file(in, pnm(10, 10, 1));
  write_file(folder / "mpirun", "#!/bin/sh\ntrap '' USR1 TERM\nwhile :; do sleep 1; done\n");
  std::filesystem::permissions(folder / "mpirun", std::filesystem::perms::owner_all);
  const Outcome outcome =
      run_program({"apply", "--ranks", "2", "--start-timeout", "1", "invert", in, "-o", out},
                  {{"PATH=" + (folder / "") + ":/usr/bin:/bin"}});
  EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
  EXPECT_NE(outcome.err.find("mpirun has started no rank within 1 s"), std::string::npos) << outcome.err;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"in.ppm", "mpirun"}));
}

TEST_F(Ranks, EndClearlyWhenOneIsKilled) {
  write_endless_image(in);
  for (const std::size_t victim : {0U, 1U}) {
    Program program({"apply", "-v", "--ranks", "2", endless_pipeline, in, "-o", out});
    const auto ranks = processes(program, 2);
    ASSERT_EQ(ranks.size(), 2U) << program.wait().err;
    kill(ranks[victim], SIGKILL);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
    EXPECT_NE(outcome.err.find(fmt::format("tessera: Rank {} on ", victim)), std::string::npos)
        << outcome.err;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"in.ppm"});
  }
}

TEST_F(Ranks, EndAfterTheirTimeWhenOneIsStopped) {
  write_endless_image(in);
  for (const std::size_t victim : {0U, 1U}) {
    Program program({"apply", "-v", "--ranks", "2", "--timeout", "1", endless_pipeline, in, "-o", out});
    const auto ranks = processes(program, 2);
    ASSERT_EQ(ranks.size(), 2U) << program.wait().err;
    kill(ranks[victim], SIGSTOP);
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.exit_code, 7) << outcome.err;
    EXPECT_NE(outcome.err.find("not done after 1 s (--timeout)"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(fmt::format("rank {} on ", victim)), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("did not answer"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find(fmt::format("rank {} on ", 1 - victim)), std::string::npos) << outcome.err;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"in.ppm"});
    EXPECT_NE(kill(ranks[victim], 0), 0) << "rank process still there";
  }
}

TEST_F(Ranks, MpirunIsNotHeardUnlessAsked) {
  write_endless_image(in);
  Program program({"apply", "--ranks", "2", endless_pipeline, in, "-o", out}, {.terminal = true});
  ASSERT_TRUE(program.wait_for_error("%")) << program.wait().err;
  kill(program.pid(), SIGTERM);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 130);
  EXPECT_EQ(outcome.err.find("mpirun"), std::string::npos) << outcome.err;
}

TEST_F(Ranks, MissingMpirunIsExplained) {
  write_file(in, pnm(10, 10, 1));
  const Outcome outcome =
      run_program({"apply", "--ranks", "2", "invert", in, "-o", out}, {{"PATH=/nowhere"}});
  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_NE(outcome.err.find("openmpi-bin"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace tessera::testing
