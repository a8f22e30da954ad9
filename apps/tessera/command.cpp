// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/program.hpp"
#include "base/terminal.hpp"
#include "manual.hpp"
#include "schema/param.hpp"

namespace tessera::cli {
namespace {

/// What people type instead of "--help", "--version" and "COMMAND --help".
Arguments without_habits(Arguments arguments) {
  if (arguments.empty()) {
    return arguments;
  }
  if (arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.resize(std::min<std::size_t>(arguments.size(), 1));
    arguments.emplace_back("--help");
  } else if (arguments.front() == "version" && arguments.size() == 1) {
    arguments.front() = "--version";
  }
  return arguments;
}

/// Throws Error(usage) for a first word that is no command.
void check_command(const CLI::App& program, const Arguments& arguments) {
  if (arguments.empty() || arguments.front().starts_with('-')) {
    return;
  }
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == arguments.front()) {
      return;
    }
    if (!command->get_group().empty()) {
      names.push_back(command->get_name());
    }
  }
  const std::string meant = nearest(arguments.front(), names);
  throw Error(ErrorCode::usage,
              fmt::format("There is no command '{}'. {}'tessera --help' lists them.", arguments.front(),
                          meant.empty() ? "" : fmt::format("Did you mean '{}'? ", meant)));
}

}  // namespace

int run(const Arguments& typed) {
  Arguments without_colour = typed;
  if (const int code = exit_code_of([&] { return take_colour_option(without_colour), 0; }); code != 0) {
    return code;
  }
  const Arguments arguments = without_habits(std::move(without_colour));
  CLI::App program{
      "Image processing that is cut into pieces, worked on side by side, and never shows the cut.",
      "tessera"};
  program.set_version_flag("--version", std::string("tessera ") + TESSERA_VERSION,
                           "Print the version and exit");
  program.set_help_flag("-h,--help", "Print this help and exit");
  // Taken out of the arguments before they are parsed: every command has it.
  program.add_option("--color", "Colours in messages, with any command (default: auto; see also $NO_COLOR)")
      ->type_name("auto|always|never")
      ->expected(1);
  program.require_subcommand(1);
  program.footer("Exit codes:\n" + exit_code_lines());
  const std::vector<Command> commands{add_apply(program, arguments),
                                      add_convert(program, arguments),
                                      add_thumbnail(program, arguments),
                                      add_info(program),
                                      add_ops(program),
                                      add_explain(program),
                                      add_presets(program),
                                      add_compare(program),
                                      add_completion(program),
                                      add_worker(program),
                                      add_transfer_worker(program),
                                      add_view_worker(program),
                                      add_manual(program, TESSERA_VERSION, true)};
  add_service_commands(program);
  return exit_code_of([&]() -> int {
    try {
      if (arguments.empty()) {
        fmt::print(stderr, "{}", program.help());
        return meaning(ErrorCode::usage).exit_code;
      }
      check_command(program, arguments);
      if (is_service_command(arguments)) {
        return become_service(arguments);
      }
      std::vector<std::string> reversed = arguments;
      join_optional_value(reversed, "--strip", {"location", "all"});
      std::reverse(reversed.begin(), reversed.end());
      for (std::string& argument : reversed) {
        // CLI11 takes a word in square brackets for a list; as a file's name it must not begin with one.
        std::error_code ignored;  // text too long for a name is no file's
        if (argument.starts_with('[') && argument.ends_with(']') &&
            std::filesystem::exists(argument, ignored)) {
          argument.insert(0, "./");
        }
      }
      program.parse(std::move(reversed));
      for (const Command& command : commands) {
        if (command.app->parsed()) {
          return command.run();
        }
      }
      return 0;
    } catch (const CLI::Success& request) {  // --help and --version
      return program.exit(request);
    } catch (const CLI::ParseError& error) {
      print_sentence(fmt::format("{}\nRun 'tessera --help' or 'tessera COMMAND --help' for what is possible.",
                                 printable(error.what())));
      return meaning(ErrorCode::usage).exit_code;
    }
  });
}

}  // namespace tessera::cli
