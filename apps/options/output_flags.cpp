// SPDX-License-Identifier: Apache-2.0
#include "output_flags.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>

#include "base/error.hpp"

namespace tessera {
namespace {

/// Names of an option: those that are used much have a letter.
std::string flags_of(const OutputOptionInfo& info) {
  const std::string_view letter = info.name == "format" ? "-f," : info.name == "quality" ? "-q," : "";
  return fmt::format("{}--{}", letter, info.name);
}

/// What a word on the command line is in JSON.
Json value_of(const std::string& text, const Json& schema) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = failure == std::errc() && end == text.data() + text.size();
  return schema.value("type", "") == "integer" && whole ? Json(number) : Json(text);
}

}  // namespace

void add_format_option(CLI::App& app, std::optional<FileFormat>& format, FormatKinds kinds,
                       const std::string& doc) {
  app.add_option_function<std::string>(
         "-f,--format",
         [&format, kinds](const std::string& text) {
           if (kinds == FormatKinds::files) {
             refuse_folder_format(text, "--format");
           }
           format = format_from_extension(text, kinds);
           if (!format) {
             throw Error(ErrorCode::usage,
                         fmt::format("--format: '{}' is not written; {} are.", text, known_formats(kinds)));
           }
         },
         doc)
      ->type_name("FORMAT");
}

namespace {

/// `info` is one of the table, which stays.
void add_option(CLI::App& app, const OutputOptionInfo& info, OutputOptions& options, FormatKinds kinds) {
  const std::string flags = flags_of(info);
  const std::string doc =
      fmt::format("{}{}", info.doc, kinds == FormatKinds::files ? std::string_view() : info.folder_doc);
  const Json schema = info.schema();
  if (info.name == "format") {
    add_format_option(app, options.format, kinds, doc);
  } else if (info.name == "strip") {
    app.add_flag("--strip{all}", doc)->each([&options](const std::string& text) {
      options.strip = parse_strip(text);
    });
  } else if (schema.value("type", "") == "boolean") {
    app.add_flag_callback(
        flags, [&options, &info] { info.set(options, true, "The command line"); }, doc);
  } else {
    app.add_option_function<std::string>(
           flags,
           [&options, &info, schema](const std::string& text) {
             info.set(options, value_of(text, schema), "The command line");
           },
           doc)
        ->type_name(schema.value("type", "") == "integer" ? "NUMBER" : "NAME");
  }
}

}  // namespace

void add_output_options(CLI::App& app, OutputOptions& options, FormatKinds kinds) {
  for (const OutputOptionInfo& info : output_option_table()) {
    add_option(app, info, options, kinds);
  }
}

void add_picture_options(CLI::App& app, OutputOptions& options) {
  for (const OutputOptionInfo& info : output_option_table()) {
    if (info.name == "page" || info.name == "overview") {
      add_option(app, info, options, FormatKinds::files);
    }
  }
}

}  // namespace tessera
