// SPDX-License-Identifier: Apache-2.0
#include "service/service_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "client/event_stream.hpp"
#include "ranks/mpirun.hpp"

namespace tessera::testing {

namespace fs = std::filesystem;

namespace {

/// Notes of services that tests start do not lie among the user's own.
void keep_state_folder_apart() {
  static const ServerFolder state;
  ::setenv("XDG_STATE_HOME", state.path().c_str(), 1);
}

}  // namespace

ServeProcess::ServeProcess(std::vector<std::string> more_arguments, ServeDoor door)
    : more_arguments_(std::move(more_arguments)) {
  keep_state_folder_apart();
  if (door == ServeDoor::open) {
    more_arguments_.emplace_back("--open");
  }
  start();
}

std::string ServeProcess::token() const {
  const std::string text = read_file(folder_.path() / "data/token");
  return text.substr(0, text.find('\n'));
}

void ServeProcess::start() {
  std::vector<std::string> command{TESSERA_PROGRAM, "serve",
                                   "--data",        (folder_.path() / "data").string(),
                                   "--listen",      fmt::format("127.0.0.1:{}", port_),
                                   "--log-format",  "json"};
  command.insert(command.end(), more_arguments_.begin(), more_arguments_.end());
  process_ = std::make_unique<ServerProcess>(command, ServerProcess::Environment{}, folder_.path() / "log");
  process_->wait_until_ready(port_, [this] { return ask(port_, "GET", "/readyz").status == 200; });
}

CommandOutcome run_command(std::vector<std::string> command) {
  const ServerFolder folder;
  const auto out = folder.path() / "out";
  const auto err = folder.path() / "err";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT, 0600);
  const std::vector<char*> words = exec_vector(command);
  pid_t child = -1;
  const int failure = posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
}

CommandOutcome tessera(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TESSERA_PROGRAM);
  return run_command(std::move(arguments));
}

Json json_of(const Answer& answer) { return Json::parse(answer.body); }

Answer send_json(int port, const std::string& method, const std::string& path, const Json& body,
                 const std::string& token, const Fields& more_headers) {
  Fields headers = more_headers;
  if (!token.empty()) {
    headers.emplace_back("Authorization", "Bearer " + token);
  }
  if (body.is_null()) {
    return ask(port, method, path, headers);
  }
  headers.emplace_back("Content-Type", "application/json");
  return ask(port, method, path, headers, body.dump());
}

std::string upload(int port, const std::string& bytes, const std::string& token) {
  const Json place = json_of(send_json(port, "POST", "/v1/uploads", Json::object(), token));
  const std::string url = place.at("upload").at("url");
  // http://127.0.0.1:PORT/...: the gateway's own, or a store's.
  const std::size_t path = url.find('/', url.find("://") + 3);
  const Answer stored =
      ask(std::stoi(url.substr(url.rfind(':', path) + 1)), "PUT", url.substr(path), {}, bytes);
  if (stored.status != 200) {
    throw std::runtime_error("upload: " + stored.body);
  }
  return place.at("object");
}

std::vector<std::string> follow_to_end(int port, const std::string& batch_id, const std::string& token) {
  return follow_batch(port, port, batch_id, token);
}

std::vector<std::string> follow_batch(int notifier_port, int gateway_port, const std::string& batch_id,
                                      const std::string& token) {
  Fields headers;
  if (!token.empty()) {
    headers.emplace_back("Authorization", "Bearer " + token);
  }
  std::set<std::string> open;
  const Json batch = json_of(ask(gateway_port, "GET", "/v1/batches/" + batch_id, headers));
  for (const Json& job : batch.at("jobs")) {
    open.insert(job.at("id").get<std::string>());
  }
  std::string request = fmt::format("GET /v1/events?batch={} HTTP/1.0\r\n", batch_id);
  for (const auto& [name, value] : headers) {
    request += fmt::format("{}: {}\r\n", name, value);
  }
  RawConnection connection(notifier_port);
  connection.send(request + "\r\n");
  connection.read_until("\r\n\r\n");
  std::vector<std::string> types;
  EventStreamReader reader([&](const StreamedEvent& event) {
    types.push_back(event.type);
    const Json job = Json::parse(event.data);
    const std::string state = job.at("state");
    if (state == "done" || state == "failed" || state == "cancelled") {
      open.erase(job.at("id").get<std::string>());
    }
    return !open.empty();
  });
  while (reader.feed(connection.read_until("\n\n", std::chrono::seconds(60)))) {
  }
  return types;
}

std::vector<fs::path> photographs(std::size_t count) {
  std::vector<fs::path> files;
  for (const fs::path& folder :
       {fs::path(TESSERA_PHOTOS_DIR), fs::path(TESSERA_CASES_DIR) / "photos/kodak"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".png") {
        files.push_back(entry.path());
      }
    }
  }
  std::ranges::sort(files);
  if (files.size() < count) {
    throw std::runtime_error("the photographs are not there: " + std::string(TESSERA_PHOTOS_DIR));
  }
  files.resize(count);
  return files;
}

}  // namespace tessera::testing
