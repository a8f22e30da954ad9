// SPDX-License-Identifier: Apache-2.0
#include "ports/result_names.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "schema/output_options.hpp"

namespace tessera {
namespace {

constexpr std::size_t max_name_bytes = 150;

/// Cuts at a UTF-8 character boundary.
std::string shortened(std::string text, std::size_t limit) {
  if (text.size() > limit) {
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
      --limit;
    }
    text.resize(limit);
  }
  return text;
}

}  // namespace

std::string result_extension(const JobRequest& request) {
  const auto requested = format_from_extension(request.output.value("format", ""));
  const auto from_name = format_from_extension(std::filesystem::path(request.name).extension().string());
  return std::string(format_extension(requested.value_or(from_name.value_or(FileFormat::png))));
}

std::string content_type_of(std::string_view extension) {
  const auto format = format_from_extension(extension);
  return std::string(format ? format_info(*format).media_type : "application/octet-stream");
}

std::string result_file_name(const JobRequest& request) {
  std::string name = shortened(std::filesystem::path(request.name).stem().string(), max_name_bytes / 2);
  if (name.empty()) {
    name = "image";
  }
  const Json steps = request.pipeline.value("operators", Json::array());
  std::size_t operators = 0;
  for (const Json& step : steps) {
    const std::string next = "-" + step.value("name", "");
    if (name.size() + next.size() > max_name_bytes) {
      name += "-and-" + std::to_string(steps.size() - operators) + "-more";
      break;
    }
    name += next;
    ++operators;
  }
  return name + "." + result_extension(request);
}

std::string result_object_name(const Job& job) {
  return fmt::format("results/{}/{}.{}.{}.{}", job.owner, job.id, job.generation, job.attempt,
                     result_extension(job.request));
}

}  // namespace tessera
