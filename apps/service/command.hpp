// A subcommand of the service program: its part of the command line, and what it does.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>

namespace tessera::service {

struct Command {
  CLI::App* app = nullptr;
  /// Returns the exit code; throws Error.
  std::function<int()> run;
};

Command add_node(CLI::App& program);

}  // namespace tessera::service
