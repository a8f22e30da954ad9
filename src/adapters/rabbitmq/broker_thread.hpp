// SPDX-License-Identifier: Apache-2.0
// The thread that owns the connections: it keeps heartbeats going while consumers work, and reconnects.
#pragma once

#include <chrono>
#include <thread>

#include "adapters/rabbitmq/broker_state.hpp"

namespace tessera {

class BrokerThread {
 public:
  BrokerThread(BrokerAddress address, int delivery_limit, BrokerState& state);
  /// Sends pending acknowledgements, closes the connections in order and ends the thread.
  ~BrokerThread();
  BrokerThread(const BrokerThread&) = delete;
  BrokerThread& operator=(const BrokerThread&) = delete;

 private:
  void run();
  void report(const std::string& problem);
  [[nodiscard]] bool closing();
  void pause(std::chrono::milliseconds time);

  BrokerAddress address_;
  int delivery_limit_;
  BrokerState& state_;
  std::thread thread_;
};

}  // namespace tessera
