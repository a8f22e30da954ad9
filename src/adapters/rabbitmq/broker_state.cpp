#include "adapters/rabbitmq/broker_state.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace tessera {

BrokerState::BrokerState() : wake_up(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_up < 0) {
    throw Error(ErrorCode::io, fmt::format("Cannot make an eventfd: {}.", std::strerror(errno)));
  }
}

BrokerState::~BrokerState() { ::close(wake_up); }

void BrokerState::signal() const {
  // Fails only when the counter is full, and then the thread is awake.
  static_cast<void>(::eventfd_write(wake_up, 1));
}

std::int64_t BrokerState::count_taken() const {
  std::int64_t count = 0;
  for (const auto& [tag, message] : taken) {
    count += message.epoch == epoch ? 1 : 0;
  }
  return count;
}

}  // namespace tessera
