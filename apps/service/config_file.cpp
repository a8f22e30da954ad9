// SPDX-License-Identifier: Apache-2.0
#include "config_file.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <filesystem>

#include "base/error.hpp"

namespace tessera::service {
namespace {

constexpr const char* config_option = "--config";

[[noreturn]] void refuse(const std::string& file, const std::string& why) {
  throw Error(ErrorCode::usage, fmt::format("The configuration '{}' {}.", file, why));
}

/// CLI11 marks where sections begin and end by items of these names.
bool is_section_mark(const CLI::ConfigItem& item) { return item.name == "++" || item.name == "--"; }

bool is_command(const CLI::App& command, const std::string& name) {
  const CLI::App* const program = command.get_parent();
  return !program->get_subcommands([&](const CLI::App* other) { return other->get_name() == name; }).empty();
}

void set(CLI::Option& option, const CLI::ConfigItem& item, const CLI::App& command) {
  const bool flag = option.get_expected_min() == 0;
  if (flag) {
    option.add_result(option.get_flag_value(item.name, command.get_config_formatter()->to_flag(item)));
  } else {
    option.add_result(item.inputs);
  }
  option.run_callback();
}

}  // namespace

void add_config_option(CLI::App& command) {
  command.add_option(config_option, "File with these options, as TOML: max-queued = 1000")
      ->envname("TESSERA_CONFIG")
      ->type_name("FILE")
      ->configurable(false);
}

void read_config_file(CLI::App& command) {
  const CLI::Option* const named = command.get_option_no_throw(config_option);
  if (named == nullptr || named->empty()) {
    return;
  }
  const auto file = named->as<std::string>();
  if (!std::filesystem::is_regular_file(file)) {
    throw Error(ErrorCode::not_found, fmt::format("Cannot read the configuration '{}'.", file));
  }
  try {
    for (const CLI::ConfigItem& item : command.get_config_formatter()->from_file(file)) {
      if (!item.parents.empty() && item.parents.front() != command.get_name()) {
        if (!is_command(command, item.parents.front())) {
          refuse(file, fmt::format("has a section '{}', which is not a command", item.parents.front()));
        }
        continue;
      }
      if (is_section_mark(item)) {
        continue;
      }
      CLI::Option* const option = command.get_option_no_throw("--" + item.name);
      if (option == nullptr || !option->get_configurable()) {
        refuse(file, fmt::format("has '{}', which is not an option of 'tessera {}'", item.name,
                                 command.get_name()));
      }
      if (option->empty()) {
        set(*option, item, command);
      }
    }
  } catch (const CLI::Error& error) {
    refuse(file, fmt::format("cannot be used: {}", error.what()));
  }
  for (const CLI::Option* const option : command.get_options()) {
    for (const CLI::Option* const needed : option->get_needs()) {
      if (!option->empty() && needed->empty()) {
        refuse(file, fmt::format("has '{}' without '{}'", option->get_name(), needed->get_name()));
      }
    }
  }
}

}  // namespace tessera::service
