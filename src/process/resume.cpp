// SPDX-License-Identifier: Apache-2.0
#include "process/resume.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"

namespace tessera {
namespace {

/// Whether strips of the result are searched. What whole-frame operators find is found again.
bool lists_findings(const Plan& plan) {
  return std::ranges::any_of(plan.stages, [](const Stage& stage) {
    return (stage.statistic && !stage.statistic->finding_columns().empty()) ||
           std::ranges::any_of(stage.chain, [](const ChainLink& link) {
             return link.op && !link.op->finding_columns().empty();
           });
  });
}

Json to_json(const ImageInfo& info) {
  return {info.extent.width, info.extent.height, static_cast<int>(info.format.depth), info.format.channels,
          info.format.alpha};
}

}  // namespace

std::string why_not_resumable(const Plan& plan, const ImageInput& input, const OutputFile& file,
                              const OutputOptions& options) {
  if (options.pyramid) {
    return "A result with smaller levels is put together at its end.";
  }
  const FileFormat format = result_format(file.path, options);
  if (format_info(format).folder) {
    return "A folder of tiles appears as a whole.";
  }
  if (format == FileFormat::webp) {
    return "A WebP is encoded as a whole.";
  }
  if (lists_findings(plan)) {
    return "What operators find is not kept.";
  }
  if (options.salvage) {
    return "With --salvage it would not be known what is missing in the rows that are there.";
  }
  if (!identity_of(input)) {
    return fmt::format("Whether {} is the same as before is not known.",
                       input.name == "-" ? "standard input" : fmt::format("'{}'", input.name));
  }
  return {};
}

std::string resume_key(const Plan& plan, const ImageInput& input, const OutputFile& file,
                       const OutputOptions& options) {
  return Json{{"asked", file.resume_key},   {"input", identity_of(input).value_or("")},
              {"output", to_json(options)}, {"format", format_info(result_format(file.path, options)).name},
              {"from", to_json(plan.in)},   {"to", to_json(plan.out)}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tessera
