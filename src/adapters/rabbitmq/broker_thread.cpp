// SPDX-License-Identifier: Apache-2.0
#include "adapters/rabbitmq/broker_thread.hpp"

#include "adapters/rabbitmq/broker_session.hpp"
#include "net/backoff.hpp"

namespace tessera {
namespace {

constexpr std::chrono::milliseconds first_pause{100};
constexpr std::chrono::milliseconds max_pause{5000};

}  // namespace

BrokerThread::BrokerThread(BrokerAddresses& addresses, int delivery_limit, BrokerState& state)
    : addresses_(addresses), delivery_limit_(delivery_limit), state_(state), thread_([this] { run(); }) {}

BrokerThread::~BrokerThread() {
  {
    const std::lock_guard guard(state_.mutex);
    state_.closing = true;
    state_.signal();
    state_.changed.notify_all();
  }
  thread_.join();
}

bool BrokerThread::closing() {
  const std::lock_guard guard(state_.mutex);
  return state_.closing;
}

void BrokerThread::run() {
  Backoff backoff(first_pause, max_pause);
  while (!closing()) {
    try {
      const BrokerAddress& address = addresses_.current();
      BrokerSession session(address, BrokerNames(address.prefix), delivery_limit_, state_);
      backoff.reset();
      session.serve();
    } catch (const std::exception& error) {
      report(error.what());
      addresses_.advance();
      pause(backoff.next());
    }
  }
}

void BrokerThread::report(const std::string& problem) {
  const std::lock_guard guard(state_.mutex);
  state_.problem = problem;
  for (const auto& request : state_.depth_requests) {
    request->done = true;
  }
  state_.depth_requests.clear();
  state_.changed.notify_all();
}

void BrokerThread::pause(std::chrono::milliseconds time) {
  std::unique_lock guard(state_.mutex);
  state_.changed.wait_for(guard, time, [&] { return state_.closing; });
}

}  // namespace tessera
