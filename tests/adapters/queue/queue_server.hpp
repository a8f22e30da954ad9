// SPDX-License-Identifier: Apache-2.0
// What the contract suite runs against: one queue, empty at first, that several users can open.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/job_queue.hpp"
#include "servers/rabbitmq_server.hpp"

namespace tessera::testing {

class QueueServer {
 public:
  virtual ~QueueServer() = default;
  [[nodiscard]] virtual std::string url() const = 0;
  [[nodiscard]] std::unique_ptr<JobQueue> open(const QueueOptions& options = {}) const;
};

struct QueueKind {
  std::string name;
  std::function<std::unique_ptr<QueueServer>()> make;  ///< an empty queue of its own
};

[[nodiscard]] QueueKind sqlite_kind();
/// Queues of their own on the one broker of this program.
[[nodiscard]] QueueKind rabbitmq_kind();
/// That broker, started by the first who asks and ended with the program.
[[nodiscard]] RabbitMqServer& broker();
void end_broker();
/// An unused queue name prefix.
[[nodiscard]] std::string new_prefix();

[[nodiscard]] QueueMessage message(const std::string& job_id, Priority priority = Priority::interactive);

/// Another process that receives `messages` deliveries and then does nothing more; killed at the end.
class ConsumerProcess {
 public:
  /// Returns when the process has received them.
  ConsumerProcess(const std::string& url, int messages, int delivery_limit = QueueOptions{}.delivery_limit);
  ~ConsumerProcess();
  ConsumerProcess(const ConsumerProcess&) = delete;
  ConsumerProcess& operator=(const ConsumerProcess&) = delete;
  void kill();  ///< SIGKILL

 private:
  int pid_ = -1;
};

/// What such a process does. Never returns.
[[noreturn]] void run_taker(const std::string& url, int messages, int delivery_limit);

}  // namespace tessera::testing
