// SPDX-License-Identifier: Apache-2.0
#include "process/shared_source.hpp"

#include <array>
#include <functional>
#include <span>

#include "base/error.hpp"

namespace tessera {
namespace {

/// What the ranks compare to know that they look at the same file.
struct Header {
  ImageInfo info;
  std::uint64_t file_bytes = 0;
  std::uint64_t version = 0;  ///< of an object, by a hash
  bool random_access = false;
};

using PackedHeader = std::array<std::uint64_t, 8>;

PackedHeader pack(const Header& header) {
  return {static_cast<std::uint64_t>(header.info.extent.width),
          static_cast<std::uint64_t>(header.info.extent.height),
          static_cast<std::uint64_t>(header.info.format.depth),
          static_cast<std::uint64_t>(header.info.format.channels),
          static_cast<std::uint64_t>(header.info.format.alpha),
          header.file_bytes,
          header.version,
          static_cast<std::uint64_t>(header.random_access)};
}

Header unpack(const PackedHeader& packed) {
  Header header;
  header.info.extent = {static_cast<std::int64_t>(packed[0]), static_cast<std::int64_t>(packed[1])};
  header.info.format = {static_cast<Depth>(packed[2]), static_cast<int>(packed[3]), packed[4] != 0};
  header.file_bytes = packed[5];
  header.version = packed[6];
  header.random_access = packed[7] != 0;
  return header;
}

/// Salvaged images are read by the root alone, which then knows of all that is missing.
Header header_of(const ImageInput& input, const Source& source, const ReadOptions& options) {
  const bool by_all = source.random_access() && can_open_again(input) && !options.salvage;
  return {source.info(), encoded_bytes(input), std::hash<std::string>{}(version_of(input)), by_all};
}

Header broadcast_header(Communicator& comm, const Header& header) {
  PackedHeader packed = pack(header);
  comm.broadcast(std::as_writable_bytes(std::span(packed)), 0);
  return unpack(packed);
}

/// A rank other than the root opens the file itself; null if it is not the same.
std::unique_ptr<Source> open_again(const ImageInput& input, const ReadOptions& options,
                                   const Header& expected) {
  try {
    auto source = open_image(input, options);
    return pack(header_of(input, *source, options)) == pack(expected) ? std::move(source) : nullptr;
  } catch (const Error&) {
    return nullptr;  // a host without the file: the root will send the rows
  }
}

}  // namespace

SharedSource open_shared(Communicator& comm, const ImageInput& input, const ReadOptions& options) {
  SharedSource shared;
  Header header;
  collective_try(comm, [&] {
    if (comm.root()) {
      shared.pixels = open_image(input, options);
      header = header_of(input, *shared.pixels, options);
      shared.metadata = shared.pixels->metadata();
    }
  });
  if (comm.size() == 1) {
    shared.info = header.info;
    return shared;
  }
  header = broadcast_header(comm, header);
  shared.info = header.info;
  if (header.random_access) {
    if (!comm.root()) {
      shared.pixels = open_again(input, options, header);
    }
    std::uint64_t missing = shared.pixels ? 0 : 1;
    comm.all_reduce(std::span(&missing, 1), Merge::maximum);
    if (missing != 0 && !comm.root()) {
      shared.pixels = nullptr;
    }
  }
  return shared;
}

Tile broadcast_tile(Communicator& comm, Tile tile) {
  if (comm.size() == 1) {
    return tile;
  }
  Header header;
  if (comm.root()) {
    header.info = tile.info();
  }
  header = broadcast_header(comm, header);
  if (!comm.root()) {
    tile = Tile::allocate(Rect::whole(header.info.extent), header.info.format);
  }
  for (cv::Mat* plane : {&tile.color, &tile.alpha}) {
    for (int row = 0; row < plane->rows; ++row) {
      comm.broadcast(std::as_writable_bytes(std::span(
                         plane->ptr(row), static_cast<std::size_t>(plane->cols) * plane->elemSize())),
                     0);
    }
  }
  return tile;
}

ImageLoader shared_image_loader(Communicator& comm, const ReadOptions& options) {
  return [&comm, load = image_loader(options)](const std::string& name) {
    Tile tile;
    collective_try(comm, [&] {
      if (comm.root()) {
        tile = load(name);
      }
    });
    return broadcast_tile(comm, std::move(tile));
  };
}

}  // namespace tessera
