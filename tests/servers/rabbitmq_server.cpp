// SPDX-License-Identifier: Apache-2.0
#include "servers/rabbitmq_server.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "support/wait.hpp"

namespace tessera::testing {
namespace {

// Not the one in the PATH, which runs as another user in the system's folders.
constexpr const char* program = "/usr/lib/rabbitmq/bin/rabbitmq-server";
constexpr const char* control_program = "/usr/lib/rabbitmq/bin/rabbitmqctl";

}  // namespace

RabbitMqServer::RabbitMqServer()
    : port_(free_port()), tls_port_(free_port()), distribution_port_(free_port()), mapper_port_(free_port()) {
  if (!std::filesystem::exists(program)) {
    throw std::runtime_error(fmt::format("{} is missing: install the package rabbitmq-server", program));
  }
  make_certificate();
  std::ofstream(folder_.path() / "plugins") << "[].\n";
  const std::string path = folder_.path().string();
  std::ofstream(folder_.path() / "advanced.config") << fmt::format(
      R"([{{rabbit, [{{ssl_listeners, [{{"127.0.0.1", {}}}, {{"127.0.0.2", {}}}]}},
  {{ssl_options, [{{cacertfile, "{}/certificate.pem"}}, {{certfile, "{}/certificate.pem"}},
                 {{keyfile, "{}/key.pem"}}]}}]}}].
)",
      tls_port_, tls_port_, path, path, path);
  mapper_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"epmd", "-address", "127.0.0.1", "-port", std::to_string(mapper_port_)},
      ServerProcess::Environment{}, folder_.path() / "epmd.log");
  mapper_->wait_until_ready(mapper_port_);
  start();
}

RabbitMqServer::~RabbitMqServer() {
  if (server_) {
    server_->kill();
  }
}

void RabbitMqServer::make_certificate() {
  const std::string path = folder_.path().string();
  const std::string command = fmt::format(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext "
      "subjectAltName=IP:127.0.0.1,DNS:localhost -keyout '{}/key.pem' -out '{}/certificate.pem' "
      ">'{}/openssl.log' "
      "2>&1",
      path, path, path);
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error("openssl made no certificate");
  }
}

ServerProcess::Environment RabbitMqServer::environment() const {
  const std::string path = folder_.path().string();
  return {
      {"HOME", path},  // of the Erlang cookie
      {"RABBITMQ_NODENAME", "tessera@localhost"},
      {"RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"},
      {"RABBITMQ_NODE_PORT", std::to_string(port_)},
      {"RABBITMQ_DIST_PORT", std::to_string(distribution_port_)},
      {"RABBITMQ_MNESIA_BASE", path + "/mnesia"},
      {"RABBITMQ_LOG_BASE", path + "/log"},
      {"RABBITMQ_LOGS", "-"},
      {"RABBITMQ_CONFIG_FILE", TESSERA_DEPLOY_DIR "/rabbitmq/rabbitmq.conf"},
      {"RABBITMQ_ADVANCED_CONFIG_FILE", path + "/advanced.config"},
      {"RABBITMQ_CONF_ENV_FILE", "/dev/null"},
      {"RABBITMQ_ENABLED_PLUGINS_FILE", path + "/plugins"},
      {"ERL_EPMD_PORT", std::to_string(mapper_port_)},
      {"ERL_EPMD_ADDRESS", "127.0.0.1"},
      // No shell between us and the server, so that signals reach it.
      {"RUNNING_UNDER_SYSTEMD", "true"},
      {"NOTIFY_SOCKET", ""},
      {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
       "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +sbwt none"},
  };
}

void RabbitMqServer::start() {
  // Killed in a bad moment, it leaves a MnesiaCore file where it was started.
  server_ = std::make_unique<ServerProcess>(std::vector<std::string>{program}, environment(),
                                            folder_.path() / "server.log", folder_.path());
  server_->wait_until_ready(port_);
  server_->wait_until_ready(tls_port_);
}

bool RabbitMqServer::succeeds(const std::string& arguments) const {
  std::string command = "env";
  for (const auto& [name, value] : environment()) {
    command += fmt::format(" '{}={}'", name, value);
  }
  command +=
      fmt::format(" {} {} >>'{}/control.log' 2>&1", control_program, arguments, folder_.path().string());
  return std::system(command.c_str()) == 0;
}

void RabbitMqServer::control(const std::string& arguments) const {
  if (!succeeds(arguments)) {
    throw std::runtime_error("this failed: rabbitmqctl " + arguments);
  }
}

void RabbitMqServer::make_durable(const std::vector<std::string>& queues) const {
  for (const std::string& queue : queues) {
    const std::string leader = fmt::format("ra_leaderboard:lookup_leader(list_to_atom(\"%2F_{}\"))", queue);
    if (!poll_until([&] { return succeeds(fmt::format("eval 'true = ({} =/= undefined).'", leader)); })) {
      throw std::runtime_error(fmt::format("the queue {} has no leader", queue));
    }
  }
  // What the broker keeps in memory for a while: its tables of queues, and those of the members of quorum
  // queues.
  control("eval 'mnesia:sync_log(), mnesia:dump_log(), [ok = dets:sync(T) || T <- dets:all()].'");
  const std::filesystem::path file =
      folder_.path() / "mnesia/tessera@localhost/quorum/tessera@localhost/names.dets";
  const std::string names = read_file(file);
  for (const std::string& queue : queues) {
    if (names.find("%2F_" + queue) == std::string::npos) {
      throw std::runtime_error(fmt::format("{} does not name the queue {}", file.string(), queue));
    }
  }
}

std::string RabbitMqServer::url() const {
  return fmt::format("amqp://guest:guest@127.0.0.1:{}/?heartbeat=2", port_);
}
std::string RabbitMqServer::tls_url() const {
  return fmt::format("amqps://guest:guest@127.0.0.1:{}/?heartbeat=2", tls_port_);
}
std::string RabbitMqServer::ca_file() const { return (folder_.path() / "certificate.pem").string(); }

void RabbitMqServer::stop() { server_->stop(); }
void RabbitMqServer::kill() { server_->kill(); }
void RabbitMqServer::suspend() { server_->suspend(); }
void RabbitMqServer::resume() { server_->resume(); }

}  // namespace tessera::testing
