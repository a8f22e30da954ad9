// An input that every rank knows, though perhaps only the root can read it.
#pragma once

#include <memory>

#include "codec/reader.hpp"
#include "comm/communicator.hpp"
#include "core/stream.hpp"
#include "work.hpp"

namespace tessera::cli {

struct SharedSource {
  ImageInfo info;
  Metadata metadata;  ///< on the root alone, which writes
  /// On the root always; on all ranks if the image can be read in any order and every rank finds the same
  /// file.
  std::unique_ptr<Source> pixels;
};

/// Opens an item's input: a file, or standard input ("-", held in memory). Collective; throws the same Error
/// on every rank.
[[nodiscard]] SharedSource open_shared(Communicator& comm, const WorkItem& item, const ReadOptions& options);

/// The root's tile, on every rank. Collective.
[[nodiscard]] Tile broadcast_tile(Communicator& comm, Tile tile);

}  // namespace tessera::cli
