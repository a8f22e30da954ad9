// SPDX-License-Identifier: Apache-2.0
// Access to the dead-letter queue. Each call uses its own connection and locks the queue, so that concurrent
// readers do not miss letters that another has received.
#pragma once

#include <string>
#include <vector>

#include "adapters/rabbitmq/broker_address.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

/// Returns the oldest `limit` letters. Throws Error(unavailable).
[[nodiscard]] std::vector<DeadLetter> list_dead_letters(const BrokerAddress& address, int delivery_limit,
                                                        int limit);

/// Removes the letter with that id; if `retry`, publishes its message again first. False if there is none.
/// Throws Error(unavailable), and Error(conflict) for a retry of a message that names no job.
bool remove_dead_letter(const BrokerAddress& address, const QueueOptions& options, const std::string& id,
                        bool retry);

}  // namespace tessera
