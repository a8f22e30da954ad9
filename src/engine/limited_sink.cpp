// SPDX-License-Identifier: Apache-2.0
#include "engine/limited_sink.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace tessera {

void LimitedSink::append(const EncodedPiece& piece) {
  count(static_cast<std::int64_t>(piece.body.size()));
  sink_.append(piece);
}

void LimitedSink::skip(std::span<const std::byte> index, std::int64_t body_bytes) {
  count(body_bytes);
  sink_.skip(index, body_bytes);
}

void LimitedSink::count(std::int64_t bytes) {
  bytes_ += bytes;
  if (bytes_ > max_bytes_) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The result has more than the {} bytes that are allowed (max-output-bytes). Make "
                            "it smaller, choose a format that compresses better, or raise the limit.",
                            max_bytes_));
  }
}

}  // namespace tessera
