// The durable line of jobs on RabbitMQ (3.10 or later): two quorum queues, as quorum queues of 3.10 know no
// priorities, and one more for dead letters.
#pragma once

#include <memory>

#include "adapters/rabbitmq/broker_address.hpp"
#include "ports/job_queue.hpp"

namespace tessera {

/// Connects in the background, and again whenever the connection is lost; nothing waits for that here.
///
/// The broker's consumer_timeout ends the connection of a taker that holds a message longer than that, so it
/// must be longer than any job may take: see deploy/rabbitmq/rabbitmq.conf. QueueDepth::taken counts what
/// this object has, as the broker does not tell of others by AMQP. All users of the same queues must give the
/// same delivery limit.
[[nodiscard]] std::unique_ptr<JobQueue> open_rabbitmq_job_queue(const BrokerAddress& address,
                                                                const QueueOptions& options);

}  // namespace tessera
