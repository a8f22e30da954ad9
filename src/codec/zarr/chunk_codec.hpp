// SPDX-License-Identifier: Apache-2.0
// Compresses chunks of a Zarr array (version 2), as the codecs of numcodecs do.
#pragma once

#include <span>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "codec/writer.hpp"

namespace tessera {

/// Const members may be called from any thread.
class ChunkCodec {
 public:
  /// Throws Error(usage) for a compression that is not zstd, deflate or none.
  ChunkCodec(const TileFolderOptions& options, int bytes_per_sample);
  /// The file of a chunk, which is not empty. The same chunk gives the same bytes.
  [[nodiscard]] Bytes encode(Bytes chunk) const;
  /// Fills `chunk` from its file. False if the file is not what encode() made of a chunk of this size.
  [[nodiscard]] bool decode(std::span<const std::byte> file, std::span<std::byte> chunk) const;
  /// The "compressor" of the array's description.
  [[nodiscard]] Json description() const;

 private:
  TiffCompression compression_;
  int level_;
  int bytes_per_sample_;
};

}  // namespace tessera
