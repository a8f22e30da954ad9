// SPDX-License-Identifier: Apache-2.0
// What all kinds of communicators share, tried on ranks that are threads.
#include "comm/communicator.hpp"

#include <gtest/gtest.h>

#include <new>

#include "base/error.hpp"
#include "support/errors.hpp"

namespace tessera::testing {
namespace {

Bytes bytes(std::initializer_list<int> values) {
  Bytes result;
  for (const int value : values) {
    result.push_back(static_cast<std::byte>(value));
  }
  return result;
}

TEST(CollectiveTry, TheLowestRankThatFailedSpeaksForAll) {
  run_on_threads(3, [](Communicator& comm) {
    const std::string sentence = refusal(
        [&] {
          collective_try(comm, [&] {
            if (comm.rank() > 0) {
              throw Error(ErrorCode::io, "rank " + std::to_string(comm.rank()));
            }
          });
        },
        ErrorCode::io);
    EXPECT_EQ(sentence, "rank 1");
  });
}

TEST(CollectiveTry, MemoryThatRanOutIsALimitNotADefect) {
  run_on_threads(2, [](Communicator& comm) {
    const std::string allocation = refusal(
        [&] {
          collective_try(comm, [&] {
            if (comm.rank() == 1) {
              throw std::bad_alloc();
            }
          });
        },
        ErrorCode::limit_exceeded);
    EXPECT_NE(allocation.find("memory"), std::string::npos) << allocation;
  });
}

TEST(Transfer, AMessageThatNobodyWaitedForIsNotTakenForTheNext) {
  constexpr int tag = 7;
  for (const bool sent_before : {true, false}) {
    run_on_threads(2, [&](Communicator& comm) {
      Bytes first(2);
      Bytes second(1);
      if (comm.rank() == 0) {
        if (!sent_before) {
          comm.barrier();
        }
        comm.send(bytes({1, 2}), 1, tag)->wait();
        if (sent_before) {
          comm.barrier();
        }
        comm.send(bytes({3}), 1, tag)->wait();
      } else {
        if (sent_before) {
          comm.barrier();
        }
        comm.receive(first, 0, tag).reset();
        if (!sent_before) {
          comm.barrier();
        }
        comm.receive(second, 0, tag)->wait();
        EXPECT_EQ(second, bytes({3}));
      }
    });
  }
}

TEST(Transfer, SizesMustAgree) {
  run_on_threads(2, [](Communicator& comm) {
    if (comm.rank() == 0) {
      comm.send(bytes({1, 2}), 1, 7)->wait();
    } else {
      Bytes room(3);
      EXPECT_EQ(code_of([&] { comm.receive(room, 0, 7)->wait(); }), ErrorCode::internal);
    }
  });
}

TEST(Messages, OfAnySizeReachEveryRank) {
  run_on_threads(3, [](Communicator& comm) {
    const auto me = static_cast<std::size_t>(comm.rank());
    EXPECT_EQ(broadcast_bytes(comm, comm.rank() == 1 ? bytes({4, 5, 6}) : Bytes{}, 1), bytes({4, 5, 6}));
    const std::vector<Bytes> gathered = all_gather_bytes(comm, Bytes(me, std::byte{9}));
    for (std::size_t rank = 0; rank < 3; ++rank) {
      EXPECT_EQ(gathered.at(rank).size(), rank);
    }
    std::vector<Bytes> outgoing;
    for (std::size_t to = 0; to < 3; ++to) {
      outgoing.emplace_back(10 * me + to, std::byte{1});
    }
    const std::vector<Bytes> incoming = all_to_all_bytes(comm, std::move(outgoing));
    for (std::size_t from = 0; from < 3; ++from) {
      EXPECT_EQ(incoming.at(from).size(), 10 * from + me);
    }
  });
}

}  // namespace
}  // namespace tessera::testing
