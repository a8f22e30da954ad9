#include "http/channel.hpp"

#include <utility>

namespace tessera::http {

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
  // One message always fits, however long it is.
  if (closed_ || finished_ || (queued_bytes_ > 0 && queued_bytes_ + message->size() > max_bytes_)) {
    return false;
  }
  queue(std::move(message), lock);
  return true;
}

bool Channel::put(Message message) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] {
    return closed_ || finished_ || queued_bytes_ == 0 || queued_bytes_ + message->size() <= max_bytes_;
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
  room_.notify_all();
  wake(lock);
}

bool Channel::closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

Channel::Taken Channel::take() {
  Taken taken;
  {
    const std::scoped_lock lock(mutex_);
    woken_ = false;
    taken.messages.assign(messages_.begin(), messages_.end());
    messages_.clear();
    queued_bytes_ = 0;
    taken.ended = finished_ || closed_;
    taken.broken = broken_;
  }
  if (!taken.messages.empty()) {
    room_.notify_all();
  }
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
