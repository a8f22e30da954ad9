// SPDX-License-Identifier: Apache-2.0
// An input that every rank knows, though perhaps only the root can read it.
#pragma once

#include <memory>

#include "comm/communicator.hpp"
#include "image/stream.hpp"
#include "process/image_input.hpp"

namespace tessera {

struct SharedSource {
  ImageInfo info;
  Metadata metadata;  ///< on the root alone, which writes
  /// On the root always; on all ranks if the image can be read in any order and every rank finds the same
  /// file.
  std::unique_ptr<Source> pixels;
};

/// Opens an image on the root, and on the other ranks where they can read it too. Collective; throws the same
/// Error on every rank.
[[nodiscard]] SharedSource open_shared(Communicator& comm, const ImageInput& input,
                                       const ReadOptions& options);

/// The root's tile, on every rank. Collective.
[[nodiscard]] Tile broadcast_tile(Communicator& comm, Tile tile);

/// Reads images that operators name: the root reads, because hosts may differ in what files they have, and
/// every rank gets the pixels. Calls of the loader are collective. `comm` must outlive it.
[[nodiscard]] ImageLoader shared_image_loader(Communicator& comm, const ReadOptions& options);

}  // namespace tessera
