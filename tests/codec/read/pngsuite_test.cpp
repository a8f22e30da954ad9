// SPDX-License-Identifier: Apache-2.0
// Every file of PngSuite, against checksums of pixels from another decoder (image-rs/image-png).
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <map>

#include "support.hpp"

namespace tessera::test {
namespace {

// Checksums by file name.
std::map<std::string, std::uint32_t> expected(const std::string& list) {
  std::map<std::string, std::uint32_t> sums;
  std::ifstream file(case_file("pngsuite-expected") / list);
  const std::string folder = "tests/pngsuite/";
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with(folder) && colon != std::string::npos && std::isdigit(line[colon + 2]) != 0) {
      sums[line.substr(folder.size(), colon - folder.size())] =
          static_cast<std::uint32_t>(std::stoul(line.substr(colon + 2)));
    }
  }
  return sums;
}

std::uint32_t checksum(const Bytes& bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// As the other decoder does it: the high byte.
Bytes to_8_bits(const Tile& tile) {
  Bytes all = interleave(tile);
  if (tile.color.depth() == CV_8U) {
    return all;
  }
  Bytes high;
  for (std::size_t i = 1; i < all.size(); i += 2) {
    high.push_back(all[i]);
  }
  return high;
}

Bytes to_big_endian(const Tile& tile) {
  Bytes all = interleave(tile);
  for (std::size_t i = 0; i + 1 < all.size(); i += 2) {
    std::swap(all[i], all[i + 1]);
  }
  return all;
}

TEST(PngSuite, EverySoundFileReadsAsExpected) {
  const auto sums = expected("results.txt");
  const auto wide_sums = expected("results_identity.txt");
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(case_file("pngsuite"))) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".png" || name.front() == 'x') {
      continue;
    }
    ASSERT_TRUE(sums.contains(name)) << name;
    const Tile tile = read_whole(entry.path());
    EXPECT_EQ(checksum(to_8_bits(tile)), sums.at(name)) << name;
    // The low bytes too, where nothing was added to what is in the file.
    if (tile.color.depth() == CV_16U && name.front() != 't') {
      EXPECT_EQ(checksum(to_big_endian(tile)), wide_sums.at(name)) << name;
    }
    ++read;
  }
  EXPECT_EQ(read, 161);
}

TEST(PngSuite, EveryCorruptFileIsRefusedWithAReason) {
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(case_file("pngsuite"))) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".png" || name.front() != 'x') {
      continue;
    }
    const Refusal refusal = refusal_of(entry.path());
    EXPECT_EQ(refusal.code, ErrorCode::damaged_input) << name << ": " << refusal.sentence;
    EXPECT_NE(refusal.sentence.find(name), std::string::npos) << refusal.sentence;
    ++refused;
  }
  EXPECT_EQ(refused, 14);
}

// Only the checksum of its pixels is wrong: refused, for who knows what else is; salvage uses the pixels.
TEST(PngSuite, SalvageReadsPastAWrongChecksum) {
  const auto path = case_file("pngsuite/xcsn0g01.png");
  EXPECT_EQ(refusal_of(path).code, ErrorCode::damaged_input);
  const Tile saved = read_whole(path, {.salvage = true});
  EXPECT_EQ(difference(saved, read_whole(case_file("pngsuite/basn0g01.png"))), 0);
}

TEST(PngSuite, AgreesWithLibvips) {
  for (const auto& entry : std::filesystem::directory_iterator(case_file("pngsuite"))) {
    if (entry.path().extension() == ".png" && entry.path().filename().string().front() != 'x') {
      EXPECT_EQ(
          difference(read_whole(entry.path()), read_whole(*open_by_vips(entry.path(), ImageFormat::png))), 0)
          << entry.path();
    }
  }
}

}  // namespace
}  // namespace tessera::test
