// SPDX-License-Identifier: Apache-2.0
// The address and connection parameters of a RabbitMQ broker, and of the brokers of a cluster.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

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

/// The same for the brokers of a cluster, which differ in host and port alone:
/// `amqp://user:password@host:5672,host:5672/vhost`.
[[nodiscard]] std::vector<BrokerAddress> parse_broker_urls(const std::string& url);

/// The brokers of a cluster, one of which is in use. Safe to use from several threads.
class BrokerAddresses {
 public:
  /// Begins with any of them, so that clients spread over the cluster. There must be at least one.
  explicit BrokerAddresses(std::vector<BrokerAddress> addresses);
  [[nodiscard]] const BrokerAddress& current() const { return addresses_.at(current_); }
  /// Goes on to the next one, because the current one has failed.
  void advance();

 private:
  const std::vector<BrokerAddress> addresses_;
  std::atomic<std::size_t> current_;
};

}  // namespace tessera
