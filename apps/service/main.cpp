// SPDX-License-Identifier: Apache-2.0
// The service's programs in one executable, run by 'tessera NAME'. They are separate from the engine's
// command so that it need not load their libraries.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/program.hpp"
#include "base/terminal.hpp"
#include "client_shared.hpp"
#include "command.hpp"
#include "config_file.hpp"
#include "manual.hpp"

namespace tessera::service {
namespace {

int run(int argc, char** argv) {
  CLI::App program{"Tessera's servers, and the commands that talk to them.", "tessera"};
  program.set_version_flag("--version", std::string("tessera ") + TESSERA_VERSION);
  program.require_subcommand(1);
  std::vector<Command> commands{add_serve(program),
                                add_gateway(program),
                                add_node(program),
                                add_notifier(program),
                                add_token(program),
                                add_submit(program),
                                add_manual(program, TESSERA_VERSION, false)};
  for (Command& command : add_client_commands(program)) {
    commands.push_back(std::move(command));
  }
  return exit_code_of([&]() -> int {
    try {
      std::vector<std::string> arguments(argv + 1, argv + argc);
      join_optional_value(arguments, "--strip", {"location", "all"});
      std::reverse(arguments.begin(), arguments.end());
      program.parse(std::move(arguments));
      for (const Command& command : commands) {
        if (command.app->parsed()) {
          read_config_file(*command.app);
          return command.run();
        }
      }
      return 0;
    } catch (const CLI::Success& request) {
      return program.exit(request);
    } catch (const CLI::ParseError& error) {
      print_sentence(
          fmt::format("{}\nRun 'tessera COMMAND --help' for what is possible.", printable(error.what())));
      return meaning(ErrorCode::usage).exit_code;
    }
  });
}

}  // namespace
}  // namespace tessera::service

int main(int argc, char** argv) { return tessera::service::run(argc, argv); }
