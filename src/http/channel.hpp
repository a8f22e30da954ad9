// Bytes on their way from any thread to one client: a bounded queue that the client's connection empties.
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

/// Shared, so that one message goes to a thousand clients without copies.
using Message = std::shared_ptr<const std::string>;

class Channel {
 public:
  explicit Channel(std::size_t max_bytes = std::size_t{512} << 10) : max_bytes_(max_bytes) {}

  /// Queues the message, or returns false at once: no room, or closed.
  bool offer(Message message);
  /// Queues the message, waiting for room as long as it takes; false if the channel was closed.
  bool put(Message message);
  /// No more messages: the stream ends in order after those queued. With `broken` it ends as a connection
  /// that fails, so that nobody takes half a body for a whole one.
  void finish(bool broken = false);
  /// Drops what is queued; the client is gone, or shall go.
  void close();
  [[nodiscard]] bool closed() const;
  /// No message is taken any more: it was finished or closed.
  [[nodiscard]] bool ended() const;
  /// Of messages that are queued or being written.
  [[nodiscard]] std::size_t pending_bytes() const;

  // The connection's side.
  struct Taken {
    std::vector<Message> messages;
    bool ended = false;  ///< after these messages
    bool broken = false;
  };
  /// Some of what is queued; what was taken before has been written.
  Taken take();
  /// `waker` is called from other threads when there is something to take again.
  void set_waker(std::function<void()> waker);

 private:
  void wake(std::unique_lock<std::mutex>& lock);
  void queue(Message message, std::unique_lock<std::mutex>& lock);
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Message> messages_;
  std::size_t queued_bytes_ = 0;
  std::size_t taken_bytes_ = 0;  ///< by the last take(), and perhaps not written yet
  const std::size_t max_bytes_;
  bool finished_ = false;
  bool broken_ = false;
  bool closed_ = false;
  bool woken_ = false;
  std::function<void()> waker_;
};

/// A connection's waker, taken away again at its end: channels outlive connections, and servers, and must not
/// hold what belongs to them.
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
