// SPDX-License-Identifier: Apache-2.0
// What every operator makes of fixed images, as hashes. Who changes the bytes of a result raises the operator's version
// (or mends a defect, and says so in CHANGELOG.md); `./run golden` then writes the file anew.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <opencv2/core/version.hpp>

#include "base/json.hpp"
#include "support/memory_io.hpp"

namespace tessera::testing {
namespace {

constexpr const char* golden_file = TESSERA_TEST_DATA_DIR "/golden/operators.json";
constexpr const char* update_variable = "TESSERA_GOLDEN_FILE";

/// FNV-1a, 64 bits (Fowler, Noll, Vo; http://www.isthe.com/chongo/tech/comp/fnv).
class Hash {
 public:
  void add(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i < size; ++i) {
      value_ = (value_ ^ bytes[i]) * 0x100000001b3U;
    }
  }
  void add(const Tile& tile) {
    const std::string info =
        fmt::format("{}x{} {}", tile.rect.width, tile.rect.height, tile.info().format.describe());
    add(info.data(), info.size());
    for (const cv::Mat* plane : {&tile.color, &tile.alpha}) {
      for (int y = 0; y < plane->rows; ++y) {
        add(plane->ptr(y), static_cast<std::size_t>(plane->cols) * plane->elemSize());
      }
    }
  }
  [[nodiscard]] std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

/// Of an operator with its defaults and its samples, on images of several formats.
std::string hash_of(const CatalogEntry& entry) {
  Hash hash;
  constexpr Extent extent{61, 83};
  std::vector<Json> parameter_sets = entry.samples(extent);
  if (entry.random_parameters) {
    parameter_sets.insert(parameter_sets.begin(), Json::object());
  }
  for (const PixelFormat& format : {PixelFormat{Depth::u8, 3, false}, PixelFormat{Depth::u16, 1, false},
                                    PixelFormat{Depth::u8, 3, true}}) {
    const Tile image = make_image({extent, format}, Pattern::photo_like, 5);
    for (const Json& parameters : parameter_sets) {
      const EngineOutcome outcome = run_engine({entry.make(parameters, sample_image)}, image, 1, {});
      hash.add(outcome.image);
      for (const Findings& findings : outcome.report.findings) {
        hash.add(findings.values.data(), findings.values.size() * sizeof(double));
      }
    }
  }
  return hash.text();
}

/// "gaussian-blur@1"
std::string versioned_name(const CatalogEntry& entry) {
  return fmt::format("{}@{}", entry.info.name, entry.info.version);
}

Json read_golden() {
  std::ifstream file(golden_file);
  return Json::parse(file, nullptr, false);
}

TEST(GoldenBytes, OfEveryOperatorAreThoseOfItsVersion) {
  if (const char* const update = std::getenv(update_variable)) {
    Json hashes = Json::object();
    for (const CatalogEntry& entry : catalog()) {
      hashes[versioned_name(entry)] = hash_of(entry);
    }
    std::ofstream(update) << Json{{"opencv", CV_VERSION}, {"operators", std::move(hashes)}}.dump(2) << '\n';
    return;
  }
  const Json golden = read_golden();
  ASSERT_TRUE(golden.is_object()) << golden_file << " cannot be read: './run golden' writes it.";
  if (golden["opencv"] != CV_VERSION) {
    GTEST_SKIP() << "The hashes are those of OpenCV " << golden["opencv"] << ", and this is " << CV_VERSION;
  }
  for (const CatalogEntry& entry : catalog()) {
    const std::string name = versioned_name(entry);
    const std::string hash = hash_of(entry);
    const auto known = golden["operators"].find(name);
    if (known == golden["operators"].end()) {
      ADD_FAILURE() << name << " has no hash yet: './run golden' writes it.";
    } else {
      EXPECT_EQ(known->get<std::string>(), hash)
          << name << " gives other bytes than before: raise info.version (CONTRIBUTING.md).";
    }
  }
  EXPECT_EQ(golden["operators"].size(), catalog().size()) << "Hashes of operators that there are none of.";
}

}  // namespace
}  // namespace tessera::testing
