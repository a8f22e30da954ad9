// SPDX-License-Identifier: Apache-2.0
// POST /v1/stream-tokens: for browsers, which cannot send headers with EventSource and WebSocket.
#pragma once

#include "http/router.hpp"
#include "service/access.hpp"

namespace tessera::service {

void mount_stream_tokens(http::Router& router, Access& access);

}  // namespace tessera::service
