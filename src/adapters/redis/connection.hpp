// SPDX-License-Identifier: Apache-2.0
// A thin wrapper of hiredis with automatic reconnection and readable errors, which finds the primary through
// Redis Sentinel if the address says so (redis.io/docs/reference/sentinel-clients).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/redis/address.hpp"
#include "adapters/redis/tls_channel.hpp"

struct redisContext;
struct redisReply;

namespace tessera::redis {

/// A reply of the server.
struct Reply {
  enum class Kind : std::uint8_t { nothing, integer, text, list } kind = Kind::nothing;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Reply> list;
  [[nodiscard]] bool empty() const { return kind == Kind::nothing; }
};

/// The connection is broken: the last commands may have been executed or not.
class Broken : public std::exception {
 public:
  explicit Broken(std::string reason) : reason_(std::move(reason)) {}
  [[nodiscard]] const char* what() const noexcept override { return reason_.c_str(); }

 private:
  std::string reason_;
};

/// A Lua script and its digest for EVALSHA.
class Script {
 public:
  explicit Script(std::string text);
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }

 private:
  std::string text_;
  std::string digest_;
};

enum class ServerKind : std::uint8_t { data, sentinel };

/// For one thread at a time. With sentinels it connects only to a server that they name
/// and that calls itself the primary, and asks them again after every lost connection and, because a primary
/// that was cut off from them would not tell, every ten seconds of use.
class Connection {
 public:
  explicit Connection(Address address, std::chrono::milliseconds timeout = std::chrono::seconds(5),
                      ServerKind kind = ServerKind::data);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends a command and waits for the reply, up to `timeout` plus the time that the command itself may block
  /// (`blocks_for`). Throws Broken, also while the server is no primary or has too few replicas;
  /// Error(forbidden) for a wrong user or password; Error(usage) if the server is of another kind (a node of a
  /// cluster, a sentinel); Error(internal) if it rejects the command.
  Reply command(const std::vector<std::string>& words,
                std::chrono::milliseconds blocks_for = std::chrono::milliseconds(0));
  /// Pipelines the commands: one round trip for many. Throws as command() does.
  std::vector<Reply> pipeline(const std::vector<std::vector<std::string>>& commands);
  /// The same for a command that changes something: returns when as many replicas as the address asks for have
  /// the change too, and all that was changed before. Throws also Error(unavailable) if they do not within half
  /// of `timeout`: the change is made on the primary, and a failover may keep or lose it.
  Reply write(const std::vector<std::string>& words);
  /// Runs a Lua script as write() does; its text is sent only if the server does not have it.
  Reply script(const Script& script, const std::vector<std::string>& arguments);
  /// The server for messages: "Redis at host:port".
  [[nodiscard]] std::string shown() const;
  [[nodiscard]] const Address& address() const { return address_; }

 private:
  void prepare();
  void connect();
  void log_in();
  void check_server();
  [[nodiscard]] Endpoint find_primary();
  [[nodiscard]] bool primary_has_moved();
  void confirm_by_replicas();
  void disconnect();
  void send(const std::vector<std::string>& words);
  /// The reply to the oldest pending command.
  redisReply* next_answer();
  Reply receive(const std::string& command);
  [[noreturn]] void break_off(const std::string& reason);
  struct Free {
    void operator()(redisContext* context) const;
  };
  Address address_;
  std::chrono::milliseconds timeout_;
  ServerKind kind_;
  Endpoint endpoint_;                                   ///< of the server in use, or of the last one
  std::size_t first_sentinel_ = 0;                      ///< the one that answered last
  std::chrono::steady_clock::time_point next_check_{};  ///< when the sentinels are asked again
  std::unique_ptr<redisContext, Free> context_;
  std::unique_ptr<TlsChannel> tls_;
};

}  // namespace tessera::redis
