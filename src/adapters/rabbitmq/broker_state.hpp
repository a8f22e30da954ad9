// What the users of a queue and the thread that speaks to the broker have in common.
#pragma once

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

/// A message on its way to the broker.
struct Publication {
  enum class End { none, confirmed, refused, connection_lost };
  std::string queue;
  BrokerMessage message;
  /// Set for a message that is set aside: the delivery that is acknowledged when the broker has its copy. It
  /// ends with its connection, while others are sent again on the next one.
  std::optional<std::uint64_t> aside_of;
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

/// A delivery that has not ended. Its broker tag means something on the connection of its epoch only.
struct TakenMessage {
  std::uint64_t epoch = 0;
  std::uint64_t broker_tag = 0;
  int attempt = 1;
  std::string body;
};

struct Ending {
  std::uint64_t broker_tag = 0;
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

  const int wake_up;  ///< an eventfd
  std::mutex mutex;
  std::condition_variable changed;

  bool connected = false;
  std::string problem;      ///< why there is no connection, or why the last one ended
  std::string blocked;      ///< why the broker takes no messages just now; empty: it does
  std::uint64_t epoch = 0;  ///< of the connection; rises when one is lost
  bool closing = false;
  bool stopped_taking = false;
  bool new_claims = false;

  std::deque<std::shared_ptr<Publication>> outbox;
  std::deque<Ending> endings;  ///< of this epoch
  std::list<Claim*> claims;
  std::map<std::uint64_t, TakenMessage> taken;
  std::uint64_t next_tag = 1;
  std::deque<std::shared_ptr<DepthRequest>> depth_requests;
};

}  // namespace tessera
