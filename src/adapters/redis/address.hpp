// SPDX-License-Identifier: Apache-2.0
// Where the state store is: one Redis server, or the primary of a group that Redis Sentinel watches.
#pragma once

#include <string>
#include <vector>

namespace tessera::redis {

struct Endpoint {
  std::string host;
  int port = 6379;
  [[nodiscard]] std::string shown() const;  ///< "host:port"
  bool operator==(const Endpoint&) const = default;
};

struct Address {
  Endpoint server;  ///< without sentinels
  std::string user;
  std::string password;
  int database = 0;
  bool tls = false;     ///< also to the sentinels
  std::string ca_file;  ///< CA certificates for the servers' certificates; empty: the system's

  std::vector<Endpoint> sentinels;  ///< not empty: they are asked for the primary called primary_name
  std::string primary_name;
  std::string sentinel_user;
  std::string sentinel_password;  ///< of the sentinels; user and password are those of the servers

  /// Number of replicas that must have a change before it counts as made (the command WAIT); 0: none.
  int replicas = 0;

  [[nodiscard]] bool has_sentinels() const { return !sentinels.empty(); }
  /// For messages, without passwords: "Redis at host:port" or "Redis 'NAME' of the sentinels a:1, b:2".
  [[nodiscard]] std::string shown() const;
};

/// - `redis://user:password@host:6379/0`, `rediss://...` with TLS
/// - `redis+sentinel://user:password@host:26379,host:26379/NAME/0`, `rediss+sentinel://...`, where NAME is
///   what the sentinels call the primary (`sentinel monitor NAME ...`); the database number may be left out.
///
/// Parameters: `cacertfile` (with TLS), `replicas` (0 to 100), `sentinel_user` and `sentinel_password` (with
/// sentinels). Throws Error(usage), whose sentence shows no password.
[[nodiscard]] Address parse_address(const std::string& url);

}  // namespace tessera::redis
