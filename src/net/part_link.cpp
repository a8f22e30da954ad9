// SPDX-License-Identifier: Apache-2.0
#include "net/part_link.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera {

std::string put_part_by_link(HttpClient& http, const std::string& link, std::span<const std::byte> bytes,
                             const std::stop_token& stop) {
  HttpRequest request;
  request.method = "PUT";
  request.url = link;
  request.body.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const HttpResponse response = http.send(request, stop);
  if (response.status < 200 || response.status > 299) {
    throw Error(
        response.status == 401 || response.status == 403 ? ErrorCode::forbidden : ErrorCode::unavailable,
        fmt::format("The store answers status {} for a part of the result.", response.status));
  }
  return header_of(response, "etag");
}

}  // namespace tessera
