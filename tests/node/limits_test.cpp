// SPDX-License-Identifier: Apache-2.0
// Every limit that an operator of the service can set reaches the rank that works on the image, and what is
// beyond one is a failed job whose sentence names it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "node/rank_group.hpp"
#include "schema/work_limits.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

/// An image that is within the service's limits, and beyond one that is lowered to `value`.
struct Beyond {
  std::string limit;
  std::int64_t value;
  std::string image;        ///< of tests/data/codec
  std::string in_sentence;  ///< what the refusal must hold
};

const std::vector<Beyond> beyond{
    {"max-bytes", 100, "rgb8.png", "100"},
    {"max-pixels", 50, "rgb8.png", "50"},
    {"max-side", 7, "rgb8.png", "7"},
    {"max-buffered", 64, "rgb8_lossy.webp", "64"},
    {"max-frames", 0, "rgb8_deflate.tif", "0"},
    {"max-metadata", 1, "exif.jpg", "1"},
    {"max-metadata-items", 0, "exif.jpg", "0"},
    {"max-scans", 2, "rgb8_progressive.jpg", "2 scans"},
    {"max-output-pixels", 60, "rgb8.png", "limit of 60"},
    {"max-output-side", 9, "rgb8.png", "limit of 9"},
    {"max-output-bytes", 70, "rgb8.png", "70 bytes"},
    {"max-memory", 1'000'000, "rgb8.png", "1.0 MB"},
};

class Limits : public ::testing::Test {
 protected:
  RankOutcome run(RankGroup& group, const std::string& image, const Json& limits) {
    RankTask task;
    task.input = folder.path() / image;
    if (image == "exif.jpg") {
      write_with_exif(task.input);
    } else {
      std::filesystem::copy_file(data / image, task.input, std::filesystem::copy_options::overwrite_existing);
    }
    task.output = folder.path() / (image + "-out.png");
    task.name = image;
    task.pipeline = Json::parse(R"([{"name": "invert"}])");
    task.limits = limits;
    return group.run(
        task, Placement::one_rank, {}, [](const std::vector<int>&) {}, [](double, const std::string&) {});
  }

  /// A JPEG with an EXIF block behind its first marker.
  static void write_with_exif(const std::filesystem::path& file) {
    const std::string plain = testing::read_file(data / "rgb8.jpg");
    const std::string exif(
        "\xff\xe1\x00\x16"
        "Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0",
        24);
    std::ofstream(file, std::ios::binary) << plain.substr(0, 2) << exif << plain.substr(2);
  }

  inline static const std::filesystem::path data = TESSERA_TEST_DATA_DIR "/codec";
  testing::ServerFolder folder;
};

TEST_F(Limits, EachReachesTheRank) {
  RankGroupOptions options;
  options.program = TESSERA_PROGRAM;
  options.threads = 1;
  options.scratch = folder.path();
  RankGroup group(options);
  for (const Beyond& one : beyond) {
    WorkLimits limits = service_limits();
    const RankOutcome within = run(group, one.image, to_json(limits));
    EXPECT_EQ(within.end, RankOutcome::End::done) << one.limit << ": " << within.sentence;
    Json lowered = to_json(limits);
    lowered[one.limit] = one.value;
    const RankOutcome outcome = run(group, one.image, lowered);
    EXPECT_EQ(outcome.end, RankOutcome::End::failed) << one.limit;
    EXPECT_EQ(outcome.code, "limit-exceeded") << one.limit << ": " << outcome.sentence;
    EXPECT_NE(outcome.sentence.find(one.in_sentence), std::string::npos)
        << one.limit << ": " << outcome.sentence;
  }
  // These two only have a meaning together.
  Json expansion = to_json(service_limits());
  expansion["max-expansion"] = 1;
  EXPECT_EQ(run(group, "gray_1bit.tif", expansion).end, RankOutcome::End::done);
  expansion["expansion-free"] = 1;
  EXPECT_EQ(run(group, "gray_1bit.tif", expansion).code, "limit-exceeded");
  expansion["max-expansion"] = 100'000;
  EXPECT_EQ(run(group, "gray_1bit.tif", expansion).end, RankOutcome::End::done);
  EXPECT_EQ(beyond.size() + 2, limit_table.size());
}

TEST_F(Limits, AreMadeAndReadByOneTable) {
  WorkLimits limits;
  std::int64_t next = 11;
  for (const LimitInfo& info : limit_table) {
    info.set(limits, next++);
  }
  const WorkLimits read = limits_from_json(to_json(limits));
  next = 11;
  for (const LimitInfo& info : limit_table) {
    EXPECT_EQ(info.get(read), next++) << info.name;
  }
  // Nothing in the two structures is left out of the table.
  EXPECT_EQ(limit_table.size(), 14U);
  for (const char* wrong : {R"([])", R"({"max-pixel": 1})", R"({"max-pixels": -1})", R"({"max-pixels": "1"})",
                            R"({"max-pixels": 1.5})"}) {
    EXPECT_THROW(static_cast<void>(limits_from_json(Json::parse(wrong))), Error) << wrong;
  }
}

}  // namespace
}  // namespace tessera
