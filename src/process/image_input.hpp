// SPDX-License-Identifier: Apache-2.0
// Where an image comes from: a file, standard input, an object in a bucket or on a web server, an open file, memory.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "codec/io/objects.hpp"
#include "codec/reader.hpp"
#include "image/stream.hpp"
#include "ops/kinds.hpp"

namespace tessera {

/// Named by its path; "-" and other names of standard input, and pipes, are read into memory first.
struct InputFile {
  std::string path;
};
/// An object, opened when it is first read. All that read it read the same version.
class InputObject {
 public:
  using Opener = std::function<std::shared_ptr<const ObjectInput>()>;
  explicit InputObject(Opener opener) : opener_(std::move(opener)) {}
  /// By its URL.
  explicit InputObject(std::string url)
      : opener_([url = std::move(url)] { return objects_module().open(url); }) {}
  /// Throws what ObjectsModule::open(), or the opener, throws. Safe from several threads.
  [[nodiscard]] std::shared_ptr<const ObjectInput> open() const;

 private:
  Opener opener_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const ObjectInput> opened_;
};
/// Stays the caller's, who closes it after the image has been processed.
struct InputDescriptor {
  int descriptor = -1;
};
/// An encoded image; the bytes must stay alive until it has been processed.
struct InputBytes {
  std::span<const std::byte> bytes;
};
/// Pixels, with what goes with them.
struct InputPixels {
  Tile pixels;
  Metadata metadata = {};
};

struct ImageInput {
  std::variant<InputFile, std::shared_ptr<const InputObject>, InputDescriptor, InputBytes, InputPixels> from;
  std::string name;  ///< in sentences and reports

  /// `path` may be the URL of an object; its name is then without what may be secret.
  [[nodiscard]] static ImageInput file(std::string path);
};

/// Names a file that holds what came on standard input, for ranks that a launcher has started: mpirun 4.1 may
/// crash when it passes its own standard input on.
inline constexpr const char* stdin_variable = "TESSERA_STDIN";

/// The whole content of a file, a pipe or standard input ("-"), at most `max_bytes`. Throws Error(not_found,
/// io, limit_exceeded).
[[nodiscard]] Bytes read_all(const std::string& file, std::int64_t max_bytes);

/// Whether `file` is a pipe, such as the shell's <(command), which can be read only once and in order.
[[nodiscard]] bool is_pipe(const std::string& file);

/// Opens the image. Throws what open_image() throws.
[[nodiscard]] std::unique_ptr<Source> open_image(const ImageInput& input, const ReadOptions& options);

/// What the first bytes of an encoded image in a file, an open file or memory say that it is. Throws
/// Error(not_found, io, unsupported_input).
[[nodiscard]] Sniffed sniff_input(const ImageInput& input);

/// Whether another process, or this one once more, can open the same input.
[[nodiscard]] bool can_open_again(const ImageInput& input);

/// Bytes of the encoded image; 0 if they are not known before it is read.
[[nodiscard]] std::uint64_t encoded_bytes(const ImageInput& input);

/// Memory that the input takes at most beside what decoders hold: of an object ObjectInput::cache_bytes(), else 0.
[[nodiscard]] std::int64_t cache_bytes(const ImageInput& input);

/// What tells versions of an object apart; empty for other inputs.
[[nodiscard]] std::string version_of(const ImageInput& input);

/// Tells the input's content from another, without reading it: of a file its size, time of change and inode, of an
/// object its version. Nothing for standard input, pipes and memory.
[[nodiscard]] std::optional<std::string> identity_of(const ImageInput& input);

/// All pixels of an image.
[[nodiscard]] Tile read_whole(Source& source);

/// Reads images that operators name as parameters, from files.
[[nodiscard]] ImageLoader image_loader(const ReadOptions& options);

}  // namespace tessera
