// SPDX-License-Identifier: Apache-2.0
#include "ports/job_queue.hpp"

#include "base/error.hpp"

namespace tessera {

JobQueue::Published JobQueue::publish_all(std::span<const QueueMessage> messages) {
  Published published;
  for (const QueueMessage& message : messages) {
    try {
      publish(message);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unavailable) {
        throw;
      }
      // The next one would wait just as long.
      published.problem = error.what();
      break;
    }
    ++published.count;
  }
  return published;
}

}  // namespace tessera
