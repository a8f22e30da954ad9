// SPDX-License-Identifier: Apache-2.0
// Pipes, devices and links as inputs and outputs of the program.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "inputs.hpp"
#include "program.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class Streams : public ::testing::Test {
 protected:
  Streams() { write_file(folder_ / "in.ppm", pnm(64, 48, 3)); }

  std::string expected() {
    EXPECT_EQ(run_program({"apply", "invert", folder_ / "in.ppm", "-o", folder_ / "expected.png"}).exit_code,
              0);
    return read_file(folder_ / "expected.png");
  }

  TemporaryFolder folder_;
};

TEST_F(Streams, OtherNamesOfStandardOutputAreStandardOutput) {
  const std::string picture = expected();
  for (const char* name : {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}) {
    const Outcome outcome = run_program({"apply", "invert", folder_ / "in.ppm", "-o", name});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(outcome.out == picture) << name;
    // The report says what was written, and does not mix with it.
    EXPECT_NE(outcome.err.find("standard output"), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find(" 0 bytes"), std::string::npos) << outcome.err;
  }
}

TEST_F(Streams, TheReportOfStandardOutputKnowsItsSize) {
  const std::string picture = expected();
  const Outcome outcome =
      run_program({"apply", "invert", folder_ / "in.ppm", "-o", folder_ / "again.png", "--json"});
  const auto report = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(report["images"][0]["output_bytes"], picture.size());
}

TEST_F(Streams, AFifoIsWrittenIntoAndStaysOne) {
  const std::string picture = expected();
  const std::string fifo = folder_ / "fifo.png";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  Program program({"apply", "invert", folder_ / "in.ppm", "-o", fifo});
  EXPECT_TRUE(read_file(fifo) == picture);
  EXPECT_EQ(program.wait().exit_code, 0);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST_F(Streams, FindingsGoIntoAFifoAsAWhole) {
  const std::string fifo = folder_ / "findings";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  write_file(folder_ / "second.ppm", pnm(64, 48, 3, 2));
  Program program(
      {"apply", "grayscale | harris", folder_ / "in.ppm", folder_ / "second.ppm", "--findings", fifo});
  EXPECT_EQ(nlohmann::json::parse(read_file(fifo)).size(), 2U);
  EXPECT_EQ(program.wait().exit_code, 0);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST_F(Streams, LinksAreWrittenThroughOnlyWithForce) {
  const std::string picture = expected();
  write_file(folder_ / "target.png", "old");
  fs::create_symlink("target.png", folder_ / "link.png");
  fs::create_symlink("new.png", folder_ / "dangling.png");
  EXPECT_EQ(run_program({"apply", "invert", folder_ / "in.ppm", "-o", folder_ / "link.png"}).exit_code, 2);
  EXPECT_EQ(read_file(folder_ / "target.png"), "old");
  EXPECT_EQ(
      run_program({"apply", "invert", folder_ / "in.ppm", "-o", folder_ / "link.png", "--force"}).exit_code,
      0);
  EXPECT_TRUE(fs::is_symlink(folder_ / "link.png"));
  EXPECT_TRUE(read_file(folder_ / "target.png") == picture);
  EXPECT_EQ(run_program({"apply", "invert", folder_ / "in.ppm", "-o", folder_ / "dangling.png"}).exit_code,
            0);
  EXPECT_TRUE(fs::is_symlink(folder_ / "dangling.png"));
  EXPECT_TRUE(read_file(folder_ / "new.png") == picture);
}

TEST_F(Streams, AnInputIsNotWrittenUnderAnyName) {
  fs::create_symlink("in.ppm", folder_ / "link.png");
  fs::create_hard_link(folder_ / "in.ppm", folder_ / "hard.png");
  const std::string before = read_file(folder_ / "in.ppm");
  for (const char* name : {"link.png", "hard.png"}) {
    const Outcome outcome =
        run_program({"apply", "invert", folder_ / "in.ppm", "-o", folder_ / name, "--force"});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_NE(outcome.err.find("is an input"), std::string::npos) << outcome.err;
  }
  EXPECT_EQ(read_file(folder_ / "in.ppm"), before);
}

TEST_F(Streams, PipesAreReadAsInputs) {
  const std::string picture = expected();
  const Outcome named =
      run_program({"apply", "invert", "/dev/stdin", "-o", folder_ / "a.png"}, {.input = pnm(64, 48, 3)});
  EXPECT_EQ(named.exit_code, 0) << named.err;
  EXPECT_TRUE(read_file(folder_ / "a.png") == picture);

  const std::string fifo = folder_ / "fifo.ppm";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  Program program({"apply", "invert", fifo, "-o", folder_ / "b.png"});
  write_file(fifo, pnm(64, 48, 3));
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(read_file(folder_ / "b.png") == picture);

  const Outcome substituted =
      run_other("bash", {"-c", std::string(TESSERA_PROGRAM) + " apply invert <(cat " + (folder_ / "in.ppm") +
                                   ") -o " + (folder_ / "c.png")});
  EXPECT_EQ(substituted.exit_code, 0) << substituted.err;
  EXPECT_TRUE(read_file(folder_ / "c.png") == picture);
}

TEST_F(Streams, SeveralRanksRefuseAPipeByName) {
  const std::string fifo = folder_ / "fifo.ppm";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const Outcome outcome = run_program({"apply", "invert", fifo, "-o", folder_ / "a.png", "--ranks", "2"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("is a pipe"), std::string::npos) << outcome.err;
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Processor time for one look-up among `names`: the least of a few tries.
double look_up_seconds(const std::vector<std::string>& names) {
  const cli::InputFiles files(names);
  double least = 1e9;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const double start = processor_seconds();
    // As many look-ups for few names as for many.
    constexpr std::size_t look_ups = 16'000;
    for (std::size_t i = 0; i < look_ups; ++i) {
      EXPECT_TRUE(files.contains(names[i % names.size()]));
    }
    least = std::min(least, processor_seconds() - start);
  }
  return least;
}

/// Each output of a batch is looked up among all inputs: eight times the inputs, the same time for each. A
/// comparison with every input would take eight times as long.
TEST(Inputs, AreLookedUpInTheSameTimeHoweverManyThereAre) {
  TemporaryFolder folder;
  std::vector<std::string> names;
  for (int i = 0; i < 4000; ++i) {
    names.push_back(folder / (std::to_string(i) + ".png"));
    write_file(names.back(), "x");
  }
  const double many = look_up_seconds(names);
  names.resize(names.size() / 8);
  EXPECT_LT(many, 4 * look_up_seconds(names));
}

}  // namespace
}  // namespace tessera::testing
