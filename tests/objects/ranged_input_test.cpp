// SPDX-License-Identifier: Apache-2.0
// Objects read in ranges, over an object in memory that counts what is asked of it.
#include "ranged/ranged_input.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <future>
#include <random>

#include "base/error.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;

struct Asked {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;  ///< first byte, count
  int fail_next = 0;

  std::int64_t bytes() {
    const std::scoped_lock lock(mutex);
    std::int64_t sum = 0;
    for (const auto& range : ranges) {
      sum += range.second;
    }
    return sum;
  }
  /// Waits until this number of bytes have been asked for, in all.
  void wait_for_bytes(std::int64_t bytes) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] {
      std::int64_t sum = 0;
      for (const auto& range : ranges) {
        sum += range.second;
      }
      return sum >= bytes;
    });
  }
  std::size_t count() {
    const std::scoped_lock lock(mutex);
    return ranges.size();
  }
};

class MemoryObject final : public RangedObject {
 public:
  MemoryObject(const Bytes& content, Asked& asked) : content_(content), asked_(asked) {}
  void read(std::int64_t first, std::int64_t count, ByteSink& out) override {
    {
      const std::scoped_lock lock(asked_.mutex);
      asked_.ranges.emplace_back(first, count);
      asked_.changed.notify_all();
      if (asked_.fail_next > 0) {
        --asked_.fail_next;
        throw Error(ErrorCode::unavailable, "The store is away.");
      }
    }
    out.write(std::span(content_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
  }

 private:
  const Bytes& content_;
  Asked& asked_;
};

constexpr RangedReading small{.piece_bytes = 64,
                              .request_bytes = 256,
                              .max_ahead_bytes = 1024,
                              .max_kept_bytes = 8192,
                              .max_requests = 3};

class RangedInputTest : public ::testing::Test {
 protected:
  /// `head_bytes` have come with the request that opened the object.
  std::unique_ptr<RangedInput> open(std::int64_t size, std::int64_t head_bytes = 64) {
    std::mt19937 random(7);
    content_.resize(static_cast<std::size_t>(size));
    std::ranges::generate(content_, [&] { return static_cast<std::byte>(random()); });
    OpenedObject opened;
    opened.object = std::make_unique<MemoryObject>(content_, asked_);
    opened.size = size;
    opened.version = "one";
    opened.head.assign(content_.begin(), content_.begin() + std::min(size, head_bytes));
    return std::make_unique<RangedInput>(std::move(opened), "'an object'", small);
  }
  void expect_read(const RangedInput& input, std::int64_t offset, std::size_t count) {
    Bytes got(count);
    const std::size_t read = input.read_at(offset, got);
    const auto end = std::min<std::int64_t>(std::ssize(content_), offset + static_cast<std::int64_t>(count));
    ASSERT_EQ(static_cast<std::int64_t>(read), std::max<std::int64_t>(0, end - offset));
    if (read > 0) {
      EXPECT_TRUE(
          std::equal(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(read), content_.begin() + offset))
          << offset << " " << count;
    }
  }

  Bytes content_;
  Asked asked_;
};

TEST_F(RangedInputTest, GivesTheBytesOfAnyPart) {
  const auto input = open(100'000);
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    expect_read(*input, static_cast<std::int64_t>(random() % 100'500), random() % 5000);
  }
  expect_read(*input, 0, 100'000);
  expect_read(*input, 99'999, 10);
  expect_read(*input, 100'000, 10);
}

TEST_F(RangedInputTest, GivesThemToSeveralThreads) {
  const auto input = open(200'000);
  std::vector<std::future<void>> readers;
  for (unsigned seed = 0; seed < 6; ++seed) {
    readers.push_back(std::async(std::launch::async, [&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 1000; ++i) {
        expect_read(*input, static_cast<std::int64_t>(random() % 200'000), random() % 700);
      }
    }));
  }
  for (auto& reader : readers) {
    reader.get();
  }
}

TEST_F(RangedInputTest, ReadingInOrderFetchesEveryByteOnceInLongRequests) {
  const auto input = open(64 * 1024);
  for (std::int64_t offset = 0; offset < 64 * 1024; offset += 32) {
    expect_read(*input, offset, 32);
  }
  EXPECT_EQ(asked_.bytes(), 64 * 1024 - 64);
  EXPECT_LE(asked_.count(), 64 * 1024 / 256 + 4);
}

TEST_F(RangedInputTest, SeveralPlacesReadInTurnAreEachReadInOrder) {
  const auto input = open(96 * 1024);
  for (std::int64_t at = 0; at < 32 * 1024; at += 32) {
    for (const std::int64_t plane : {0, 32, 64}) {
      expect_read(*input, plane * 1024 + at, 32);
    }
  }
  EXPECT_LE(asked_.count(), 96 * 1024 / 256 + 30);
}

TEST_F(RangedInputTest, ReadingHereAndThereFetchesLittleMoreThanIsRead) {
  const auto input = open(1 << 20);
  for (std::int64_t at = 1; at < 100; ++at) {
    expect_read(*input, at * 10'000, 50);
  }
  EXPECT_LE(asked_.bytes(), 99 * 2 * 64);
}

TEST_F(RangedInputTest, KeepsNoMoreThanItMay) {
  const auto input = open(1 << 20);
  for (std::int64_t offset = 0; offset < 1 << 20; offset += 64) {
    expect_read(*input, offset, 64);
  }
  const std::int64_t once = asked_.bytes();
  // What was read last is still there, what was read first is not.
  expect_read(*input, (1 << 20) - 2048, 2048);
  EXPECT_EQ(asked_.bytes(), once);
  expect_read(*input, 0, 2048);
  EXPECT_GE(asked_.bytes(), once + 2048);
}

TEST_F(RangedInputTest, AWholeFileThatCameWithTheFirstRequestIsNeverFetched) {
  const auto input = open(20'000, 20'000);
  expect_read(*input, 0, 20'000);
  expect_read(*input, 7, 19'000);
  EXPECT_EQ(asked_.count(), 0U);
  const auto empty = open(0, 0);
  expect_read(*empty, 0, 10);
  EXPECT_EQ(asked_.count(), 0U);
}

TEST_F(RangedInputTest, FetchesWhatIsAnnouncedUpToTheLimitAndMoreAsItIsRead) {
  const auto input = open(1 << 20);
  const std::array<ByteSpan, 2> spans{{{100'000, 3000}, {500'000, 100'000}}};
  constexpr std::int64_t limit = 6400;
  input->read_ahead(spans, limit);
  asked_.wait_for_bytes(limit);
  // Both spans begin within a piece; nothing is asked for that was not announced.
  const std::int64_t first_pieces = (103'000 + 63) / 64 * 64 - 100'000 / 64 * 64;
  expect_read(*input, 100'000, 3000);
  asked_.wait_for_bytes(limit + first_pieces);
  expect_read(*input, 500'000, 3000);
  EXPECT_LE(asked_.bytes(), limit + first_pieces + 3072 + 64);
  expect_read(*input, 503'000, 97'000);
  // Each byte was fetched once; behind both spans a window of reading in order.
  const std::int64_t announced = first_pieces + (600'000 + 63) / 64 * 64 - 500'000 / 64 * 64;
  EXPECT_GE(asked_.bytes(), announced);
  EXPECT_LE(asked_.bytes(), announced + 2 * small.max_ahead_bytes);
}

TEST_F(RangedInputTest, AnnouncedPiecesStayUntilTheyAreRead) {
  const auto input = open(1 << 20);
  const ByteSpan span{0, 1 << 20};
  constexpr std::int64_t limit = 400'000;  // far more than is kept
  input->read_ahead(std::span(&span, 1), limit);
  asked_.wait_for_bytes(limit / 64 * 64);
  expect_read(*input, 900'000, 100);  // what is read elsewhere drops none of them
  for (std::int64_t offset = 0; offset < 1 << 20; offset += 4096) {
    expect_read(*input, offset, 4096);
  }
  EXPECT_LE(asked_.bytes(), (1 << 20) + 4096);
}

TEST_F(RangedInputTest, WhatFailsWhenItIsFetchedAheadIsReadAllTheSame) {
  const auto input = open(10'000);
  asked_.fail_next = 1;
  const ByteSpan span{5000, 200};
  input->read_ahead(std::span(&span, 1), 64);
  asked_.wait_for_bytes(64);
  // The failure is told to a reader that waits for that piece at this moment, and to none that comes later.
  Bytes part(200);
  try {
    input->read_at(5000, part);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unavailable);
  }
  expect_read(*input, 5000, 200);
}

TEST_F(RangedInputTest, SpansBehindTheEndAreNotFetched) {
  const auto input = open(10'000);
  const std::array<ByteSpan, 3> spans{{{20'000, 500}, {-5, 3}, {9900, 500}}};
  input->read_ahead(spans, 100'000);
  expect_read(*input, 9800, 200);
  EXPECT_LE(asked_.bytes(), 10'000);
}

TEST_F(RangedInputTest, AFailureIsToldToWhoReadsAndTriedAgain) {
  const auto input = open(10'000);
  asked_.fail_next = 1;
  Bytes part(10);
  EXPECT_EQ(code_of([&] { input->read_at(5000, part); }), ErrorCode::unavailable);
  expect_read(*input, 5000, 10);
}

}  // namespace
}  // namespace tessera
