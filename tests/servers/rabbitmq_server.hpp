// SPDX-License-Identifier: Apache-2.0
// A private RabbitMQ with this project's rabbitmq.conf: nothing of it touches, or is touched by, one that the
// system runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "servers/server_process.hpp"

namespace tessera::testing {

class RabbitMqServer {
 public:
  /// Returns when it accepts connections, with and without TLS, which takes some ten seconds.
  RabbitMqServer();
  ~RabbitMqServer();

  /// `amqp://guest:guest@127.0.0.1:PORT/?heartbeat=2`, to which parameters can be added with '&'.
  [[nodiscard]] std::string url() const;
  /// `amqps://...?heartbeat=2`, without a CA file.
  [[nodiscard]] std::string tls_url() const;
  /// Of the authority that signed its certificate.
  [[nodiscard]] std::string ca_file() const;

  /// Has the broker write to disk that these queues of the vhost "/" exist and have a leader, and returns
  /// when it has. RabbitMQ 3.10 does that only some seconds after a queue is declared; killed before, it
  /// recreates the queue or never finds its leader again.
  void make_durable(const std::vector<std::string>& queues) const;

  /// Runs `rabbitmqctl arguments` for this broker.
  void control(const std::string& arguments) const;

  void start();    ///< after stop() or kill(), with what it had stored
  void stop();     ///< in order
  void kill();     ///< as a crash
  void suspend();  ///< alive, but silent
  void resume();

 private:
  void make_certificate();
  /// Whether `rabbitmqctl arguments` does.
  [[nodiscard]] bool succeeds(const std::string& arguments) const;
  [[nodiscard]] ServerProcess::Environment environment() const;

  ServerFolder folder_;
  int port_;
  int tls_port_;
  int distribution_port_;
  int mapper_port_;
  std::unique_ptr<ServerProcess> mapper_;  ///< epmd, which Erlang would else leave behind as a daemon
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace tessera::testing
