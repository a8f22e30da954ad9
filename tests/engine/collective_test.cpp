// SPDX-License-Identifier: Apache-2.0
#include "engine/collective.hpp"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "support/errors.hpp"

namespace tessera::testing {
namespace {

TEST(CollectivePixelWork, MemoryThatOpenCvCannotGetIsALimitNotADefect) {
  run_on_threads(2, [](Communicator& comm) {
    const std::string sentence =
        refusal([&] { collective_pixel_work(comm, [] { CV_Error(cv::Error::StsNoMem, "no room"); }); },
                ErrorCode::limit_exceeded);
    EXPECT_NE(sentence.find("memory"), std::string::npos) << sentence;
    EXPECT_EQ(code_of([&] { collective_pixel_work(comm, [] { CV_Error(cv::Error::StsBadArg, "wrong"); }); }),
              ErrorCode::internal);
  });
}

}  // namespace
}  // namespace tessera::testing
