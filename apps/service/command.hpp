// SPDX-License-Identifier: Apache-2.0
// The commands of the service program.
#pragma once

#include <string>
#include <vector>

#include "program_command.hpp"

namespace tessera::service {

Command add_serve(CLI::App& program);
Command add_gateway(CLI::App& program);
Command add_node(CLI::App& program);
Command add_notifier(CLI::App& program);
Command add_submit(CLI::App& program);
/// The other commands of a client: watch, status, get, cancel, retry, ls, nodes, dead.
std::vector<Command> add_client_commands(CLI::App& program);
/// Manages tokens in a service's state store.
Command add_token(CLI::App& program);

}  // namespace tessera::service
