// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <opencv2/core/utility.hpp>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // As in the programs: the engine owns the threads.
  cv::setNumThreads(1);
  return RUN_ALL_TESTS();
}
