// SPDX-License-Identifier: Apache-2.0
#include "owner_limits.hpp"

#include <fmt/format.h>

#include <fstream>

#include "base/error.hpp"
#include "schema/work_limits.hpp"

namespace tessera::service {
namespace {

void check(const std::string& owner, Json limits) {
  if (!limits.is_object()) {
    throw Error(ErrorCode::usage,
                fmt::format("what '{}' has must be an object such as {{\"max-pixels\": 40000000}}", owner));
  }
  if (const auto time = limits.find("time-limit"); time != limits.end()) {
    if (!time->is_number_integer() || time->get<std::int64_t>() < 0) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'time-limit' of '{}' is {}: give whole seconds, 0 for no limit", owner, time->dump()));
    }
    limits.erase(time);
  }
  try {
    static_cast<void>(limits_from_json(limits));
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, fmt::format("the limits of '{}': {}", owner, error.what()));
  }
}

}  // namespace

Json read_owner_limits(const std::string& file) {
  std::ifstream in(file);
  if (!in) {
    throw Error(ErrorCode::not_found, fmt::format("Cannot read the limits of owners '{}'.", file));
  }
  const Json json = Json::parse(in, nullptr, false);
  if (!json.is_object()) {
    throw Error(ErrorCode::usage, fmt::format("The limits of owners '{}' must be a JSON object such as "
                                              "{{\"alice\": {{\"max-pixels\": 40000000}}}}.",
                                              file));
  }
  for (const auto& [owner, limits] : json.items()) {
    try {
      check(owner, limits);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("'{}': {}", file, error.what()));
    }
  }
  return json;
}

}  // namespace tessera::service
