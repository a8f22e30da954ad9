// SPDX-License-Identifier: Apache-2.0
// What the client's commands have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "program_command.hpp"
#include "progress_view.hpp"

namespace tessera::service {

struct ClientCommandOptions {
  ClientOptions client;
  bool json = false;
};

/// Adds a command with --server, --token, --ca-file and --json. `options` must stay alive.
CLI::App* add_client_command(CLI::App& program, ClientCommandOptions& options, const char* name,
                             const char* doc);

/// Whether a job in `state` changes no more by itself.
[[nodiscard]] bool is_final(std::string_view state);
/// Of a job or batch by its id.
[[nodiscard]] std::string path_of(const std::string& id);
/// The jobs of a batch or list, or the one job.
[[nodiscard]] std::vector<Json> jobs_in(const Json& answer);
/// A text from the server, made safe for a terminal.
[[nodiscard]] std::string shown(const Json& json, const char* field);
void print_json(const Json& json);

/// 0 if all are done; otherwise the exit code of the first failure.
[[nodiscard]] int exit_code_of_jobs(const std::vector<Json>& jobs);
/// Follows a job or a batch to its end and returns its jobs; `on_end` is called for each that ends.
std::vector<Json> wait_for(Client& client, const std::string& id, ProgressView& view,
                           const std::function<void(const Json&)>& on_end = {});
/// The service's warnings about a job's result, on standard error.
void report_warnings(const Json& job);
void report_failures(const std::vector<Json>& jobs);

}  // namespace tessera::service
