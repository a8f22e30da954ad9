// SPDX-License-Identifier: Apache-2.0
#include "plan/presets_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/error.hpp"
#include "plan/parse_json.hpp"

namespace tessera {
namespace {

constexpr std::size_t max_bytes = std::size_t{4} << 20;

std::string content_of(const std::string& file) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::string content(max_bytes + 1, '\0');
  if (!in || in.read(content.data(), static_cast<std::streamsize>(content.size())).bad()) {
    throw Error(
        errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
        fmt::format("Cannot read the presets '{}': {}.", file, std::generic_category().message(errno)));
  }
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > max_bytes) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The presets '{}' have more than the {} bytes allowed.", file, max_bytes));
  }
  return content;
}

/// What `parse` makes of the content; its errors get the file's name.
template <typename Parse>
auto parsed(const std::string& file, const Parse& parse) {
  const std::string content = content_of(file);
  try {
    return parse(content);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("'{}': {}", file, error.what()), file);
  }
}

PresetFile parse_preset(std::string_view text, const Presets& presets) {
  const Json json = parse_json(text, "The preset's file");
  const auto pipeline = json.is_object() ? json.find("pipeline") : json.end();
  if (!json.is_object() || pipeline == json.end() || !json.value("description", Json("")).is_string()) {
    throw Error(ErrorCode::usage,
                R"(A preset's file must look like {"description": "Softer", "pipeline": "gaussian-blur"}.)");
  }
  return {json.value("description", std::string()),
          pipeline->is_string() ? parse_pipeline(pipeline->get_ref<const std::string&>(), presets)
                                : pipeline_from_json(*pipeline, presets)};
}

}  // namespace

bool is_preset_name(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             std::string_view::npos;
}

void check_preset_name(std::string_view name) {
  if (!is_preset_name(name)) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' cannot name a preset: use letters, digits, '-' and '_'.", name));
  }
}

Presets read_presets(const std::string& file) { return parsed(file, parse_presets); }

PresetFile read_preset(const std::string& file, const Presets& presets) {
  return parsed(file, [&](std::string_view text) { return parse_preset(text, presets); });
}

std::string to_file_text(const PresetFile& preset) {
  return Json{{"description", preset.description}, {"pipeline", to_text(preset.pipeline)}}.dump(2) + "\n";
}

}  // namespace tessera
