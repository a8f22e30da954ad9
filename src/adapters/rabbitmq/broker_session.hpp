// From connecting to the broker until it is lost, on the broker's thread.
#pragma once

#include <array>
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
/// Publishing has a connection of its own, as RabbitMQ advises: one that is low on memory or disk stops
/// reading from those who publish, and must not keep takers from acknowledging. Taking has one for each
/// priority (a lane): a broker whose queue has no leader closes the connection that asks it for a message,
/// and what was taken from the other queue must not suffer. A lane is opened when it is first taken from, and
/// again after a growing pause when it was lost. A last connection hears wake-ups and counts. Without it or
/// the publishing one, all end together.
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
  struct Lane {
    Priority priority = Priority::interactive;
    std::unique_ptr<BrokerConnection> connection;  ///< none before the first take, and after it was lost
    int failures = 0;                              ///< in a row
    Time again{};                                  ///< it is not opened before
  };

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
  [[nodiscard]] Lane& lane_of(const BrokerDelivery& delivery) {
    return lanes_.at(static_cast<std::size_t>(delivery.lane));
  }
  /// Does something with a lane, which is lost if that throws Error.
  template <class Action>
  void attempt(Lane& lane, Action action);
  void lose(Lane& lane);
  [[nodiscard]] std::optional<BrokerMessage> get(Lane& lane);
  void end_delivery(const BrokerDelivery& delivery, bool give_back);
  [[nodiscard]] BrokerDelivery delivery_of(const Lane& lane, const BrokerMessage& message);
  Claim* next_claim();
  void deliver(Claim& claim, const Lane& lane, const BrokerMessage& message);
  void set_aside(Claim& claim, const Lane& lane, const BrokerMessage& message, const std::string& reason);
  void wait() const;

  BrokerNames names_;
  BrokerState& state_;
  int delivery_limit_;
  std::chrono::milliseconds longest_wait_;
  BrokerAddress address_;
  BrokerConnection publisher_;
  BrokerConnection watcher_;
  std::array<Lane, lanes> lanes_{Lane{Priority::interactive, {}, 0, {}}, Lane{Priority::bulk, {}, 0, {}}};
  std::uint64_t published_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Publication>> unconfirmed_;
  bool listening_ = false;
  bool hungry_ = true;  ///< there may be messages
  Time next_look_{};
};

}  // namespace tessera
