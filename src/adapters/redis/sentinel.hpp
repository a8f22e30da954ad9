// SPDX-License-Identifier: Apache-2.0
// Finds the primary that Redis Sentinel has chosen. Private to the adapter.
#pragma once

#include <chrono>
#include <cstddef>

#include "adapters/redis/address.hpp"

namespace tessera::redis {

/// How old the sentinels' answer may be while a connection is in use.
inline constexpr std::chrono::seconds sentinel_check_interval{10};

/// What sentinel number `number` names as the primary. Throws Broken if it does not answer within `timeout` or
/// does not know it; Error(usage, forbidden) if it is no sentinel or rejects the password.
[[nodiscard]] Endpoint primary_named_by(const Address& address, std::size_t number,
                                        std::chrono::milliseconds timeout);

/// Asks one sentinel after the other, from number `first` on, and sets `first` to the one that answered. Waits
/// for each up to `timeout`, at most two seconds. Throws Broken with what each of them said if none names the
/// primary; otherwise as primary_named_by() does.
[[nodiscard]] Endpoint find_primary(const Address& address, std::chrono::milliseconds timeout,
                                    std::size_t& first);

}  // namespace tessera::redis
