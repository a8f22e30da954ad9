// SPDX-License-Identifier: Apache-2.0
// Client commands.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/terminal.hpp"
#include "client_shared.hpp"
#include "command.hpp"
#include "job_table.hpp"
#include "net/crypto.hpp"

namespace tessera::service {
namespace {

namespace fs = std::filesystem;

struct Options : ClientCommandOptions {
  bool quiet = false;
  std::vector<std::string> ids;
  std::string output;
  std::string state;
  std::string batch;
  int limit = 50;
};

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
  if (options.json) {
    print_json(answer);
  } else {
    fmt::print("{}", job_table(jobs_in(answer), system_now(), takes_colours(STDOUT_FILENO)));
  }
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
  return exit_code_of_jobs(all);
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
      print_sentence(fmt::format("{}: {}", shown(job.at("request"), "name"), printable(error.what())));
      exit_code = meaning(error.code()).exit_code;
    }
  }
  return exit_code;
}

int status(const Options& options) {
  Client client(options.client);
  Json all = Json::array();
  for (const std::string& id : options.ids) {
    const Json answer = client.get(path_of(id));
    if (options.json) {
      print_json(answer);
    }
    for (Json& job : jobs_in(answer)) {
      all.push_back(std::move(job));
    }
  }
  if (!options.json) {
    print_jobs({{"jobs", std::move(all)}}, options);
  }
  return 0;
}

/// What a command does to jobs, and how it says so.
struct JobAction {
  bool (*applies)(const std::string& state);
  Json (*act)(Client& client, const std::string& id);
  /// On those of a batch that it applies to; how many it has changed.
  std::int64_t (*act_on_batch)(Client& client, const std::string& id, const std::vector<Json>& jobs);
  const char* done;      ///< "cancelled"
  const char* not_done;  ///< "so there is nothing to cancel"
  const char* none_in_batch;
};

std::int64_t cancel_batch(Client& client, const std::string& id, const std::vector<Json>& jobs) {
  client.remove(path_of(id));
  std::set<std::string> cancelled;
  for (const Json& job : jobs_in(client.get(path_of(id)))) {
    if (job.value("state", "") == "cancelled") {
      cancelled.insert(job.at("id"));
    }
  }
  return std::ranges::count_if(jobs, [&](const Json& job) { return cancelled.contains(job.at("id")); });
}

std::int64_t retry_batch(Client& client, const std::string&, const std::vector<Json>& jobs) {
  std::int64_t count = 0;
  for (const Json& job : jobs) {
    try {
      client.post(path_of(job.at("id")) + "/retry", {});
      ++count;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::conflict) {  // somebody else has retried it meanwhile
        throw;
      }
    }
  }
  return count;
}

const JobAction cancel_action{
    [](const std::string& state) { return !is_final(state); },
    [](Client& client, const std::string& id) { return client.remove(path_of(id)); },
    cancel_batch,
    "cancelled",
    "so there is nothing to cancel",
    "All of its jobs have ended already, so there is nothing to cancel"};
const JobAction retry_action{
    [](const std::string& state) { return state == "failed" || state == "cancelled"; },
    [](Client& client, const std::string& id) { return client.post(path_of(id) + "/retry", {}); },
    retry_batch,
    "queued again",
    "and only failed or cancelled jobs can be retried",
    "None of its jobs has failed or was cancelled, so there is nothing to retry"};

/// Acts on one job, or says why not. 0, or an exit code if nothing was to be done.
int act_on_job(Client& client, const Json& job, const JobAction& action, const Options& options,
               Json& answers) {
  const std::string label = fmt::format("{} ({})", shown(job.at("request"), "name"), shown(job, "id"));
  Json now = job;
  std::string refusal;
  if (action.applies(job.value("state", ""))) {
    try {
      now = action.act(client, job.at("id"));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::conflict) {
        throw;
      }
      refusal = printable(error.what());  // it has ended meanwhile
    }
  } else {
    refusal = fmt::format("The job is {} already, {}.", shown(job, "state"), action.not_done);
  }
  answers.push_back(std::move(now));
  if (!refusal.empty()) {
    print_sentence(fmt::format("{}: {}", label, refusal));
    return meaning(ErrorCode::conflict).exit_code;
  }
  if (!options.json) {
    fmt::print("{}: {}.\n", label, action.done);
  }
  return 0;
}

/// The same for those jobs of a batch that it applies to.
int act_on_batch(Client& client, const std::string& id, const JobAction& action, const Options& options,
                 Json& answers) {
  std::vector<Json> jobs = jobs_in(client.get(path_of(id)));
  const std::int64_t all = std::ssize(jobs);
  std::erase_if(jobs, [&](const Json& job) { return !action.applies(job.value("state", "")); });
  if (jobs.empty()) {
    print_sentence(fmt::format("{}: {}.", printable(id), action.none_in_batch));
    return meaning(ErrorCode::conflict).exit_code;
  }
  const std::int64_t changed = action.act_on_batch(client, id, jobs);
  for (Json& job : jobs_in(client.get(path_of(id)))) {
    answers.push_back(std::move(job));
  }
  if (!options.json) {
    fmt::print("{}: {} of {} jobs {}.\n", printable(id), changed, all, action.done);
  }
  return 0;
}

/// Goes on with the next id where one is refused; the exit code is that of the first refusal.
int act_on_all(const Options& options, const JobAction& action) {
  Client client(options.client);
  Json answers = Json::array();
  int code = 0;
  for (const std::string& id : options.ids) {
    int result = 0;
    try {
      result = id.starts_with("batch_")
                   ? act_on_batch(client, id, action, options, answers)
                   : act_on_job(client, client.get(path_of(id)), action, options, answers);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unavailable) {
        throw;
      }
      print_sentence(fmt::format("{}: {}", printable(id), printable(error.what())));
      result = meaning(error.code()).exit_code;
    }
    code = code == 0 ? result : code;
  }
  if (options.json) {
    print_json({{"jobs", std::move(answers)}});
  }
  return code;
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

CLI::App* add_ids(CLI::App& program, const SharedOptions& options, const char* name, const char* doc) {
  CLI::App* app = add_client_command(program, *options, name, doc);
  app->add_option("ID", options->ids, "Jobs or batches")->required();
  return app;
}

Command add_dead(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* app = add_client_command(program, *options, "dead", "Manage the dead-letter queue");
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
  std::vector<Command> commands{add_dead(program)};
  const auto add = [&](const char* name, const char* doc, bool ids, int (*work)(const Options&)) {
    auto options = std::make_shared<Options>();
    CLI::App* app =
        ids ? add_ids(program, options, name, doc) : add_client_command(program, *options, name, doc);
    commands.push_back({app, [options, work] { return work(*options); }});
    return std::pair(app, options);
  };
  const auto [watching, watch_options] = add("watch", "Follow jobs until they end", true, watch);
  watching->add_flag("--quiet", watch_options->quiet, "No progress");
  add("status", "Show jobs or batches", true, status);
  const auto [getting, get_options] = add("get", "Download the results of jobs or batches", true, get);
  getting->add_option("-o,--output", get_options->output, "Folder or, for the id of one job, file")
      ->type_name("OUT");
  add("cancel", "Cancel jobs or batches", true,
      [](const Options& options) { return act_on_all(options, cancel_action); });
  add("retry", "Retry failed or cancelled jobs", true,
      [](const Options& options) { return act_on_all(options, retry_action); });
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
