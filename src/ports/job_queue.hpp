// The durable line of jobs between gateway and nodes. A message names a job; pixels never pass. At least
// once: a message that was taken and neither acknowledged nor given back comes again when its taker goes
// away, and carries how often it was taken. Safe to use from many threads. Broker I/O and heartbeats have a
// thread of their own, so a taker may work for hours.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tessera {

enum class Priority : std::uint8_t { interactive, bulk };

struct QueueMessage {
  std::string job_id;
  int generation = 1;  ///< of the job: rises when a person retries it
  Priority priority = Priority::interactive;
  std::string request_id;  ///< follows the job through all logs
  bool operator==(const QueueMessage&) const = default;
};

struct Delivery {
  QueueMessage message;
  int attempt = 1;        ///< 1 when it is taken for the first time
  std::uint64_t tag = 0;  ///< names the delivery to acknowledge(), postpone(), give_back() and set_aside()
};

/// A message that was set aside because it failed too often, or because its node said so.
struct DeadLetter {
  std::string id;  ///< names it to retry_dead() and drop_dead()
  QueueMessage message;
  std::string reason;
  int attempts = 0;
  TimePoint when{};
};

struct QueueDepth {
  std::int64_t waiting = 0;
  std::int64_t taken = 0;  ///< and not yet ended; by this user, where the broker does not tell of others
  std::int64_t dead = 0;
};

class JobQueue {
 public:
  virtual ~JobQueue() = default;

  /// The message is durable when this returns. Throws Error(unavailable) if that cannot be had within the
  /// publishing time limit; the message may then be in the queue all the same.
  virtual void publish(const QueueMessage& message) = 0;

  /// Publishes many, within the publishing time limit once and not for each. Throws nothing that says that
  /// the broker is away.
  struct Published {
    std::size_t count = 0;  ///< so many from the front are durable; those after them may be
    std::string problem;    ///< why not all are; empty if all are
  };
  virtual Published publish_all(std::span<const QueueMessage> messages);

  /// The next message: interactive ones first, then in order of publishing. Waits for one at most `patience`;
  /// nothing when there is none by then, or while the broker is away (it is sought again in the background).
  [[nodiscard]] virtual std::optional<Delivery> take(std::chrono::milliseconds patience) = 0;
  /// Ends all waiting takes, which then give nothing, and all later ones.
  virtual void stop_taking() = 0;

  /// The four ends of a delivery. None of them throws when the connection on which it came is gone: the
  /// message then comes again by itself, and who takes it finds the job done.
  virtual void acknowledge(std::uint64_t tag) = 0;
  /// Back to the queue because its taker cannot work on it now. Does not count: the next delivery has the
  /// same attempt number, however often this is done, on every version of the broker. A queue that can hold a
  /// message back does not give it again before `delay`; another one puts it at the end of its line, so a
  /// taker that wants a pause makes one itself. Throws Error(unavailable) if the queue does not confirm that
  /// it has the message: the delivery then goes on as before, and may be postponed again.
  virtual void postpone(std::uint64_t tag, std::chrono::milliseconds delay) = 0;
  /// Back to the queue, to be taken again soon. Counts as an attempt, as the death of a taker does; after the
  /// delivery limit it is set aside.
  virtual void give_back(std::uint64_t tag) = 0;
  /// To the dead letters, with the reason.
  virtual void set_aside(std::uint64_t tag, const std::string& reason) = 0;

  [[nodiscard]] virtual QueueDepth depth() = 0;
  /// The oldest `limit`, newest last.
  [[nodiscard]] virtual std::vector<DeadLetter> dead_letters(int limit) = 0;
  /// Both return false if there is no such dead letter (any more). retry_dead puts the message back in line
  /// with its attempts counted afresh.
  virtual bool retry_dead(const std::string& id) = 0;
  virtual bool drop_dead(const std::string& id) = 0;

  /// Whether the broker answers. Throws Error(unavailable) with the reason.
  virtual void check() = 0;
};

struct QueueOptions {
  /// Deliveries before a message is set aside. Nodes count attempts themselves, and set aside with a reason;
  /// this is for what they cannot count.
  int delivery_limit = 20;
  /// Deliveries that may be taken and not ended at once, by this user of the queue.
  int prefetch = 4;
  std::chrono::milliseconds publish_timeout{10'000};
};

}  // namespace tessera
