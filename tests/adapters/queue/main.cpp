// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "adapters/queue/queue_server.hpp"

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--consumer") {
    tessera::testing::run_taker(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
  }
  ::testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  tessera::testing::end_broker();
  return result;
}
