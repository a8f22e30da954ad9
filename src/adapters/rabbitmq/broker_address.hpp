// SPDX-License-Identifier: Apache-2.0
// The address and connection parameters of a RabbitMQ broker.
#pragma once

#include <chrono>
#include <string>

namespace tessera {

struct BrokerAddress {
  std::string host;
  int port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  bool tls = false;
  std::string ca_file;           ///< CA certificates for the broker's certificate; empty: the system's
  std::string certificate_file;  ///< of this client, with key_file; empty: none
  std::string key_file;
  std::chrono::seconds heartbeat{30};
  std::chrono::milliseconds connect_timeout{5000};
  std::string prefix = "tessera";  ///< of the names of queues and exchanges

  /// For messages, without the password.
  [[nodiscard]] std::string shown() const;
};

/// `amqp://user:password@host:5672/vhost` or `amqps://...` (port 5671), percent-encoded, as in RabbitMQ's URI
/// specification (rabbitmq.com/uri-spec.html, uri-query-parameters.html), except that an empty vhost, as in
/// "amqp://host/", means "/" too, because that is what users expect. Parameters: `heartbeat` (seconds, 1 to
/// 3600), `connection_timeout` (milliseconds), `cacertfile`, `certfile`, `keyfile`, and `prefix`, which
/// separates several systems on one broker. Throws Error(usage).
[[nodiscard]] BrokerAddress parse_broker_url(const std::string& url);

}  // namespace tessera
