// What the users of a queue and the thread that speaks to the broker have in common.
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

/// What the broker knows a delivery by: its tag means something on one connection only.
struct BrokerDelivery {
  Priority lane = Priority::interactive;  ///< of whose queue it is
  std::uint64_t epoch = 0;                ///< of that lane's connection
  std::uint64_t broker_tag = 0;
};

/// A message on its way to the broker.
struct Publication {
  enum class End { none, confirmed, refused, connection_lost };
  std::string queue;
  BrokerMessage message;
  /// Set for the copy of a message that is set aside or postponed: the delivery that is acknowledged when the
  /// broker has the copy. It ends with its connection, while others are sent again on the next one.
  std::optional<BrokerDelivery> copy_of;
  bool postpones = false;  ///< a copy that goes into the line again
  bool abandoned = false;  ///< nobody waits for it any more: not to be sent (again)
  bool returned = false;   ///< the broker found no queue for it
  End end = End::none;
};

/// A take that waits.
struct Claim {
  enum class Stage { waiting, fetching, done };
  Stage stage = Stage::waiting;
  bool looked = false;  ///< the queue was found empty on its behalf
  std::optional<Delivery> delivery;
};

/// A delivery that has not ended.
struct TakenMessage {
  BrokerDelivery delivery;
  int attempt = 1;
  std::string body;
  std::shared_ptr<Publication> postponement;  ///< was begun
};

struct Ending {
  BrokerDelivery delivery;
  bool give_back = false;
};

struct DepthRequest {
  bool done = false;
  std::optional<QueueDepth> depth;  ///< none if the connection was lost
};

/// All members but `wake_up` are guarded by `mutex`.
struct BrokerState {
  BrokerState();
  ~BrokerState();
  BrokerState(const BrokerState&) = delete;
  BrokerState& operator=(const BrokerState&) = delete;

  /// Makes the broker's thread look for work.
  void signal() const;
  [[nodiscard]] std::int64_t count_taken() const;
  /// Whether the connection that a delivery came on is still the lane's.
  [[nodiscard]] bool is_open(const BrokerDelivery& delivery) const {
    return delivery.epoch == epochs.at(static_cast<std::size_t>(delivery.lane));
  }
  /// The lane's connection is gone: its deliveries come again by themselves, and what was to end them is
  /// dropped.
  void close_lane(Priority lane);

  const int wake_up;  ///< an eventfd
  std::mutex mutex;
  std::condition_variable changed;

  bool connected = false;
  std::string problem;                        ///< why there is no connection, or why the last one ended
  std::string blocked;                        ///< why the broker takes no messages just now; empty: it does
  std::array<std::uint64_t, lanes> epochs{};  ///< of each lane's connection; rises when it is lost
  bool closing = false;
  bool stopped_taking = false;
  bool new_claims = false;

  std::deque<std::shared_ptr<Publication>> outbox;
  std::deque<Ending> endings;
  std::list<Claim*> claims;
  std::map<std::uint64_t, TakenMessage> taken;
  std::uint64_t next_tag = 1;
  std::deque<std::shared_ptr<DepthRequest>> depth_requests;
};

}  // namespace tessera
