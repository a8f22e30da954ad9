// A subcommand of the service program: its part of the command line, and what it does.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>
#include <vector>

namespace tessera::service {

struct Command {
  CLI::App* app = nullptr;
  /// Returns the exit code; throws Error.
  std::function<int()> run;
};

Command add_serve(CLI::App& program);
Command add_gateway(CLI::App& program);
Command add_node(CLI::App& program);
Command add_notifier(CLI::App& program);
/// submit, watch, status, get, cancel, retry, ls, nodes, dead: clients of a server.
std::vector<Command> add_client_commands(CLI::App& program);
/// Who may use a service; works on its state store.
Command add_token(CLI::App& program);

}  // namespace tessera::service
