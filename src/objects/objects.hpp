// SPDX-License-Identifier: Apache-2.0
// Objects in buckets and on web servers, opened for reading in ranges.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "net/http_client.hpp"
#include "ports/object_store.hpp"
#include "ranged/ranged_object.hpp"

namespace tessera {

/// `head_bytes` are read with the first request.
[[nodiscard]] OpenedObject open_stored_object(std::shared_ptr<ObjectStore> store, const std::string& name,
                                              std::int64_t head_bytes);

/// Redirections are followed. A server without ranges sends the whole file, of at most 1 GiB.
[[nodiscard]] OpenedObject open_web_object(const std::string& url, std::int64_t head_bytes);

/// Reads `count` bytes from `first` on of the file at `url`, as RangedObject::read() does; Error(cancelled) when
/// `stop` is requested.
void read_web_range(HttpClient& http, const std::string& url, const std::string& version, std::int64_t first,
                    std::int64_t count, ByteSink& out, const std::stop_token& stop);

}  // namespace tessera
