// What a call throws.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/error.hpp"

namespace tessera::testing {

/// The code of the Error that `work` throws; internal if it throws none.
inline ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

/// The sentence of the Error that `work` throws, which must have that code; empty if it throws none.
inline std::string refusal(const std::function<void()>& work, ErrorCode expected) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
  return "";
}

}  // namespace tessera::testing
