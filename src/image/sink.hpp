// SPDX-License-Identifier: Apache-2.0
// Where pixels go. The engine encodes pieces on all ranks and hands them to a Sink, or lets each rank write
// its own; codecs and tests implement it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "image/image.hpp"

namespace tessera {

/// A piece of a result as encode() made it.
struct EncodedPiece {
  Bytes body;   ///< its bytes in the result, which the bodies of its neighbours touch
  Bytes index;  ///< what the root must know to complete the result, such as sizes and checksums: little
};

/// What encoding takes beside the pixels of a piece and what is made of them, in bytes. An estimate.
struct EncodingCost {
  std::int64_t piece = 0;  ///< held by encode() for a full piece
  double bodies = 0;       ///< and this multiple of its result's bytes
  std::int64_t index = 0;  ///< of the index of a full piece
  std::int64_t root = 0;   ///< held by the root's sink in the end
};

class SharedParts;

/// A result that several processes write into, each at places of its own. The root has it from the start; other
/// ranks join it.
class SharedOutput {
 public:
  virtual ~SharedOutput() = default;
  /// If it can also be uploaded in parts by ranks that could not join; the same on every rank. Null: it cannot.
  [[nodiscard]] virtual SharedParts* parts() { return nullptr; }
  /// Root: what another process needs to join. `by_name`: also from other machines, through a hidden name in
  /// the result's folder. Empty if nobody can. Throws nothing that is not a lack of memory.
  [[nodiscard]] virtual std::string invite(bool by_name) = 0;
  /// Another rank: whether the result could be opened from here, and is the one meant.
  [[nodiscard]] virtual bool join(const std::string& invitation) = 0;
  /// Root: after the last join(), however it ended.
  virtual void end_invitation() = 0;
  /// Root: where the body of the next piece belongs.
  [[nodiscard]] virtual std::int64_t position() const = 0;
  /// Whether write_at() and flush() may take long, so that they are called on a thread of their own while the rank works.
  [[nodiscard]] virtual bool takes_long() const { return true; }
  /// Another rank, after join(): writes a piece whose body belongs at `offset`. From any thread. Throws Error(io).
  virtual void write_at(std::int64_t offset, const EncodedPiece& piece) = 0;
  /// Another rank, after its last write: makes what it wrote visible to the root. Throws Error(io).
  virtual void flush() = 0;
};

/// An image that is written as a row of independently encoded pieces. encode() may run on any thread of any
/// rank; append(), skip() and finish() run only on the root rank, one call at a time, and append() and skip()
/// together once for each piece, from top to bottom. A Sink destroyed before finish() leaves nothing behind.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Rows of one piece: pieces start at multiples of this and hold this many rows, the last one perhaps
  /// fewer. It depends on the image alone, so that the written bytes do not depend on ranks, threads or
  /// strips.
  [[nodiscard]] virtual std::int64_t piece_rows() const = 0;
  /// Encodes one full-width piece. Thread-safe, no side effects.
  [[nodiscard]] virtual EncodedPiece encode(const Tile& piece) const = 0;
  [[nodiscard]] virtual EncodingCost encoding_cost() const { return {}; }
  /// Writes the next piece.
  virtual void append(const EncodedPiece& piece) = 0;
  /// Notes the next piece, whose body another rank writes at shared()->position(). Never the first piece.
  /// Only where shared() is not null.
  virtual void skip(std::span<const std::byte> index, std::int64_t body_bytes);
  /// The bodies of the first `count` pieces that append() and skip() were called with are in the result's file. Called
  /// from time to time, on the root.
  virtual void pieces_written(std::int64_t /*count*/) {}
  /// After the last piece: makes the result complete and visible.
  virtual void finish() = 0;
  /// The result, where ranks can write their own pieces into it; on every rank. Null: all goes through the
  /// root.
  [[nodiscard]] virtual SharedOutput* shared() { return nullptr; }
  /// What the format cannot hold and was left out or converted, a sentence each. Complete after finish().
  [[nodiscard]] virtual std::vector<std::string> warnings() const { return {}; }
};

}  // namespace tessera
