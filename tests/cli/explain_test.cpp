// SPDX-License-Identifier: Apache-2.0
// What `explain` says is likely, against what real processes use.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "program.hpp"
#include "schema/param.hpp"

namespace tessera::testing {
namespace {

/// How far what is likely may be from what is measured.
constexpr double tolerance = 0.25;
/// Ranks also agree by short messages, which are not foretold.
constexpr double agreement_bytes = 16384;

/// A picture as it comes from a camera, for encoders: slow changes and a little noise.
std::string soft_ppm(std::int64_t width, std::int64_t height) {
  std::string image = fmt::format("P6\n{} {}\n255\n", width, height);
  image.reserve(image.size() + static_cast<std::size_t>(width * height * 3));
  std::uint32_t random = 1;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      random = random * 1664525U + 1013904223U;
      const auto level = static_cast<std::uint32_t>((x + y) / 64 % 200) + (random >> 28U);
      image.append({static_cast<char>(level), static_cast<char>(level / 2), static_cast<char>(level + 20)});
    }
  }
  return image;
}

struct Case {
  std::string name;
  std::int64_t width;
  std::int64_t height;
  std::string source;  ///< its extension
  std::string pipeline;
  std::string result;  ///< its extension
  int threads = 1;
};

class ExplainedRun : public ::testing::TestWithParam<Case> {
 protected:
  /// Of what `explain` says and of what is measured, on each rank.
  void compare(int ranks) {
    const Case& one = GetParam();
    const std::string number = std::to_string(ranks);
    const std::string threads = std::to_string(one.threads);
    const Outcome explained = run_program({"explain", "--json", "--ranks", number, "--threads", threads,
                                           "--format", one.result, one.pipeline, in});
    ASSERT_EQ(explained.exit_code, 0) << explained.err;
    const Outcome done = run_program({"apply", "--json", "--force", "--ranks", number, "--threads", threads,
                                      one.pipeline, in, "-o", folder / ("out." + one.result)});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    const Json likely = Json::parse(explained.out).at("likely").at("ranks");
    const Json measured = Json::parse(done.out).at("images").at(0).at("ranks");
    ASSERT_EQ(likely.size(), measured.size());
    ASSERT_EQ(static_cast<int>(likely.size()), ranks);
    for (std::size_t rank = 0; rank < likely.size(); ++rank) {
      SCOPED_TRACE(fmt::format("{} on rank {} of {}", one.name, rank, ranks));
      expect_near(likely[rank].at("memory_bytes"), measured[rank].at("peak_memory_bytes"), 0);
      expect_near(likely[rank].at("sent_bytes"), measured[rank].at("sent_bytes"), agreement_bytes);
      expect_near(likely[rank].at("received_bytes"), measured[rank].at("received_bytes"), agreement_bytes);
    }
  }

  static void expect_near(double likely, double measured, double allowance) {
    EXPECT_NEAR(likely, measured, tolerance * measured + allowance);
  }

  void SetUp() override {
    const std::string plain = folder / "plain.ppm";
    write_file(plain, soft_ppm(GetParam().width, GetParam().height));
    in = folder / ("in." + GetParam().source);
    ASSERT_EQ(run_program({"convert", "--quiet", "--threads", "1", plain, in}).exit_code, 0);
  }

  TemporaryFolder folder;
  std::string in;
};

TEST_P(ExplainedRun, UsesWhatIsLikelyOnOneRank) { compare(1); }
TEST_P(ExplainedRun, UsesWhatIsLikelyOnTwoRanks) { compare(2); }
TEST_P(ExplainedRun, UsesWhatIsLikelyOnFourRanks) { compare(4); }

