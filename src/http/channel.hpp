// SPDX-License-Identifier: Apache-2.0
// A bounded queue of messages from any thread to one client's connection.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tessera::http {

/// Shared, so that one message can be sent to many clients without copies.
using Message = std::shared_ptr<const std::string>;

class Channel {
 public:
  explicit Channel(std::size_t max_bytes = std::size_t{512} << 10) : max_bytes_(max_bytes) {}

  /// Queues the message; returns false at once if there is no room or the channel is closed.
  bool offer(Message message);
  /// Queues the message, blocking until there is room; false if the channel was closed.
  bool put(Message message);
  /// No more messages: the stream ends after those queued. With `broken` it ends like a failed connection, so
  /// that a partial body is not mistaken for a complete one.
  void finish(bool broken = false);
  /// Drops queued messages; the client has disconnected, or is to be disconnected.
  void close();
  [[nodiscard]] bool closed() const;
  /// Whether it was finished or closed: no more messages are accepted.
  [[nodiscard]] bool ended() const;
  /// Bytes of messages that are queued or being written.
  [[nodiscard]] std::size_t pending_bytes() const;

  // Interface for the connection.
  struct Taken {
    std::vector<Message> messages;
    bool ended = false;  ///< after these messages
    bool broken = false;
  };
  /// Dequeues some messages; those of the previous call count as written.
  Taken take();
  /// `waker` is called from other threads when take() has something to return again.
  void set_waker(std::function<void()> waker);

 private:
  void wake(std::unique_lock<std::mutex>& lock);
  void queue(Message message, std::unique_lock<std::mutex>& lock);
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Message> messages_;
  std::size_t queued_bytes_ = 0;
  std::size_t taken_bytes_ = 0;  ///< by the last take(), possibly not written yet
  const std::size_t max_bytes_;
  bool finished_ = false;
  bool broken_ = false;
  bool closed_ = false;
  bool woken_ = false;
  std::function<void()> waker_;
};

/// Sets a connection's waker and removes it at the end: channels outlive connections, and servers, and must
/// not refer to them.
class ChannelWaker {
 public:
  ChannelWaker(Channel& channel, std::function<void()> waker) : channel_(channel) {
    channel_.set_waker(std::move(waker));
  }
  ~ChannelWaker() { channel_.set_waker(nullptr); }
  ChannelWaker(const ChannelWaker&) = delete;
  ChannelWaker& operator=(const ChannelWaker&) = delete;

 private:
  Channel& channel_;
};

}  // namespace tessera::http
