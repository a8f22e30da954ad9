// SPDX-License-Identifier: Apache-2.0
// Uploading a part of an object by a presigned link.
#pragma once

#include <span>
#include <stop_token>
#include <string>

#include "net/http_client.hpp"

namespace tessera {

/// PUTs the part, again after failures that may pass. Returns its entity tag. Throws Error: forbidden (the link is
/// refused), unavailable, cancelled when `stop` is requested.
std::string put_part_by_link(HttpClient& http, const std::string& link, std::span<const std::byte> bytes,
                             const std::stop_token& stop = {});

}  // namespace tessera
