// SPDX-License-Identifier: Apache-2.0
// A sink whose result may only have so many bytes.
#pragma once

#include <cstdint>

#include "image/sink.hpp"

namespace tessera {

/// Hands everything on to `sink`. append() and skip() throw Error(limit_exceeded) when the pieces together
/// have more than `max_bytes`; what has been written then never becomes visible.
class LimitedSink final : public Sink {
 public:
  /// `sink` must outlive it.
  LimitedSink(Sink& sink, std::int64_t max_bytes) : sink_(sink), max_bytes_(max_bytes) {}
  std::int64_t piece_rows() const override { return sink_.piece_rows(); }
  EncodedPiece encode(const Tile& piece) const override { return sink_.encode(piece); }
  void append(const EncodedPiece& piece) override;
  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override;
  void pieces_written(std::int64_t count) override { sink_.pieces_written(count); }
  SharedOutput* shared() override { return sink_.shared(); }
  void finish() override { sink_.finish(); }
  std::vector<std::string> warnings() const override { return sink_.warnings(); }

 private:
  void count(std::int64_t bytes);

  Sink& sink_;
  std::int64_t max_bytes_;
  std::int64_t bytes_ = 0;
};

}  // namespace tessera
