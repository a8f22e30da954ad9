// SPDX-License-Identifier: Apache-2.0
#include "client_shared.hpp"

#include <fmt/format.h>

#include <set>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/terminal.hpp"
#include "net/crypto.hpp"

namespace tessera::service {

bool is_final(std::string_view state) { return state == "done" || state == "failed" || state == "cancelled"; }

std::string path_of(const std::string& id) {
  return (id.starts_with("batch_") ? "/v1/batches/" : "/v1/jobs/") + percent_encode(id);
}

std::vector<Json> jobs_in(const Json& answer) {
  return answer.contains("jobs") ? answer["jobs"].get<std::vector<Json>>() : std::vector<Json>{answer};
}

std::string shown(const Json& json, const char* field) { return printable(json.value(field, "")); }

void print_json(const Json& json) { fmt::print("{}\n", json.dump(2)); }

int exit_code_of_jobs(const std::vector<Json>& jobs) {
  for (const Json& job : jobs) {
    const std::string state = job.value("state", "");
    if (state == "cancelled") {
      return meaning(ErrorCode::cancelled).exit_code;
    }
    if (state == "failed") {
      const auto code = error_code_named(job.at("failure").value("code", ""));
      return meaning(code.value_or(ErrorCode::internal)).exit_code;
    }
  }
  return 0;
}

std::vector<Json> wait_for(Client& client, const std::string& id, ProgressView& view,
                           const std::function<void(const Json&)>& on_end) {
  const bool batch = id.starts_with("batch_");
  std::set<std::string> open;
  for (const Json& job : jobs_in(client.get(path_of(id)))) {
    open.insert(job.at("id").get<std::string>());
  }
  client.follow((batch ? "batch=" : "job=") + percent_encode(id), [&](const std::string&, const Json& job) {
    view.job(job);
    if (is_final(job.value("state", "")) && open.erase(job.at("id").get<std::string>()) > 0 && on_end) {
      on_end(job);
    }
    return !open.empty();
  });
  return jobs_in(client.get(path_of(id)));
}

void report_warnings(const Json& job) {
  const auto result = job.find("result");
  if (result == job.end() || !result->is_object()) {
    return;
  }
  for (const Json& warning : result->value("warnings", Json::array())) {
    if (warning.is_string()) {
      print_sentence(fmt::format("{}: Warning: {}", shown(job.at("request"), "name"),
                                 printable(warning.get<std::string>())));
    }
  }
}

void report_failures(const std::vector<Json>& jobs) {
  for (const Json& job : jobs) {
    if (job.value("state", "") == "failed") {
      print_sentence(
          fmt::format("{}: {}", shown(job.at("request"), "name"), shown(job.at("failure"), "sentence")));
    }
  }
}

CLI::App* add_client_command(CLI::App& program, ClientCommandOptions& options, const char* name,
                             const char* doc) {
  CLI::App* app = program.add_subcommand(name, doc);
  app->add_option("--server", options.client.server, "The service")
      ->envname("TESSERA_SERVER")
      ->type_name("URL")
      ->capture_default_str();
  app->add_option("--token", options.client.token, "Access token")
      ->envname("TESSERA_TOKEN")
      ->type_name("TEXT");
  app->add_option("--ca-file", options.client.ca_file, "Certificates to trust, PEM")
      ->envname("TESSERA_CA_FILE")
      ->type_name("FILE");
  app->add_flag("--json", options.json, "Print JSON on standard output");
  return app;
}

}  // namespace tessera::service
