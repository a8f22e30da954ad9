// SPDX-License-Identifier: Apache-2.0
// The durable job queue between gateway and nodes. A message names a job; pixels are never sent through it.
// Delivery is at least once: a message that was received but neither acknowledged nor requeued is delivered
// again when its consumer disconnects, and carries the number of its delivery. Safe to use from many threads.
// Broker I/O and heartbeats run on a thread of their own, so a consumer may work for hours.
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
  int generation = 1;  ///< of the job: increases when a user retries it
  Priority priority = Priority::interactive;
  std::string request_id;  ///< appears in all log lines about the job
  bool operator==(const QueueMessage&) const = default;
};

struct Delivery {
  QueueMessage message;
  int attempt = 1;  ///< 1 for the first delivery
  std::uint64_t tag =
      0;  ///< identifies the delivery to acknowledge(), postpone(), requeue() and dead_letter()
};

/// A message in the dead-letter queue: it was delivered too often, or its node rejected it.
struct DeadLetter {
  std::string id;  ///< identifies it to redrive() and purge()
  QueueMessage message;
  std::string reason;
  int attempts = 0;
  TimePoint when{};
};

struct QueueDepth {
  std::int64_t waiting = 0;
  std::int64_t unacknowledged = 0;  ///< of this client only, where the broker does not report others
  std::int64_t dead = 0;
};

class JobQueue {
 public:
  virtual ~JobQueue() = default;

  /// The message is durable when this returns. Throws Error(unavailable) if the broker does not confirm it
  /// within the publish timeout; the message may be in the queue nevertheless.
  virtual void publish(const QueueMessage& message) = 0;

  /// Publishes many messages within one publish timeout. Reports an unavailable broker in Published::problem
  /// instead of throwing.
  struct Published {
    std::size_t count = 0;  ///< the first `count` messages are durable; later ones may be
    std::string problem;    ///< why not all are; empty if all are
  };
  virtual Published publish_all(std::span<const QueueMessage> messages);

  /// The next message: interactive ones first, then in order of publishing. Waits up to `timeout`; returns
  /// nothing if none has arrived by then, or while the broker is unavailable (reconnecting happens in the
  /// background).
  [[nodiscard]] virtual std::optional<Delivery> receive(std::chrono::milliseconds timeout) = 0;
  /// Makes all waiting receive() calls, and all later ones, return nothing.
  virtual void stop_receiving() = 0;

  /// The four ways to settle a delivery. None of them throws if the connection that the message came on is
  /// gone: the message is then delivered again, and its consumer finds the job done.
  virtual void acknowledge(std::uint64_t tag) = 0;
  /// Returns the message to the queue because the consumer cannot work on it now. This does not count as an
  /// attempt: the next delivery has the same attempt number, however often this is done, on every version of
  /// the broker. A queue that supports delays does not deliver the message again before `delay`; otherwise it
  /// goes to the end of the queue, and a consumer that wants a pause must wait itself. Throws
  /// Error(unavailable) if the queue does not confirm the message: the delivery then stays open and may be
  /// postponed again.
  virtual void postpone(std::uint64_t tag, std::chrono::milliseconds delay) = 0;
  /// Returns the message to the queue for redelivery. Counts as an attempt, as the death of a consumer does;
  /// after the delivery limit the message is dead-lettered.
  virtual void requeue(std::uint64_t tag) = 0;
  /// Moves the message to the dead-letter queue, with the reason.
  virtual void dead_letter(std::uint64_t tag, const std::string& reason) = 0;

  [[nodiscard]] virtual QueueDepth depth() = 0;
  /// The oldest `limit` dead letters, newest last.
  [[nodiscard]] virtual std::vector<DeadLetter> dead_letters(int limit) = 0;
  /// Both return false if there is no such dead letter (any more). redrive() publishes the message again with
  /// its attempts reset; purge() deletes it.
  virtual bool redrive(const std::string& id) = 0;
  virtual bool purge(const std::string& id) = 0;

  /// Throws Error(unavailable) with the reason if the broker does not answer.
  virtual void check() = 0;
};

struct QueueOptions {
  /// Deliveries before a message is dead-lettered. Nodes count attempts themselves and dead-letter with a
  /// reason; this limit covers what they cannot count.
  int delivery_limit = 20;
  /// Maximum number of unacknowledged deliveries of this client.
  int prefetch = 4;
  std::chrono::milliseconds publish_timeout{10'000};
};

}  // namespace tessera
