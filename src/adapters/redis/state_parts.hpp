// The parts of the Redis state store. Inside of the adapter only.
#pragma once

#include <memory>

#include "adapters/redis/connection.hpp"
#include "ports/job_store.hpp"

namespace tessera::redis {

[[nodiscard]] std::unique_ptr<JobStore> open_jobs(const Address& address, const StateOptions& options);
[[nodiscard]] std::unique_ptr<EventLog> open_events(const Address& address);
[[nodiscard]] std::unique_ptr<TokenStore> open_tokens(const Address& address);
[[nodiscard]] std::unique_ptr<NodeRegistry> open_nodes(const Address& address, const StateOptions& options);
[[nodiscard]] std::unique_ptr<UploadLedger> open_uploads(const Address& address, const StateOptions& options);

}  // namespace tessera::redis
