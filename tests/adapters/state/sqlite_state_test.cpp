// What only a file can do to a state store.
#include <gtest/gtest.h>

#include <future>

#include "adapters/state/state_server.hpp"

namespace tessera {
namespace {

TEST(SqliteState, IsMadeOnceByManyThatOpenItAtOnce) {
  for (int round = 0; round < 30; ++round) {
    const auto server = testing::sqlite_state_kind().make();
    std::vector<std::future<void>> openings;
    for (int i = 0; i < 8; ++i) {
      openings.push_back(std::async(std::launch::async, [&] { server->open().jobs->check(); }));
    }
    for (auto& opening : openings) {
      EXPECT_NO_THROW(opening.get());
    }
  }
}

}  // namespace
}  // namespace tessera
