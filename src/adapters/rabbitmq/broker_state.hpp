// SPDX-License-Identifier: Apache-2.0
// State shared between the users of a queue and the broker's thread.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/rabbitmq/connection.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

constexpr std::size_t lanes = 2;  ///< one for each priority

/// The broker's identification of a delivery: the tag is valid on one connection only.
struct BrokerDelivery {
  Priority lane = Priority::interactive;  ///< the queue it came from
  std::uint64_t epoch = 0;                ///< of that lane's connection
  std::uint64_t broker_tag = 0;
};

/// A message being published.
struct Publication {
  enum class End { none, confirmed, refused, connection_lost };
  std::string queue;
  BrokerMessage message;
  /// Set for the copy of a message that is dead-lettered or postponed: the delivery to acknowledge when the
  /// broker has the copy. It ends with its connection, while other publications are sent again on the next
  /// one.
  std::optional<BrokerDelivery> copy_of;
  bool postpones = false;  ///< the copy goes back into the queue
  bool abandoned = false;  ///< no caller waits for it: not to be sent (again)
  bool returned = false;   ///< the broker found no queue for it
  End end = End::none;
};

/// A waiting receive() call.
struct Claim {
  enum class Stage { waiting, fetching, done };
  Stage stage = Stage::waiting;
  bool polled = false;  ///< the queue was found empty for it
  std::optional<Delivery> delivery;
};

/// A delivery that is not settled yet.
struct UnacknowledgedMessage {
  BrokerDelivery delivery;
  int attempt = 1;
  std::string body;
  std::shared_ptr<Publication> postponement;  ///< the copy being published; null if not postponed
};

struct Settlement {
  BrokerDelivery delivery;
  bool requeue = false;
};

struct DepthRequest {
  bool done = false;
  std::optional<QueueDepth> depth;  ///< empty if the connection was lost
};

/// All members but `wake_up` are guarded by `mutex`.
struct BrokerState {
  BrokerState();
  ~BrokerState();
  BrokerState(const BrokerState&) = delete;
  BrokerState& operator=(const BrokerState&) = delete;

  /// Wakes the broker's thread.
  void signal() const;
  [[nodiscard]] std::int64_t count_unacknowledged() const;
  /// Whether the connection that a delivery came on is still the lane's.
  [[nodiscard]] bool is_open(const BrokerDelivery& delivery) const {
    return delivery.epoch == epochs.at(static_cast<std::size_t>(delivery.lane));
  }
  /// The lane's connection was lost: its deliveries will be redelivered, and their settlements are dropped.
  void close_lane(Priority lane);

  const int wake_up;  ///< an eventfd
  std::mutex mutex;
  std::condition_variable changed;

  bool connected = false;
  std::string problem;  ///< why there is no connection, or why the last one ended
  std::string blocked;  ///< why the broker currently blocks publishing; empty: it does not
  std::array<std::uint64_t, lanes> epochs{};  ///< of each lane's connection; incremented when it is lost
  bool closing = false;
  bool stopped_receiving = false;
  bool new_claims = false;

  std::deque<std::shared_ptr<Publication>> outbox;
  std::deque<Settlement> settlements;
  std::list<Claim*> claims;
  std::map<std::uint64_t, UnacknowledgedMessage> unacknowledged;
  std::uint64_t next_tag = 1;
  std::deque<std::shared_ptr<DepthRequest>> depth_requests;
};

}  // namespace tessera
