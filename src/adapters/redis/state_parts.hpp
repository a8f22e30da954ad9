// SPDX-License-Identifier: Apache-2.0
// The parts of the Redis state store, and what they share. Private to the adapter.
#pragma once

#include <memory>
#include <string>

#include "adapters/redis/connection.hpp"
#include "ports/job_store.hpp"

namespace tessera::redis {

/// Time format in arguments and sorted sets.
[[nodiscard]] inline std::string ms(TimePoint time) { return std::to_string(to_ms(time)); }

[[nodiscard]] std::unique_ptr<JobStore> open_jobs(const Address& address, const StateOptions& options);
[[nodiscard]] std::unique_ptr<EventLog> open_events(const Address& address, const StateOptions& options);
[[nodiscard]] std::unique_ptr<TokenStore> open_tokens(const Address& address);
[[nodiscard]] std::unique_ptr<NodeRegistry> open_nodes(const Address& address, const StateOptions& options);
[[nodiscard]] std::unique_ptr<UploadLedger> open_uploads(const Address& address, const StateOptions& options);

}  // namespace tessera::redis
