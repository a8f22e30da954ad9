// SPDX-License-Identifier: Apache-2.0
// What a piece of a PNG is deflated to: what zlib inflates to the same, and the same bytes wherever it is
// done.
#include "codec/common/deflate.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <zlib.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tessera::testing {
namespace {

std::vector<std::uint8_t> noise_of_two_levels(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> bytes(size);
  std::generate(bytes.begin(), bytes.end(), [&] { return (random() & 1) != 0 ? 255 : 0; });
  return bytes;
}

std::vector<std::uint8_t> inflated(const Bytes& deflated, std::size_t size) {
  std::vector<std::uint8_t> raw(size + 1);
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, -MAX_WBITS), Z_OK);
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = raw.data();
  stream.avail_out = static_cast<uInt>(raw.size());
  EXPECT_EQ(inflate(&stream, Z_SYNC_FLUSH), Z_OK) << (stream.msg != nullptr ? stream.msg : "");
  EXPECT_EQ(stream.avail_in, 0U);
  raw.resize(raw.size() - stream.avail_out);
  inflateEnd(&stream);
  return raw;
}

TEST(Deflate, PiecesOfEverySizeAreInflatedByZlibToWhatTheyWere) {
  std::vector<std::size_t> sizes{1000, 32768, 65536, 65537, 300'001, 3'000'000};
  for (std::size_t size = 1; size <= 64; ++size) {
    sizes.push_back(size);
  }
  for (const std::size_t size : sizes) {
    const auto raw = noise_of_two_levels(size, static_cast<unsigned>(size));
    EXPECT_EQ(inflated(deflate_piece(raw), size), raw) << size << " bytes";
  }
}

/// Work for one thread whose stack lies where we want it.
struct Deflating {
  const std::vector<std::uint8_t>& raw;
  Bytes deflated;
};

void* deflate_on_this_stack(void* given) {
  auto& work = *static_cast<Deflating*>(given);
  work.deflated = deflate_piece(work.raw);
  return nullptr;
}

/// deflate_piece() on a stack at a random address.
Bytes deflated_somewhere(const std::vector<std::uint8_t>& raw, std::mt19937_64& random) {
  constexpr std::size_t stack_bytes = std::size_t{1} << 20;
  const std::uint64_t address = random() & 0x3fff'ffff'0000;
  void* stack = mmap(reinterpret_cast<void*>(address), stack_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  EXPECT_NE(stack, MAP_FAILED);
  pthread_attr_t attributes;
  EXPECT_EQ(pthread_attr_init(&attributes), 0);
  EXPECT_EQ(pthread_attr_setstack(&attributes, stack, stack_bytes), 0);
  Deflating work{raw, {}};
  pthread_t thread{};
  EXPECT_EQ(pthread_create(&thread, &attributes, deflate_on_this_stack, &work), 0);
  EXPECT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
  munmap(stack, stack_bytes);
  return work.deflated;
}

// libisal's hashing of the first bytes takes in where its state lies (see deflate.cpp): without the way round
// it, about 5 of 20,000 addresses give other bytes. In some pieces nothing depends on the slot that is hit,
// hence several.
TEST(Deflate, TheBytesDoNotDependOnWhereTheStackLies) {
  constexpr unsigned pieces = 20;
  constexpr int addresses_per_piece = 1000;
  std::mt19937_64 random(7);
  int different = 0;
  for (unsigned piece = 0; piece < pieces; ++piece) {
    const auto raw = noise_of_two_levels(std::size_t{24} * 748, piece);
    const Bytes expected = deflate_piece(raw);
    for (int i = 0; i < addresses_per_piece; ++i) {
      different += deflated_somewhere(raw, random) != expected ? 1 : 0;
    }
  }
  EXPECT_EQ(different, 0) << "of " << pieces * addresses_per_piece << " addresses";
}

}  // namespace
}  // namespace tessera::testing
