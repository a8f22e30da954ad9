// SPDX-License-Identifier: Apache-2.0
// A thin wrapper of hiredis with automatic reconnection and readable errors.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/redis/tls_channel.hpp"

struct redisContext;
struct redisReply;

namespace tessera::redis {

/// A server address: redis://user:password@host:6379/0, or rediss:// for TLS.
struct Address {
  std::string host;
  int port = 6379;
  std::string user;
  std::string password;
  int database = 0;
  bool tls = false;
  std::string ca_file;  ///< CA certificates for the server's certificate; empty: the system's
};
/// Parameter: `cacertfile`, with TLS only. Throws Error(usage).
[[nodiscard]] Address parse_address(const std::string& url);

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

/// Not safe to use from several threads at once.
class Connection {
 public:
  explicit Connection(Address address, std::chrono::milliseconds timeout = std::chrono::seconds(5));
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends a command and waits for the reply, up to `timeout` plus the time that the command itself may block
  /// (`blocks_for`). Throws Broken, or Error(internal) if the server rejects it.
  Reply command(const std::vector<std::string>& words,
                std::chrono::milliseconds blocks_for = std::chrono::milliseconds(0));
  /// Pipelines the commands: one round trip for many. Throws as command() does.
  std::vector<Reply> pipeline(const std::vector<std::vector<std::string>>& commands);
  /// Runs a Lua script; its text is sent only if the server does not have it.
  Reply script(const Script& script, const std::vector<std::string>& arguments);
  [[nodiscard]] const Address& address() const { return address_; }

 private:
  void connect();
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
  std::unique_ptr<redisContext, Free> context_;
  std::unique_ptr<TlsChannel> tls_;
};

}  // namespace tessera::redis
