// SPDX-License-Identifier: Apache-2.0
#include "service/stream_tokens.hpp"

#include "service/openapi.hpp"

namespace tessera::service {

void mount_stream_tokens(http::Router& router, Access& access) {
  router.add(
      "POST", "/v1/stream-tokens", require_scope(access, Scope::read),
      [&access](http::Request& request) {
        const StreamToken token = access.new_stream_token(caller_of(request));
        return http::json_response(201, {{"token", token.token}, {"expires", to_iso8601(token.expires)}})
            .with("Cache-Control", "no-store");
      },
      operation({.id = "createStreamToken",
                 .tag = "Events",
                 .summary =
                     "A token for the query of /v1/events and /v1/events/socket, valid for five minutes: "
                     "browsers cannot send headers with EventSource and WebSocket.",
                 .answers = {{201, "The token.", "StreamToken"},
                             {409, "Authentication is disabled, so none is needed.", "Problem",
                              "application/problem+json"}}}));
}

}  // namespace tessera::service
