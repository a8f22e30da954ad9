// SPDX-License-Identifier: Apache-2.0
// The job queue on RabbitMQ (3.10 or later): two quorum queues, because quorum queues of 3.10 have no
// priorities, and one for dead letters.
#pragma once

#include <memory>

#include "adapters/rabbitmq/broker_address.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

/// Connects in the background to one of the brokers of a cluster, and to the next one whenever the connection
/// is lost; this call does not wait for it.
///
/// The broker's consumer_timeout closes the connection of a consumer that holds a message longer, so it must
/// exceed the longest job: see deploy/rabbitmq/rabbitmq.conf. QueueDepth::unacknowledged counts only this
/// object's deliveries, because AMQP does not report those of others. All users of the same queues must use
/// the same delivery limit.
[[nodiscard]] std::unique_ptr<JobQueue> open_rabbitmq_job_queue(std::vector<BrokerAddress> addresses,
                                                                const QueueOptions& options);

}  // namespace tessera
