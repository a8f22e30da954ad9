// SPDX-License-Identifier: Apache-2.0
// One session with the broker, from connecting until the connection is lost. Runs on the broker's thread.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>

#include "adapters/rabbitmq/broker_state.hpp"
#include "adapters/rabbitmq/connection.hpp"

namespace tessera {

/// Messages are fetched one by one, and only while a receive() call waits: an unclaimed message stays in the
/// queue, where any node can receive it, an interactive one is never behind a prefetched bulk one, and a
/// process that dies counts no attempt for jobs it had not begun. So that waiting calls need not poll
/// constantly, publishers also send a wake-up to all listeners; it is only a hint and may be lost, so the
/// queue is polled twice a second in any case.
///
/// Publishing has its own connection, as RabbitMQ recommends: a broker that is low on memory or disk stops
/// reading from publishers, and that must not keep consumers from acknowledging. Receiving uses one
/// connection for each priority (a lane): a broker whose queue has no leader closes the connection that
/// requests a message, and deliveries from the other queue must survive that. A lane is opened on first use,
/// and reopened after a growing pause when it was lost. A fourth connection receives wake-ups and counts
/// messages. If that or the publishing one is lost, the whole session ends.
class BrokerSession {
 public:
  /// Connects and declares the queues. Throws Error(unavailable).
  BrokerSession(const BrokerAddress& address, const BrokerNames& names, int delivery_limit,
                BrokerState& state);
  /// Ends open operations, or leaves them for the next session.
  ~BrokerSession();
  BrokerSession(const BrokerSession&) = delete;
  BrokerSession& operator=(const BrokerSession&) = delete;

  /// Runs until the state says closing. Throws Error(unavailable) when the connection is lost.
  void serve();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Lane {
    Priority priority = Priority::interactive;
    std::unique_ptr<BrokerConnection> connection;  ///< null before the first use and after it was lost
    int failures = 0;                              ///< in a row
    Time again{};                                  ///< earliest time to reopen it
  };

  bool read_frames();
  void handle(const amqp_frame_t& frame, bool from_publisher);
  void on_confirm(std::uint64_t last, bool multiple, bool confirmed);
  /// Returns false if the publication was abandoned.
  bool end(Publication& publication, Publication::End end);
  /// Returns false when it is time to close.
  bool do_work();
  void wake_consumers();
  [[nodiscard]] bool blocked() const;
  void answer(const std::shared_ptr<DepthRequest>& request);
  void poll_for_messages();
  [[nodiscard]] Lane& lane_of(const BrokerDelivery& delivery) {
    return lanes_.at(static_cast<std::size_t>(delivery.lane));
  }
  /// Runs `action`; the lane is dropped if that throws Error.
  template <class Action>
  void attempt(Lane& lane, Action action);
  void lose(Lane& lane);
  [[nodiscard]] std::optional<BrokerMessage> get(Lane& lane);
  void settle_delivery(const BrokerDelivery& delivery, bool requeue);
  [[nodiscard]] BrokerDelivery delivery_of(const Lane& lane, const BrokerMessage& message);
  Claim* next_claim();
  void deliver(Claim& claim, const Lane& lane, const BrokerMessage& message);
  void dead_letter(Claim& claim, const Lane& lane, const BrokerMessage& message, const std::string& reason);
  void wait() const;

  BrokerNames names_;
  BrokerState& state_;
  int delivery_limit_;
  std::chrono::milliseconds max_wait_;
  BrokerAddress address_;
  BrokerConnection publisher_;
  BrokerConnection watcher_;
  std::array<Lane, lanes> lanes_{Lane{Priority::interactive, {}, 0, {}}, Lane{Priority::bulk, {}, 0, {}}};
  std::uint64_t published_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Publication>> unconfirmed_;
  bool listening_ = false;
  bool may_have_messages_ = true;  ///< poll now rather than at next_poll_
  Time next_poll_{};
};

}  // namespace tessera
