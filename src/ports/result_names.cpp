#include "ports/result_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/text.hpp"

namespace tessera {
namespace {

constexpr std::size_t most_name_bytes = 150;

struct Format {
  std::string_view extension;
  std::string_view result;
  std::string_view content_type;
};
constexpr std::array formats{Format{"png", "png", "image/png"},   Format{"jpg", "jpg", "image/jpeg"},
                             Format{"jpeg", "jpg", "image/jpeg"}, Format{"tif", "tif", "image/tiff"},
                             Format{"tiff", "tif", "image/tiff"}, Format{"webp", "webp", "image/webp"}};

const Format* format_of(std::string_view extension) {
  const auto* const found = std::ranges::find(formats, extension, &Format::extension);
  return found == formats.end() ? nullptr : found;
}

/// Cuts at a character of UTF-8.
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
  const std::string asked = request.output.value("format", "");
  const std::string named = std::filesystem::path(request.name).extension().string();
  const Format* const format = format_of(ascii_lowered(!asked.empty()  ? asked
                                                       : named.empty() ? ""
                                                                       : named.substr(1)));
  return std::string(format == nullptr ? "png" : format->result);
}

std::string content_type_of(std::string_view extension) {
  const Format* const format = format_of(extension);
  return std::string(format == nullptr ? "application/octet-stream" : format->content_type);
}

std::string result_file_name(const JobRequest& request) {
  std::string name = shortened(std::filesystem::path(request.name).stem().string(), most_name_bytes / 2);
  if (name.empty()) {
    name = "image";
  }
  const Json steps = request.pipeline.value("operators", Json::array());
  std::size_t operators = 0;
  for (const Json& step : steps) {
    const std::string next = "-" + step.value("name", "");
    if (name.size() + next.size() > most_name_bytes) {
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
