// SPDX-License-Identifier: Apache-2.0
// Client commands.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "client/client.hpp"
#include "command.hpp"
#include "net/crypto.hpp"
#include "output_flags.hpp"
#include "ports/job.hpp"
#include "progress_view.hpp"

namespace tessera::service {
namespace {

namespace fs = std::filesystem;

struct Options {
  ClientOptions client;
  bool json = false;
  bool quiet = false;
  std::string pipeline;
  std::vector<std::string> files;
  std::vector<std::string> ids;
  std::string output;
  OutputOptions result;
  std::string priority = "interactive";
  bool no_wait = false;
  std::string state;
  std::string batch;
  int limit = 50;
};

bool is_final(const std::string& state) {
  return state == "done" || state == "failed" || state == "cancelled";
}

std::string path_of(const std::string& id) {
  return (id.starts_with("batch_") ? "/v1/batches/" : "/v1/jobs/") + percent_encode(id);
}

std::vector<Json> jobs_in(const Json& answer) {
  return answer.contains("jobs") ? answer["jobs"].get<std::vector<Json>>() : std::vector<Json>{answer};
}

/// A text from the server, made safe for a terminal.
std::string shown(const Json& json, const char* field) { return printable(json.value(field, "")); }

void print_job(const Json& job) {
  std::string remark;
  if (const auto failure = job.find("failure"); failure != job.end() && failure->is_object()) {
    remark = shown(*failure, "sentence");
  } else {
    remark = shown(job, "stage");
  }
  fmt::print("{}  {:<9} {:3.0f}%  {}  {}\n", shown(job, "id"), shown(job, "state"),
             100 * job.value("fraction", 0.0), shown(job.at("request"), "name"), remark);
}

void print_json(const Json& json) { fmt::print("{}\n", json.dump(2)); }

/// Prints JSON if requested, otherwise each item with `print_one`.
void print(const Json& answer, const Options& options, const std::vector<Json>& things,
           void (*print_one)(const Json&)) {
  if (options.json) {
    print_json(answer);
  } else {
    std::ranges::for_each(things, print_one);
  }
}

void print_jobs(const Json& answer, const Options& options) {
  print(answer, options, jobs_in(answer), print_job);
}

/// 0 if all are done; otherwise the exit code of the first failure.
int exit_code_of(const std::vector<Json>& jobs) {
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

/// Follows a job or a batch to its end and returns its jobs; `on_end` is called for each that ends.
std::vector<Json> wait_for(Client& client, const std::string& id, ProgressView& view,
                           const std::function<void(const Json&)>& on_end = {}) {
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

/// Prints the service's warnings about results.
void report_warnings(const Json& job) {
  const auto result = job.find("result");
  if (result == job.end() || !result->is_object()) {
    return;
  }
  for (const Json& warning : result->value("warnings", Json::array())) {
    if (warning.is_string()) {
      fmt::print(stderr, "tessera: {}: Warning: {}\n", shown(job.at("request"), "name"),
                 printable(warning.get<std::string>()));
    }
  }
}

void report_failures(const std::vector<Json>& jobs) {
  for (const Json& job : jobs) {
    if (job.value("state", "") == "failed") {
      fmt::print(stderr, "tessera: {}: {}\n", shown(job.at("request"), "name"),
                 shown(job.at("failure"), "sentence"));
    }
  }
}

int submit(const Options& options) {
  Client client(options.client);
  ProgressView view(options.quiet || options.json);
  if (!options.output.empty()) {
    std::error_code failure;
    fs::create_directories(options.output, failure);
    if (failure) {
      throw Error(ErrorCode::io,
                  fmt::format("Cannot create the folder '{}': {}.", options.output, failure.message()));
    }
  }
  // Validated before the long uploads.
  client.post("/v1/pipelines", {{"pipeline", options.pipeline}, {"output", to_json(options.result)}});
  Json items = Json::array();
  for (const std::string& file : options.files) {
    const std::string name = fs::path(file).filename().string();
    view.upload(name, 0);
    const std::string object = client.upload(file, [&](double fraction) { view.upload(name, fraction); });
    view.upload(name, 1);
    items.push_back({{"object", object}, {"name", name}});
  }
  // The key makes the request safe to retry if the response is lost.
  const Json batch = client.post("/v1/jobs",
                                 {{"items", std::move(items)},
                                  {"pipeline", options.pipeline},
                                  {"output", to_json(options.result)},
                                  {"priority", options.priority}},
                                 new_id("submit", system_now()));
  const std::string id = batch.at("id");
  if (options.no_wait) {
    if (options.json) {
      print_json(batch);
    } else {
      fmt::print("{}\n", id);
    }
    return 0;
  }
  std::vector<std::string> saved;
  const std::vector<Json> jobs = wait_for(client, id, view, [&](const Json& job) {
    if (!options.output.empty() && job.value("state", "") == "done") {
      saved.push_back(client.download(job.at("id"), options.output).string());
    }
  });
  if (options.json) {
    print_json(client.get(path_of(id)));
  } else {
    for (const std::string& file : saved) {
      fmt::print("{}\n", file);
    }
    if (!options.quiet) {
      std::ranges::for_each(jobs, report_warnings);
    }
    if (options.output.empty()) {
      for (const Json& job : jobs) {
        if (job.value("state", "") == "done") {
          fmt::print("{}\n", client.result_link(job.at("id")).at("url").get<std::string>());
        }
      }
    }
  }
  report_failures(jobs);
  return exit_code_of(jobs);
}

int watch(const Options& options) {
  Client client(options.client);
  ProgressView view(options.quiet || options.json);
  std::vector<Json> all;
  for (const std::string& id : options.ids) {
    for (Json& job : wait_for(client, id, view)) {
      all.push_back(std::move(job));
    }
  }
  if (options.json) {
    print_json(Json{{"jobs", all}});
  }
  report_failures(all);
  return exit_code_of(all);
}

int get(const Options& options) {
  Client client(options.client);
  std::vector<Json> jobs;
  for (const std::string& id : options.ids) {
    for (Json& job : jobs_in(client.get(path_of(id)))) {
      jobs.push_back(std::move(job));
    }
  }
  const bool one_job = jobs.size() == 1 && !options.ids.front().starts_with("batch_");
  const bool to_folder = !one_job || options.output.empty() || fs::is_directory(options.output);
  const fs::path folder = options.output.empty() ? fs::path(".") : fs::path(options.output);
  if (to_folder) {
    fs::create_directories(folder);
  } else if (fs::exists(options.output)) {
    throw Error(ErrorCode::usage, fmt::format("'{}' already exists: choose another name.", options.output));
  }
  int exit_code = 0;
  for (const Json& job : jobs) {
    try {
      fmt::print("{}\n", client.download(job.at("id"), folder, to_folder ? fs::path() : folder).string());
      report_warnings(job);
    } catch (const Error& error) {
      fmt::print(stderr, "tessera: {}: {}\n", shown(job.at("request"), "name"), printable(error.what()));
      exit_code = meaning(error.code()).exit_code;
    }
  }
  return exit_code;
}

int each_id(const Options& options, const std::function<Json(Client&, const std::string&)>& work) {
  Client client(options.client);
  for (const std::string& id : options.ids) {
    print_jobs(work(client, id), options);
  }
  return 0;
}

/// Retries a job, or the failed and cancelled jobs of a batch.
Json retry(Client& client, const std::string& id) {
  if (!id.starts_with("batch_")) {
    return client.post(path_of(id) + "/retry", {});
  }
  for (const Json& job : jobs_in(client.get(path_of(id)))) {
    if (job.value("state", "") == "failed" || job.value("state", "") == "cancelled") {
      client.post(path_of(job.at("id")) + "/retry", {});
    }
  }
  return client.get(path_of(id));
}

int list_jobs(const Options& options) {
  Client client(options.client);
  std::string path = fmt::format("/v1/jobs?limit={}", options.limit);
  if (!options.state.empty()) {
    path += "&state=" + percent_encode(options.state);
  }
  if (!options.batch.empty()) {
    path += "&batch=" + percent_encode(options.batch);
  }
  print_jobs(client.get(path), options);
  return 0;
}

void print_node(const Json& node) {
  const Json& details = node.at("details");
  fmt::print("{}  {:<20} {:<9} {} ranks, {} jobs, {} done, {} failed, {} restarts, version {}\n",
             shown(node, "id"), shown(node, "host"), shown(details, "state"),
             details.value("ranks", Json::array()).size(), details.value("jobs", Json::array()).size(),
             details.value("done", 0), details.value("failed", 0), details.value("restarts", 0),
             shown(node, "version"));
}

void print_dead_letter(const Json& letter) {
  fmt::print("{}  {}  {}  {}\n", shown(letter, "id"), shown(letter, "job"), shown(letter, "time"),
             shown(letter, "reason"));
}

int list_all(const Options& options, const char* field, void (*print_one)(const Json&)) {
  const Json answer = Client(options.client).get(std::string("/v1/") + field);
  print(answer, options, answer.at(field).get<std::vector<Json>>(), print_one);
  return 0;
}

using SharedOptions = std::shared_ptr<Options>;

CLI::App* add_command(CLI::App& program, const SharedOptions& options, const char* name, const char* doc) {
  CLI::App* app = program.add_subcommand(name, doc);
  app->add_option("--server", options->client.server, "The service")
      ->envname("TESSERA_SERVER")
      ->type_name("URL")
      ->capture_default_str();
  app->add_option("--token", options->client.token, "Access token")
      ->envname("TESSERA_TOKEN")
      ->type_name("TEXT");
  app->add_option("--ca-file", options->client.ca_file, "Certificates to trust, PEM")
      ->envname("TESSERA_CA_FILE")
      ->type_name("FILE");
  app->add_flag("--json", options->json, "Print JSON on standard output");
  return app;
}

Command add_submit(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      add_command(program, options, "submit", "Send images to a service and wait for the results");
  app->add_option("PIPELINE", options->pipeline, "Operators separated by '|', or JSON; see 'tessera ops'")
      ->required();
  app->add_option("FILE", options->files, "Images")->required()->check(CLI::ExistingFile);
  app->add_option("-o,--output", options->output,
                  "Folder for the results; without it their links are printed")
      ->type_name("FOLDER");
  add_output_options(*app, options->result);
  app->add_option("--priority", options->priority, "interactive or bulk")
      ->check(CLI::IsMember({"interactive", "bulk"}))
      ->capture_default_str();
  app->add_flag("--no-wait", options->no_wait, "Print the batch id and exit; see 'tessera watch'");
  app->add_flag("--quiet", options->quiet, "No progress");
  return {app, [options] { return submit(*options); }};
}

CLI::App* add_ids(CLI::App& program, const SharedOptions& options, const char* name, const char* doc) {
  CLI::App* app = add_command(program, options, name, doc);
  app->add_option("ID", options->ids, "Jobs or batches")->required();
  return app;
}

Command add_dead(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* app = add_command(program, options, "dead", "Manage the dead-letter queue");
  app->require_subcommand(1);
  CLI::App* const listing = app->add_subcommand("list", "List dead letters, with the reasons");
  CLI::App* const retrying = app->add_subcommand("retry", "Retry the jobs");
  CLI::App* const dropping = app->add_subcommand("drop", "Delete dead letters");
  for (CLI::App* const part : {retrying, dropping}) {
    part->add_option("ID", options->ids, "Ids as shown by 'tessera dead list'")->required();
  }
  return {app, [options, listing, retrying] {
            if (listing->parsed()) {
              return list_all(*options, "dead", print_dead_letter);
            }
            Client client(options->client);
            for (const std::string& id : options->ids) {
              if (retrying->parsed()) {
                client.post("/v1/dead/" + percent_encode(id) + "/retry", {});
              } else {
                client.remove("/v1/dead/" + percent_encode(id));
              }
            }
            return 0;
          }};
}

}  // namespace

std::vector<Command> add_client_commands(CLI::App& program) {
  std::vector<Command> commands{add_submit(program), add_dead(program)};
  const auto add = [&](const char* name, const char* doc, bool ids, int (*work)(const Options&)) {
    auto options = std::make_shared<Options>();
    CLI::App* app = ids ? add_ids(program, options, name, doc) : add_command(program, options, name, doc);
    commands.push_back({app, [options, work] { return work(*options); }});
    return std::pair(app, options);
  };
  const auto [watching, watch_options] = add("watch", "Follow jobs until they end", true, watch);
  watching->add_flag("--quiet", watch_options->quiet, "No progress");
  add("status", "Show jobs or batches", true, [](const Options& options) {
    return each_id(options, [](Client& client, const std::string& id) { return client.get(path_of(id)); });
  });
  const auto [getting, get_options] = add("get", "Download the results of jobs or batches", true, get);
  getting->add_option("-o,--output", get_options->output, "Folder or, for the id of one job, file")
      ->type_name("OUT");
  add("cancel", "Cancel jobs or batches", true, [](const Options& options) {
    return each_id(options, [](Client& client, const std::string& id) { return client.remove(path_of(id)); });
  });
  add("retry", "Retry failed or cancelled jobs", true,
      [](const Options& options) { return each_id(options, retry); });
  const auto [listing, list_options] = add("ls", "List jobs, newest first", false, list_jobs);
  listing->add_option("--state", list_options->state,
                      "Only these: queued, running, storing, done, failed, cancelled");
  listing->add_option("--batch", list_options->batch, "Only of this batch");
  listing->add_option("--limit", list_options->limit, "How many")
      ->check(CLI::Range(1, 500))
      ->capture_default_str();
  add("nodes", "List processing nodes", false,
      [](const Options& options) { return list_all(options, "nodes", print_node); });
  return commands;
}

}  // namespace tessera::service
