// SPDX-License-Identifier: Apache-2.0
// One AMQP connection, for one thread at a time (as rabbitmq-c requires). All waits are bounded: five seconds
// for a response, two heartbeats for a silent broker.
#pragma once

#include <amqp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/rabbitmq/broker_address.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

/// Names of a system's queues and exchanges.
struct BrokerNames {
  explicit BrokerNames(const std::string& prefix)
      : interactive(prefix + ".interactive"),
        bulk(prefix + ".bulk"),
        dead(prefix + ".dead"),
        wake(prefix + ".wake"),
        dead_letter_lock(prefix + ".dead.lock") {}
  [[nodiscard]] const std::string& of(Priority priority) const {
    return priority == Priority::interactive ? interactive : bulk;
  }
  std::string interactive;
  std::string bulk;
  std::string dead;  ///< the dead-letter queue and its exchange
  std::string wake;  ///< exchange for wake-ups of waiting consumers
  std::string dead_letter_lock;
};

/// A message as stored by the broker.
struct BrokerMessage {
  std::string id{};
  std::string body{};
  std::string reason{};          ///< why it was dead-lettered, if it was
  int attempts = 0;              ///< when it was dead-lettered
  TimePoint dead_lettered_at{};  ///< set if it was dead-lettered
  bool over_limit = false;       ///< dead-lettered by the broker at the delivery limit
  int earlier_attempts = 0;      ///< before it was postponed, which resets the broker's count
  int returns = 0;               ///< how often it was returned to its queue
  std::uint64_t tag = 0;
};

class BrokerConnection {
 public:
  /// Connects and logs in. Throws Error(unavailable).
  explicit BrokerConnection(const BrokerAddress& address);
  BrokerConnection(const BrokerConnection&) = delete;
  BrokerConnection& operator=(const BrokerConnection&) = delete;

  void open_channel(amqp_channel_t channel);
  void close_channel(amqp_channel_t channel);
  /// Enables publisher confirms on the channel.
  void confirm_publishing(amqp_channel_t channel);
  /// Declares queues and exchanges. Throws Error(unavailable) if they exist with other settings.
  void declare(amqp_channel_t channel, const BrokerNames& names, int delivery_limit);
  /// Number of ready messages in the queue.
  [[nodiscard]] std::int64_t count(amqp_channel_t channel, const std::string& queue);
  void remove_queue(amqp_channel_t channel, const std::string& queue);
  /// Declares an exclusive queue that gets every wake-up, and consumes it without acknowledgements.
  void listen_for_wake_ups(amqp_channel_t channel, const BrokerNames& names);
  /// Whether this connection now owns the exclusive queue of that name; if not, the channel is closed.
  [[nodiscard]] bool lock(amqp_channel_t channel, const std::string& queue);

  [[nodiscard]] std::optional<BrokerMessage> get(amqp_channel_t channel, const std::string& queue);
  /// Persistent and mandatory, through the default exchange.
  void publish(amqp_channel_t channel, const std::string& queue, const BrokerMessage& message);
  /// Wakes waiting consumers.
  void wake(amqp_channel_t channel, const BrokerNames& names);
  void acknowledge(amqp_channel_t channel, std::uint64_t tag);
  /// Requeues the message, or all of the channel's with tag 0.
  void requeue(amqp_channel_t channel, std::uint64_t tag);

  /// The next frame, if one arrives within `timeout`. It is valid until the next call.
  [[nodiscard]] std::optional<amqp_frame_t> frame(std::chrono::milliseconds timeout);
  [[nodiscard]] int descriptor() const { return amqp_get_sockfd(handle_.get()); }
  /// Closes in order: the broker requeues what was not acknowledged.
  void close();

  /// Throws Error(unavailable); fail_closed() with the broker's reason for closing something.
  [[noreturn]] void fail(const std::string& doing, const std::string& reason) const;
  [[noreturn]] void fail_closed(const amqp_method_t& method, const std::string& doing) const;

 private:
  void log_in();
  void require(const amqp_rpc_reply_t& reply, const std::string& doing) const;
  void require_last(const std::string& doing) const;
  void require_sent(int status, const std::string& doing) const;

  struct Destroy {
    void operator()(amqp_connection_state_t handle) const { amqp_destroy_connection(handle); }
  };
  BrokerAddress address_;
  std::unique_ptr<amqp_connection_state_t_, Destroy> handle_;
};

[[nodiscard]] inline amqp_bytes_t amqp_view(std::string_view text) {
  return {.len = text.size(), .bytes = const_cast<char*>(text.data())};
}
[[nodiscard]] inline std::string amqp_text(const amqp_bytes_t& bytes) {
  return bytes.len == 0 ? std::string() : std::string(static_cast<const char*>(bytes.bytes), bytes.len);
}

}  // namespace tessera
