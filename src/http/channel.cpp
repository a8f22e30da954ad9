// SPDX-License-Identifier: Apache-2.0
#include "http/channel.hpp"

#include <utility>

namespace tessera::http {
namespace {

/// Limit for one write. Unread data beyond it stays in the queue, where it is counted.
constexpr std::size_t max_write_bytes = std::size_t{256} << 10;

}  // namespace

void Channel::wake(std::unique_lock<std::mutex>& lock) {
  if (woken_ || !waker_) {
    return;
  }
  woken_ = true;
  const auto waker = waker_;
  lock.unlock();
  waker();
}

void Channel::queue(Message message, std::unique_lock<std::mutex>& lock) {
  queued_bytes_ += message->size();
  messages_.push_back(std::move(message));
  wake(lock);
}

bool Channel::offer(Message message) {
  std::unique_lock lock(mutex_);
  // An empty channel accepts a message of any length.
  const std::size_t pending = queued_bytes_ + taken_bytes_;
  if (closed_ || finished_ || (pending > 0 && pending + message->size() > max_bytes_)) {
    return false;
  }
  queue(std::move(message), lock);
  return true;
}

bool Channel::put(Message message) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] {
    const std::size_t pending = queued_bytes_ + taken_bytes_;
    return closed_ || finished_ || pending == 0 || pending + message->size() <= max_bytes_;
  });
  if (closed_ || finished_) {
    return false;
  }
  queue(std::move(message), lock);
  return true;
}

void Channel::finish(bool broken) {
  std::unique_lock lock(mutex_);
  finished_ = true;
  broken_ = broken_ || broken;
  room_.notify_all();
  wake(lock);
}

void Channel::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  messages_.clear();
  queued_bytes_ = 0;
  taken_bytes_ = 0;
  room_.notify_all();
  wake(lock);
}

bool Channel::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

bool Channel::ended() const {
  const std::scoped_lock lock(mutex_);
  return closed_ || finished_;
}

std::size_t Channel::pending_bytes() const {
  const std::scoped_lock lock(mutex_);
  return queued_bytes_ + taken_bytes_;
}

Channel::Taken Channel::take() {
  Taken taken;
  {
    const std::scoped_lock lock(mutex_);
    woken_ = false;
    taken_bytes_ = 0;
    while (!messages_.empty() &&
           (taken_bytes_ == 0 || taken_bytes_ + messages_.front()->size() <= max_write_bytes)) {
      taken_bytes_ += messages_.front()->size();
      taken.messages.push_back(std::move(messages_.front()));
      messages_.pop_front();
    }
    queued_bytes_ -= taken_bytes_;
    taken.ended = (finished_ && messages_.empty()) || closed_;
    taken.broken = broken_ && taken.ended;
  }
  room_.notify_all();
  return taken;
}

void Channel::set_waker(std::function<void()> waker) {
  std::unique_lock lock(mutex_);
  waker_ = std::move(waker);
  woken_ = false;
  if (!messages_.empty() || finished_ || closed_) {
    wake(lock);
  }
}

}  // namespace tessera::http
