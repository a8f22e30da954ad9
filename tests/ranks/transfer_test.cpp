// SPDX-License-Identifier: Apache-2.0
// Ranges of objects on their way over lanes.
#include "ranks/transfer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <thread>

#include "base/error.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::code_of;
using testing::refusal;

std::byte byte_at(std::int64_t place) { return static_cast<std::byte>((place * 2654435761) >> 13); }

/// An object without an end, of the bytes above.
void write_range(std::int64_t first, std::int64_t count, const TransferSink& out) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    bytes[static_cast<std::size_t>(i)] = byte_at(first + i);
  }
  out(bytes);
}

using Read = std::function<void(const std::string& grant, std::int64_t first, std::int64_t count,
                                const TransferSink& out, const std::stop_token& stop)>;
using Write = std::function<std::string(const std::string& grant, std::int64_t count,
                                        const std::function<std::vector<std::byte>()>& body,
                                        const std::stop_token& stop)>;

/// A store that does not answer.
[[noreturn]] void stall_until(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [] { return false; });
  throw Error(ErrorCode::cancelled, "Stopped.");
}

class Handler final : public TransferHandler {
 public:
  void read(const std::string& grant, std::int64_t first, std::int64_t count, const TransferSink& out,
            const std::stop_token& stop) override {
    on_read(grant, first, count, out, stop);
  }
  std::string write(const std::string& grant, std::int64_t count,
                    const std::function<std::vector<std::byte>()>& body,
                    const std::stop_token& stop) override {
    return on_write(grant, count, body, stop);
  }
  Read on_read;
  Write on_write;
};

class Transfer : public ::testing::Test {
 protected:
  /// Lanes that these serve.
  void serve(int lanes, Read read, Write write = {}) {
    handler_.on_read = std::move(read);
    handler_.on_write = std::move(write);
    std::vector<FileDescriptor> ends;
    for (int i = 0; i < lanes; ++i) {
      std::array<int, 2> pair{};
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
      ends.emplace_back(pair[0]);
      servers_.emplace_back(
          [this, lane = std::make_shared<FileDescriptor>(pair[1])] { serve_transfers(*lane, handler_); });
    }
    lanes_ = std::make_unique<TransferLanes>(std::move(ends));
  }
  [[nodiscard]] bool reads_right(std::int64_t first, std::int64_t count) const {
    std::int64_t at = first;
    bool right = true;
    lanes_->read("grant", first, count,
                 [&](std::span<const std::byte> bytes) {
                   for (const std::byte byte : bytes) {
                     right = right && byte == byte_at(at++);
                   }
                 },
                 {});
    return right && at == first + count;
  }

  Handler handler_;
  std::vector<std::jthread> servers_;
  std::unique_ptr<TransferLanes> lanes_;  ///< last: its end ends the servers
};

TEST_F(Transfer, GivesEachReaderItsRange) {
  serve(2, [](const std::string& grant, std::int64_t first, std::int64_t count, const TransferSink& out,
              const std::stop_token&) {
    EXPECT_EQ(grant, "grant");
    write_range(first, count, out);
  });
  EXPECT_TRUE(reads_right(0, 0));
  std::vector<std::jthread> readers;
  std::atomic<int> right = 0;
  for (int reader = 0; reader < 5; ++reader) {
    readers.emplace_back([&, reader] {
      for (int i = 0; i < 10; ++i) {
        right += reads_right(reader * 1'000'003, 100'000 * i + 1) ? 1 : 0;
      }
    });
  }
  readers.clear();
  EXPECT_EQ(right, 50);
}

TEST_F(Transfer, PassesFailuresOnAndContinues) {
  int calls = 0;
  serve(1, [&](const std::string&, std::int64_t first, std::int64_t count, const TransferSink& out,
               const std::stop_token&) {
    write_range(first, count / 2, out);
    if (++calls == 1) {
      throw Error(ErrorCode::unavailable, "The store is down.");
    }
    write_range(first + count / 2, count - count / 2, out);
  });
  EXPECT_EQ(refusal([&] { static_cast<void>(reads_right(0, 1'000'000)); }, ErrorCode::unavailable),
            "The store is down.");
  EXPECT_TRUE(reads_right(7, 300'001));
  const auto refuse = [](std::span<const std::byte>) {
    throw Error(ErrorCode::limit_exceeded, "That is too much.");
  };
  EXPECT_EQ(refusal([&] { lanes_->read("grant", 0, 1'000'000, refuse, {}); }, ErrorCode::limit_exceeded),
            "That is too much.");
  EXPECT_TRUE(reads_right(9, 300'001));
}

TEST_F(Transfer, StopsWhatStalls) {
  bool stall = true;
  serve(1, [&](const std::string&, std::int64_t first, std::int64_t count, const TransferSink& out,
               const std::stop_token& stop) {
    if (stall) {
      stall_until(stop);
    }
    write_range(first, count, out);
  });
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(code_of([&] {
              lanes_->read(
                  "grant", 0, 10, [](auto) {}, stop.get_token());
            }),
            ErrorCode::cancelled);
  stall = false;
  EXPECT_TRUE(reads_right(5, 100'000));
}

TEST_F(Transfer, UploadsBytesAndReturnsTheTag) {
  serve(
      2,
      [](const auto&, std::int64_t first, std::int64_t count, const auto& out, const auto&) {
        write_range(first, count, out);
      },
      [](const std::string& grant, std::int64_t count, const auto& body, const std::stop_token&) {
        if (grant == "refused") {
          throw Error(ErrorCode::forbidden, "Not granted.");
        }
        const std::vector<std::byte> bytes = body();
        EXPECT_EQ(std::ssize(bytes), count);
        if (grant == "failing") {
          throw Error(ErrorCode::unavailable, "The store is down.");
        }
        return fmt::format("{}: {} bytes, last {}", grant, bytes.size(), std::to_integer<int>(bytes.back()));
      });
  std::vector<std::byte> bytes(3'000'000);
  bytes.back() = std::byte{7};
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(lanes_->write("part", bytes, {}), "part: 3000000 bytes, last 7");
    // After a failure, with the bytes taken or not, the lane works as before.
    EXPECT_EQ(refusal([&] { lanes_->write("refused", bytes, {}); }, ErrorCode::forbidden), "Not granted.");
    EXPECT_EQ(refusal([&] { lanes_->write("failing", bytes, {}); }, ErrorCode::unavailable),
              "The store is down.");
    EXPECT_TRUE(reads_right(round, 100'000));
  }
}

TEST_F(Transfer, StopsAnUploadThatStalls) {
  bool stall = true;
  serve(1, {},
        [&](const std::string&, std::int64_t, const auto& body, const std::stop_token& stop) -> std::string {
          static_cast<void>(body());
          if (stall) {
            stall_until(stop);
          }
          return "tag";
        });
  const std::vector<std::byte> bytes(1000);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(code_of([&] { lanes_->write("part", bytes, stop.get_token()); }), ErrorCode::cancelled);
  stall = false;
  EXPECT_EQ(lanes_->write("part", bytes, {}), "tag");
}

TEST_F(Transfer, SaysThatTheHelperIsGone) {
  serve(1,
        [](const std::string&, std::int64_t, std::int64_t, const TransferSink&, const std::stop_token&) {});
  // Longer than any grant: the lane is closed.
  EXPECT_EQ(code_of([&] { lanes_->read(std::string(max_grant_bytes + 1, 'x'), 0, 10, [](auto) {}, {}); }),
            ErrorCode::rank_lost);
}

}  // namespace
}  // namespace tessera
