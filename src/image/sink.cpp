// SPDX-License-Identifier: Apache-2.0
#include "image/sink.hpp"

#include "base/error.hpp"

namespace tessera {

void Sink::skip(std::span<const std::byte>, std::int64_t) {
  throw Error(ErrorCode::internal, "A piece was left out of a result that only the root writes.");
}

}  // namespace tessera
