// SPDX-License-Identifier: Apache-2.0
#include "output_flags.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/error.hpp"

namespace tessera {
namespace {

const OutputOptionInfo& info_named(std::string_view name) {
  for (const OutputOptionInfo& info : output_option_table()) {
    if (info.name == name) {
      return info;
    }
  }
  throw Error(ErrorCode::internal, fmt::format("There is no output option '{}'.", name));
}

}  // namespace

void add_format_option(CLI::App& app, std::optional<FileFormat>& format, const std::string& doc) {
  app.add_option_function<std::string>(
         "-f,--format",
         [&format](const std::string& text) {
           format = format_from_extension(text);
           if (!format) {
             throw Error(ErrorCode::usage,
                         fmt::format("--format: '{}' is not written; {} are.", text, known_formats()));
           }
         },
         doc)
      ->type_name("FORMAT");
}

void add_output_options(CLI::App& app, OutputOptions& options) {
  const auto doc = [](std::string_view name) { return std::string(info_named(name).doc); };
  add_format_option(app, options.format, doc("format"));
  app.add_option("-q,--quality", options.quality, doc("quality"))
      ->check(CLI::Range(min_quality, max_quality));
  app.add_flag_callback(
      "--salvage", [&options] { options.salvage = true; }, doc("salvage"));
  const std::string strip_doc = doc("strip");
  app.add_flag("--strip{all}", strip_doc)->each([&options](const std::string& text) {
    options.strip = parse_strip(text);
  });
}

}  // namespace tessera
