// SPDX-License-Identifier: Apache-2.0
// The thread that owns the connections: it keeps heartbeats going while consumers work, and reconnects, to
// the next broker of a cluster if there are several.
#pragma once

#include <chrono>
#include <thread>

#include "adapters/rabbitmq/broker_address.hpp"
#include "adapters/rabbitmq/broker_state.hpp"

namespace tessera {

class BrokerThread {
 public:
  /// `addresses` and `state` must outlive it.
  BrokerThread(BrokerAddresses& addresses, int delivery_limit, BrokerState& state);
  /// Sends pending acknowledgements, closes the connections in order and ends the thread.
  ~BrokerThread();
  BrokerThread(const BrokerThread&) = delete;
  BrokerThread& operator=(const BrokerThread&) = delete;

 private:
  void run();
  void report(const std::string& problem);
  [[nodiscard]] bool closing();
  void pause(std::chrono::milliseconds time);

  BrokerAddresses& addresses_;
  int delivery_limit_;
  BrokerState& state_;
  std::thread thread_;
};

}  // namespace tessera
