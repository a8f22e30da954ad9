// From connecting to the broker until it is lost, on the broker's thread.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "adapters/rabbitmq/broker_state.hpp"
#include "adapters/rabbitmq/connection.hpp"

namespace tessera {

/// Messages are fetched one by one, and only when a take waits: a message that nobody works on stays in the
/// queue, where any node can have it, an interactive one is never behind a bulk one that was fetched earlier,
/// and a process that dies counts no attempt against jobs it had not begun. So that a waiting take need not
/// ask all the time, whoever publishes also sends a wake-up to all who listen; it is a hint and may be lost,
/// so they look twice a second in any case.
///
/// There are two connections, as RabbitMQ advises: one that is low on memory or disk stops reading from those
/// who publish, and must not keep takers from acknowledging. Both end together.
class BrokerSession {
 public:
  /// Connects and makes the queues. Throws Error(unavailable).
  BrokerSession(const BrokerAddress& address, const BrokerNames& names, int delivery_limit,
                BrokerState& state);
  /// What was under way ends, or is left for the next connection.
  ~BrokerSession();
  BrokerSession(const BrokerSession&) = delete;
  BrokerSession& operator=(const BrokerSession&) = delete;

  /// Works until the state says closing. Throws Error(unavailable) when the connection is lost.
  void serve();

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool read_frames();
  void handle(const amqp_frame_t& frame, bool from_publisher);
  void settle(std::uint64_t last, bool multiple, bool confirmed);
  /// Returns false if nobody waits for that any more.
  bool end(Publication& publication, Publication::End end);
  /// Returns false when it is time to close.
  bool do_work();
  void wake_takers();
  [[nodiscard]] bool blocked() const;
  void answer(const std::shared_ptr<DepthRequest>& request);
  void look_for_messages();
  Claim* next_claim();
  void deliver(Claim& claim, const BrokerMessage& message);
  void set_aside_unreadable(Claim& claim, const BrokerMessage& message);
  void wait() const;

  BrokerNames names_;
  BrokerState& state_;
  std::chrono::milliseconds longest_wait_;
  BrokerConnection publisher_;
  BrokerConnection taker_;
  std::uint64_t published_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Publication>> unconfirmed_;
  bool listening_ = false;
  bool hungry_ = true;  ///< there may be messages
  Time next_look_{};
};

}  // namespace tessera