INSTANTIATE_TEST_SUITE_P(
    Pictures, ExplainedRun,
    ::testing::Values(Case{"Small", 800, 600, "tif", "gaussian-blur sigma=2", "png"},
                      Case{"FromTiles", 10'000, 10'000, "tif", "gaussian-blur sigma=2 | unsharp-mask", "tif"},
                      Case{"Threads", 10'000, 4000, "tif", "gaussian-blur sigma=2 | unsharp-mask", "tif", 2},
                      Case{"InOrder", 6000, 4000, "png", "median size=3 | otsu", "png"},
                      Case{"Turned", 6000, 4000, "tif", "rotate angle=90", "tif"},
                      Case{"WholeFrame", 4000, 3000, "tif", "butterworth-low-pass", "tif"},
                      Case{"Counted", 6000, 4000, "tif", "clahe", "tif"},
                      Case{"Halved", 8000, 6000, "tif", "resize scale=0.5", "jpg"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(Explain, KnowsHostsWithoutACommonFolder) {
  const auto likely = [](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"explain", "--json", "invert", "--size", "4000x4000", "--ranks", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_program(arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Json::parse(outcome.out).at("likely");
  };
  constexpr double three_quarters = 4000.0 * 4000 * 3 * 3 / 4;
  const Json shared = likely({});
  EXPECT_LT(shared.at("ranks")[0].at("sent_bytes").get<double>(), agreement_bytes);
  const Json apart = likely({"--no-shared-files"});
  EXPECT_NEAR(apart.at("ranks")[0].at("sent_bytes").get<double>(), three_quarters, three_quarters / 20);
  const double results = three_quarters * 3 / 4;  // photographs
  EXPECT_NEAR(apart.at("ranks")[0].at("received_bytes").get<double>(), results, results / 20);
}

/// The header of a tiled BigTIFF of 100 gigapixels, none of whose tiles is there, in a file of holes.
void write_hundred_gigapixels(const std::string& file, std::uint32_t side) {
  constexpr std::uint32_t tile = 256;
  const std::uint64_t across = (side + tile - 1) / tile;
  const std::uint64_t tiles = across * across;
  struct Entry {
    std::uint16_t tag, type;
    std::uint64_t count, value;
  };
  constexpr std::uint16_t short_type = 3;
  constexpr std::uint16_t long8_type = 16;
  constexpr std::uint64_t directory_at = 16;
  constexpr std::uint64_t arrays_at = 4096;
  const std::uint64_t array_bytes = tiles * sizeof(std::uint64_t);
  const std::vector<Entry> entries{{256, long8_type, 1, side},
                                   {257, long8_type, 1, side},
                                   {258, short_type, 3, 8 | 8ULL << 16U | 8ULL << 32U},
                                   {259, short_type, 1, 1},
                                   {262, short_type, 1, 2},
                                   {277, short_type, 1, 3},
                                   {322, short_type, 1, tile},
                                   {323, short_type, 1, tile},
                                   {324, long8_type, tiles, arrays_at},
                                   {325, long8_type, tiles, arrays_at + array_bytes}};
  std::ofstream stream(file, std::ios::binary);
  const auto put = [&](const auto& value) {
    stream.write(reinterpret_cast<const char*>(&value), sizeof value);
  };
  stream.write("II\x2b\0\x08\0\0\0", 8);
  put(directory_at);
  put(static_cast<std::uint64_t>(entries.size()));
  for (const Entry& entry : entries) {
    put(entry.tag);
    put(entry.type);
    put(entry.count);
    put(entry.value);
  }
  put(std::uint64_t{0});
  stream.close();
  std::filesystem::resize_file(file, arrays_at + 2 * array_bytes);
}

TEST(Explain, TakesHundredGigapixelsWhereLimitsAllowThem) {
  const TemporaryFolder folder;
  const std::string mosaic = folder / "mosaic.tif";
  write_hundred_gigapixels(mosaic, 316'400);
  const std::vector<std::string> command{
      "explain", "--json", "gaussian-blur | unsharp-mask", mosaic, "--ranks", "64", "--threads", "2"};
  const Outcome refused = run_program(command);
  EXPECT_EQ(refused.exit_code, 7) << refused.out;
  EXPECT_NE(refused.err.find("max-"), std::string::npos) << refused.err;
  std::vector<std::string> allowed = command;
  allowed.insert(allowed.end(), {"--max-pixels", "200G", "--max-expansion", "1M"});
  const Outcome explained = run_program(allowed);
  ASSERT_EQ(explained.exit_code, 0) << explained.err;
  const Json report = Json::parse(explained.out);
  EXPECT_EQ(report.at("likely").at("ranks").size(), 64U);
  EXPECT_EQ(report.at("likely").at("result_bytes_from"), "photographs");
  // A rank holds a row of tiles and strips as high as that, not its 64th of 300 GB.
  const auto memory = report.at("likely").at("memory_bytes_per_rank").get<std::int64_t>();
  EXPECT_GT(memory, std::int64_t{316'400} * 3 * 256 * 4);
  EXPECT_LT(memory, std::int64_t{316'400} * 3 * 256 * 16);
}

}  // namespace
}  // namespace tessera::testing
