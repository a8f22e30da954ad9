// SPDX-License-Identifier: Apache-2.0
// All that bounds what one image may cost, declared once: options, environment, configuration file, the
// messages to ranks and the documentation come from the table below.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.hpp"
#include "schema/param.hpp"
#include "schema/read_limits.hpp"

namespace tessera {

struct WorkLimits : ReadLimits {
  /// Pixels of the result; pictures between may also be as big as the input. 0: as many as an input.
  std::int64_t max_output_pixels = 0;
  /// Width or height of the result and of pictures between. 0: as long as an input's.
  std::int64_t max_output_side_px = 0;
  /// Bytes of the encoded result.
  std::int64_t max_output_bytes = std::int64_t{1} << 40;
  /// Bytes of memory that a rank may need. 0: 80 % of what the machine or its control group has, shared by
  /// its ranks.
  std::int64_t max_memory_bytes = 0;
};

/// What the service allows unless its operator says otherwise: strangers' images on a machine that many use.
[[nodiscard]] inline WorkLimits service_limits() {
  WorkLimits limits;
  limits.max_file_bytes = std::int64_t{4} << 30;
  limits.max_pixels = 500'000'000;
  limits.max_buffered_bytes = std::int64_t{2} << 30;
  limits.max_output_bytes = std::int64_t{1} << 30;
  return limits;
}

struct LimitInfo {
  std::string_view name;  ///< of the option, after "--", and of the member in JSON and TOML
  std::string_view environment;
  std::string_view doc;
  std::string_view zero;  ///< what a value of 0 stands for; empty: 0 is not taken
  std::int64_t (*get)(const WorkLimits& limits);
  void (*set)(WorkLimits& limits, std::int64_t value);
};

template <auto member>
constexpr LimitInfo limit(std::string_view name, std::string_view environment, std::string_view doc,
                          std::string_view zero = {}) {
  return {name,
          environment,
          doc,
          zero,
          [](const WorkLimits& limits) { return static_cast<std::int64_t>(limits.*member); },
          [](WorkLimits& limits, std::int64_t value) {
            using Value = std::remove_reference_t<decltype(limits.*member)>;
            limits.*member =
                static_cast<Value>(std::min<std::int64_t>(value, std::numeric_limits<Value>::max()));
          }};
}

inline constexpr std::array limit_table{
    limit<&WorkLimits::max_file_bytes>("max-bytes", "TESSERA_MAX_BYTES",
                                       "Bytes of an input file, or of standard input"),
    limit<&WorkLimits::max_pixels>("max-pixels", "TESSERA_MAX_PIXELS", "Pixels of an input"),
    limit<&WorkLimits::max_side_px>("max-side", "TESSERA_MAX_SIDE", "Width or height of an input"),
    limit<&WorkLimits::max_buffered_bytes>("max-buffered", "TESSERA_MAX_BUFFERED",
                                           "Bytes of an input that must be held whole"),
    limit<&WorkLimits::max_frames>("max-frames", "TESSERA_MAX_FRAMES",
                                   "Pages or frames of an input; only the first is used"),
    limit<&WorkLimits::max_metadata_bytes>("max-metadata", "TESSERA_MAX_METADATA",
                                           "Bytes of profile, EXIF and XMP"),
    limit<&WorkLimits::max_metadata_items>("max-metadata-items", "TESSERA_MAX_METADATA_ITEMS",
                                           "Pieces of metadata of an input"),
    limit<&WorkLimits::max_scans>("max-scans", "TESSERA_MAX_SCANS", "Scans of a progressive JPEG"),
    limit<&WorkLimits::max_expansion>("max-expansion", "TESSERA_MAX_EXPANSION",
                                      "Bytes of pixels for each byte of a file that is small for its size"),
    limit<&WorkLimits::expansion_free_bytes>(
        "expansion-free", "TESSERA_EXPANSION_FREE",
        "Bytes of pixels up to which a file may be as small as it likes"),
    limit<&WorkLimits::max_output_pixels>(
        "max-output-pixels", "TESSERA_MAX_OUTPUT_PIXELS",
        "Pixels of a result; pictures between may also be as big as the input", "as --max-pixels"),
    limit<&WorkLimits::max_output_side_px>("max-output-side", "TESSERA_MAX_OUTPUT_SIDE",
                                           "Width or height of a result and of pictures between",
                                           "as --max-side"),
    limit<&WorkLimits::max_output_bytes>("max-output-bytes", "TESSERA_MAX_OUTPUT_BYTES",
                                         "Bytes of a result's file"),
    limit<&WorkLimits::max_memory_bytes>(
        "max-memory", "TESSERA_MAX_MEMORY",
        "Bytes of memory that a rank may need, by the estimate of 'tessera explain'",
        "80 % of the machine's or control group's, shared by its ranks")};

/// As {"max-bytes": 4294967296, ...}: how a node tells its ranks.
[[nodiscard]] inline Json to_json(const WorkLimits& limits) {
  Json json = Json::object();
  for (const LimitInfo& info : limit_table) {
    json[std::string(info.name)] = info.get(limits);
  }
  return json;
}

/// What is not in `json` keeps its default. Throws Error(usage) for an unknown member and for what is no
/// whole number of at least 0.
[[nodiscard]] inline WorkLimits limits_from_json(const Json& json) {
  WorkLimits limits;
  if (!json.is_object()) {
    throw Error(ErrorCode::usage, "Limits must be a JSON object.");
  }
  for (const auto& [name, value] : json.items()) {
    const auto* found = limit_table.begin();
    while (found != limit_table.end() && found->name != name) {
      ++found;
    }
    if (found == limit_table.end()) {
      throw Error(ErrorCode::usage, fmt::format("There is no limit '{}'.", name));
    }
    if (!value.is_number_integer() || value.get<std::int64_t>() < 0) {
      throw Error(ErrorCode::usage, fmt::format("The limit '{}' is {}: give a whole number of at least 0.",
                                                name, value.dump()));
    }
    found->set(limits, value.get<std::int64_t>());
  }
  return limits;
}

}  // namespace tessera
