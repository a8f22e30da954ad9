// SPDX-License-Identifier: Apache-2.0
// Pixels of damaged images never come from memory that nobody has written: it may hold another image.
#include <gtest/gtest.h>
#include <malloc.h>

#include <random>

#include "support.hpp"

namespace tessera::test {
namespace {

/// The pixels, or the sentence, while new memory is filled with a pattern.
std::string read_with(int pattern, const Bytes& bytes) {
  ::mallopt(M_PERTURB, pattern);
  std::string outcome;
  try {
    ReadOptions options;
    options.limits.max_pixels = 1'000'000;
    const auto source = open_image(Bytes(bytes), options, "the image");
    const Bytes pixels = interleave(read_whole(*source));
    outcome.assign(reinterpret_cast<const char*>(pixels.data()), pixels.size());
  } catch (const Error& error) {
    outcome = error.what();
  }
  ::mallopt(M_PERTURB, 0);
  return outcome;
}

bool depends_on_memory(const Bytes& bytes) {
  constexpr int one = 0x11;
  constexpr int another = 0xE6;
  return read_with(one, bytes) != read_with(another, bytes);
}

// The stream unpacks to more than the strip, which libtiff accepts, and its end is not written then.
TEST(Uninitialized, IsNoPartOfATiffWhoseStripUnpacksToTooMuch) {
  Bytes bytes = load_file(data_file("rgb16_deflate_predictor.tif"));
  constexpr std::size_t place = 12149;
  bytes[place] = std::byte{110};
  EXPECT_FALSE(depends_on_memory(bytes));
}

TEST(Uninitialized, IsNoPartOfAnyDamagedImage) {
  constexpr int copies = 40;
  constexpr std::uintmax_t most_bytes = 300'000;
  int read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data_file(""))) {
    if (!entry.is_regular_file() || entry.file_size() > most_bytes || entry.path().extension() == ".md") {
      continue;
    }
    const std::string name = entry.path().filename().string();
    const Bytes whole = load_file(entry.path());
    EXPECT_FALSE(depends_on_memory(whole)) << name;
    std::seed_seq seed(name.begin(), name.end());
    std::mt19937 random(seed);
    for (int copy = 0; copy < copies; ++copy) {
      Bytes damaged = whole;
      // One byte changed, or the end missing.
      if (copy % 4 == 3) {
        damaged.resize(random() % whole.size() + 1);
      } else {
        damaged[random() % whole.size()] = static_cast<std::byte>(random());
      }
      EXPECT_FALSE(depends_on_memory(damaged)) << name << ", copy " << copy;
      ++read;
    }
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace tessera::test
