// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/broker_state.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace tessera {

BrokerState::BrokerState() : wake_up(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_up < 0) {
    throw Error(ErrorCode::io, fmt::format("Cannot create an eventfd: {}.", std::strerror(errno)));
  }
}

BrokerState::~BrokerState() { ::close(wake_up); }

void BrokerState::signal() const {
  // Fails only when the counter is full, and then the thread is awake.
  static_cast<void>(::eventfd_write(wake_up, 1));
}

std::int64_t BrokerState::count_unacknowledged() const {
  std::int64_t count = 0;
  for (const auto& [tag, message] : unacknowledged) {
    count += is_open(message.delivery) ? 1 : 0;
  }
  return count;
}

void BrokerState::close_lane(Priority lane) {
  ++epochs.at(static_cast<std::size_t>(lane));
  std::erase_if(settlements, [&](const Settlement& settlement) { return settlement.delivery.lane == lane; });
  std::erase_if(outbox, [&](const std::shared_ptr<Publication>& publication) {
    const bool ends = publication->copy_of && publication->copy_of->lane == lane;
    if (ends) {
      publication->end = Publication::End::connection_lost;
    }
    return ends;
  });
  changed.notify_all();
}

}  // namespace tessera
