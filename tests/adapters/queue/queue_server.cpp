// SPDX-License-Identifier: Apache-2.0
#include "adapters/queue/queue_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <stdexcept>

#include "adapters/open.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {
namespace {

constexpr std::chrono::seconds long_enough{30};

class SqliteServer final : public QueueServer {
 public:
  std::string url() const override { return "sqlite://" + (folder_.path() / "queue.db").string(); }

 private:
  ServerFolder folder_;
};

class RabbitMqPrefix final : public QueueServer {
 public:
  std::string url() const override { return url_; }

 private:
  std::string url_ = broker().url() + "&prefix=" + new_prefix();
};

std::unique_ptr<RabbitMqServer>& the_broker() {
  static std::unique_ptr<RabbitMqServer> server;
  return server;
}

}  // namespace

std::unique_ptr<JobQueue> QueueServer::open(const QueueOptions& options) const {
  return open_job_queue(url(), options);
}

QueueKind sqlite_kind() {
  return {"Sqlite", [] { return std::make_unique<SqliteServer>(); }};
}

QueueKind rabbitmq_kind() {
  return {"RabbitMq", [] { return std::make_unique<RabbitMqPrefix>(); }};
}

RabbitMqServer& broker() {
  if (!the_broker()) {
    the_broker() = std::make_unique<RabbitMqServer>();
  }
  return *the_broker();
}

void end_broker() { the_broker().reset(); }

std::string new_prefix() {
  static int count = 0;
  return "test" + std::to_string(++count);
}

QueueMessage message(const std::string& job_id, Priority priority) {
  return {.job_id = job_id, .generation = 1, .priority = priority, .request_id = "request-of-" + job_id};
}

ConsumerProcess::ConsumerProcess(const std::string& url, int messages, int delivery_limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::string flag = "--consumer";
  std::string address = url;
  std::string count = std::to_string(messages);
  std::string limit = std::to_string(delivery_limit);
  char* const arguments[] = {program.data(), flag.data(),  address.data(),
                             count.data(),   limit.data(), nullptr};
  const int result = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  char byte = 0;
  pollfd ready{.fd = ends[0], .events = POLLIN, .revents = 0};
  const int timeout_ms = static_cast<int>(std::chrono::milliseconds(long_enough).count());
  const bool told = result == 0 && ::poll(&ready, 1, timeout_ms) == 1 && ::read(ends[0], &byte, 1) == 1;
  ::close(ends[0]);
  if (!told) {
    kill();
    throw std::runtime_error("the process did not get its messages");
  }
}

ConsumerProcess::~ConsumerProcess() { kill(); }

void ConsumerProcess::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

void run_taker(const std::string& url, int messages, int delivery_limit) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto queue = open_job_queue(url, {.delivery_limit = delivery_limit, .prefetch = messages});
  for (int received = 0; received < messages; ++received) {
    if (!queue->receive(long_enough)) {
      ::_exit(1);
    }
  }
  std::cout << "!" << std::flush;
  for (;;) {
    ::pause();
  }
}

}  // namespace tessera::testing
