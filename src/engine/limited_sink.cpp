// SPDX-License-Identifier: Apache-2.0
#include "engine/limited_sink.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera {

void LimitedSink::append(std::span<const std::byte> piece) {
  bytes_ += static_cast<std::int64_t>(piece.size());
  if (bytes_ > max_bytes_) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The result has more than the {} bytes that are allowed (max-output-bytes). Make "
                            "it smaller, choose a format that compresses better, or raise the limit.",
                            max_bytes_));
  }
  sink_.append(piece);
}

}  // namespace tessera
