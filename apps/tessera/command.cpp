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

namespace tessera::cli {
namespace {

std::string exit_codes() {
  std::string text =
      "Exit codes:\n    0  Success; 'compare' found no difference.\n"
      "    1  'compare' found a difference.\n";
  int last = -1;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const ErrorMeaning& row = meaning(static_cast<ErrorCode>(code));
    text += row.exit_code == last ? fmt::format("       {}\n", row.summary)
                                  : fmt::format("  {:>3}  {}\n", row.exit_code, row.summary);
    last = row.exit_code;
  }
  return text;
}

}  // namespace

int run(const Arguments& arguments) {
  CLI::App program{
      "Image processing that is cut into pieces, worked on side by side, and never shows the cut.",
      "tessera"};
  program.set_version_flag("--version", std::string("tessera ") + TESSERA_VERSION,
                           "Print the version and exit");
  program.set_help_flag("-h,--help", "Print this help and exit");
  program.require_subcommand(1);
  program.footer(exit_codes());
  const std::vector<Command> commands{add_apply(program, arguments), add_ops(program),
                                      add_explain(program),          add_compare(program),
                                      add_completion(program),       add_worker(program)};
  add_service_commands(program);
  return exit_code_of([&]() -> int {
    try {
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
      fmt::print(stderr,
                 "tessera: {}\nRun 'tessera --help' or 'tessera COMMAND --help' for what is possible.\n",
                 printable(error.what()));
      return meaning(ErrorCode::usage).exit_code;
    }
  });
}

}  // namespace tessera::cli
