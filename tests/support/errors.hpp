// SPDX-License-Identifier: Apache-2.0
// What a call throws.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace tessera::testing {

/// The code of the Error that `work` throws; nothing if it throws none.
inline std::optional<ErrorCode> code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

/// The sentence of the Error that `work` throws, which must have that code; the test fails if it throws none.
inline std::string refusal(const std::function<void()>& work, ErrorCode expected) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace tessera::testing
