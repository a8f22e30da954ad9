// SPDX-License-Identifier: Apache-2.0
// A subcommand of a program: its part of the command line, and what it does.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>

namespace tessera {

struct Command {
  CLI::App* app = nullptr;
  /// Returns the exit code; throws Error.
  std::function<int()> run;
};

}  // namespace tessera
