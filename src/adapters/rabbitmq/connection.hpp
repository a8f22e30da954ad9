// One AMQP connection, for one thread at a time (as rabbitmq-c asks). Everything waits within limits: five
// seconds for an answer, two heartbeats for a broker that fell silent.
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

/// What a system's queues and exchanges are called.
struct BrokerNames {
  explicit BrokerNames(const std::string& prefix)
      : interactive(prefix + ".interactive"),
        bulk(prefix + ".bulk"),
        dead(prefix + ".dead"),
        wake(prefix + ".wake"),
        dead_lock(prefix + ".dead.lock") {}
  [[nodiscard]] const std::string& of(Priority priority) const {
    return priority == Priority::interactive ? interactive : bulk;
  }
  std::string interactive;
  std::string bulk;
  std::string dead;  ///< the queue, and the exchange that leads there
  std::string wake;  ///< the exchange that tells waiting takers to look
  std::string dead_lock;
};

/// A message as the broker holds it.
struct BrokerMessage {
  std::string id{};
  std::string body{};
  std::string reason{};      ///< why it was set aside, if it was
  int attempts = 0;          ///< it had when it was set aside
  TimePoint dead_since{};    ///< set if it was set aside or dead-lettered
  bool over_limit = false;   ///< dead-lettered by the broker at the delivery limit
  int earlier_attempts = 0;  ///< before it was postponed, which began the broker's count anew
  int returns = 0;           ///< how often the queue it is in took it back
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
  /// From now on the broker confirms what is published on the channel.
  void confirm_publishing(amqp_channel_t channel);
  /// Makes queues and exchanges, or finds them as they must be. Throws Error(unavailable) if they are there
  /// with other settings.
  void declare(amqp_channel_t channel, const BrokerNames& names, int delivery_limit);
  /// Messages that wait in the queue.
  [[nodiscard]] std::int64_t count(amqp_channel_t channel, const std::string& queue);
  void remove_queue(amqp_channel_t channel, const std::string& queue);
  /// Makes a queue of this connection's own that gets every wake-up, and consumes it without acknowledging.
  void listen_for_wake_ups(amqp_channel_t channel, const BrokerNames& names);
  /// Whether this connection now holds the queue of that name for itself; the channel is closed if not.
  [[nodiscard]] bool lock(amqp_channel_t channel, const std::string& queue);

  [[nodiscard]] std::optional<BrokerMessage> get(amqp_channel_t channel, const std::string& queue);
  /// Persistent and mandatory, by way of the default exchange.
  void publish(amqp_channel_t channel, const std::string& queue, const BrokerMessage& message);
  /// Tells waiting takers to look.
  void wake(amqp_channel_t channel, const BrokerNames& names);
  void acknowledge(amqp_channel_t channel, std::uint64_t tag);
  /// Puts the message back, or all of the channel's with tag 0.
  void give_back(amqp_channel_t channel, std::uint64_t tag);

  /// The next frame, if there is one within `patience`. It lives until the next call.
  [[nodiscard]] std::optional<amqp_frame_t> frame(std::chrono::milliseconds patience);
  [[nodiscard]] int descriptor() const { return amqp_get_sockfd(handle_.get()); }
  /// In order: the broker takes back what was not acknowledged.
  void close();

  /// Throws Error(unavailable) with the reason that a broker gave when it closed something.
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
