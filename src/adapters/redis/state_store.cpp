// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/state_store.hpp"

#include "adapters/redis/state_parts.hpp"

namespace tessera {

StateStore open_redis_state_store(const std::string& url, const StateOptions& options) {
  const redis::Address address = redis::parse_address(url);
  return {redis::open_jobs(address, options), redis::open_events(address, options),
          redis::open_tokens(address), redis::open_nodes(address, options),
          redis::open_uploads(address, options)};
}

}  // namespace tessera
