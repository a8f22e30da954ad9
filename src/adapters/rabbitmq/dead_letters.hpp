// Looking into the queue of dead letters. Each call has a connection of its own and holds the queue for
// itself meanwhile, so that nobody takes a letter that another is only looking at for gone.
#pragma once

#include <string>
#include <vector>

#include "adapters/rabbitmq/broker_address.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

/// The oldest `limit`. Throws Error(unavailable).
[[nodiscard]] std::vector<DeadLetter> list_dead_letters(const BrokerAddress& address, int delivery_limit,
                                                        int limit);

/// Takes the letter of that id out of the queue; first publishes its message again if `retry`. False if there
/// is none. Throws Error(unavailable), and Error(conflict) for a retry of what is no message of ours.
bool remove_dead_letter(const BrokerAddress& address, const QueueOptions& options, const std::string& id,
                        bool retry);

}  // namespace tessera
