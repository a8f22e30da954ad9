// SPDX-License-Identifier: Apache-2.0
#include "process/image_input.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "codec/common/openers.hpp"
#include "codec/io/output_target.hpp"
#include "engine/memory_io.hpp"

namespace tessera {
namespace {

constexpr std::size_t first_read_bytes = 64 * 1024;

using ObjectPtr = std::shared_ptr<const InputObject>;

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
// Clang 14 does not deduce the arguments of aggregates.
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

[[noreturn]] void fail_to_read(const std::string& name, int reason) {
  throw Error(reason == ENOENT ? ErrorCode::not_found : ErrorCode::io,
              fmt::format("Cannot read {}: {}.", name, std::generic_category().message(reason)));
}

}  // namespace

std::shared_ptr<const ObjectInput> InputObject::open() const {
  const std::scoped_lock lock(mutex_);
  if (!opened_) {
    opened_ = opener_();
  }
  return opened_;
}

ImageInput ImageInput::file(std::string path) {
  if (is_object_url(path)) {
    std::string shown = shown_name(path);
    return {std::make_shared<const InputObject>(std::move(path)), std::move(shown)};
  }
  std::string name = path;
  return {InputFile{std::move(path)}, std::move(name)};
}

Bytes read_all(const std::string& file, std::int64_t max_bytes) {
  const bool from_stdin = file == "-";
  const std::string name = from_stdin ? "standard input" : fmt::format("'{}'", file);
  const char* const spooled = from_stdin ? std::getenv(stdin_variable) : nullptr;
  FileDescriptor opened;
  if (!from_stdin || spooled != nullptr) {
    opened.reset(::open(spooled != nullptr ? spooled : file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
      fail_to_read(name, errno);
    }
  }
  const int descriptor = opened ? opened.get() : STDIN_FILENO;
  Bytes content;
  std::size_t filled = 0;
  while (true) {
    if (filled == content.size()) {
      content.resize(std::max(first_read_bytes, content.size() * 2));
    }
    const ssize_t count = ::read(descriptor, content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      fail_to_read(name, errno);
    }
    if (count == 0) {
      break;
    }
    filled += static_cast<std::size_t>(count);
    if (static_cast<std::int64_t>(filled) > max_bytes) {
      throw Error(ErrorCode::limit_exceeded,
                  fmt::format("{} has more than the {} allowed.", name, bytes_text(max_bytes)));
    }
  }
  content.resize(filled);
  return content;
}

bool is_pipe(const std::string& file) {
  std::error_code ignored;
  const auto type = std::filesystem::status(file, ignored).type();
  return file != "-" &&
         (type == std::filesystem::file_type::fifo || type == std::filesystem::file_type::socket);
}

Sniffed sniff_input(const ImageInput& input) {
  std::array<std::byte, sniff_bytes> head{};
  const auto sniff_head = [&head](const InputPtr& encoded) {
    return sniff(std::span(head).first(encoded->read_at(0, head)));
  };
  return std::visit(
      Overloaded{[&](const InputFile& file) { return sniff_head(open_file_input(file.path, input.name)); },
                 [&](const ObjectPtr& object) { return sniff_head(object->open()); },
                 [&](const InputDescriptor& file) {
                   return sniff_head(open_descriptor_input(file.descriptor, input.name));
                 },
                 [&](const InputBytes& memory) {
                   return sniff(memory.bytes.first(std::min(memory.bytes.size(), sniff_bytes)));
                 },
                 [&](const InputPixels&) { return Sniffed{}; }},
      input.from);
}

std::unique_ptr<Source> open_image(const ImageInput& input, const ReadOptions& options) {
  return std::visit(
      Overloaded{[&](const InputFile& file) {
                   const bool from_stdin = is_standard_input(file.path);
                   if (from_stdin || is_pipe(file.path)) {
                     return open_image(read_all(from_stdin ? "-" : file.path, options.limits.max_file_bytes),
                                       options,
                                       from_stdin ? "standard input" : fmt::format("'{}'", input.name));
                   }
                   return open_input(open_file_input(file.path, input.name), options);
                 },
                 [&](const ObjectPtr& object) { return open_input(object->open(), options); },
                 [&](const InputDescriptor& file) {
                   return open_input(open_descriptor_input(file.descriptor, input.name), options);
                 },
                 [&](const InputBytes& memory) {
                   return open_image(memory.bytes, options, fmt::format("'{}'", input.name));
                 },
                 [&](const InputPixels& memory) -> std::unique_ptr<Source> {
                   return std::make_unique<TileSource>(memory.pixels, memory.metadata);
                 }},
      input.from);
}

bool can_open_again(const ImageInput& input) {
  const auto* const file = std::get_if<InputFile>(&input.from);
  return file == nullptr || (!is_standard_input(file->path) && !is_pipe(file->path));
}

std::uint64_t encoded_bytes(const ImageInput& input) {
  struct stat status {};
  const int failed =
      std::visit(Overloaded{[&](const InputFile& file) { return ::stat(file.path.c_str(), &status); },
                            [&](const ObjectPtr& object) {
                              status.st_size = object->open()->size();
                              return 0;
                            },
                            [&](const InputDescriptor& file) { return ::fstat(file.descriptor, &status); },
                            [&](const InputBytes& memory) {
                              status.st_size = static_cast<off_t>(memory.bytes.size());
                              return 0;
                            },
                            [&](const InputPixels&) { return -1; }},
                 input.from);
  return failed != 0 ? 0 : static_cast<std::uint64_t>(status.st_size);
}

std::int64_t cache_bytes(const ImageInput& input) {
  const auto* const object = std::get_if<ObjectPtr>(&input.from);
  return object == nullptr ? 0 : (*object)->open()->cache_bytes();
}

std::string version_of(const ImageInput& input) {
  const auto* const object = std::get_if<ObjectPtr>(&input.from);
  return object == nullptr ? std::string() : (*object)->open()->version();
}

std::optional<std::string> identity_of(const ImageInput& input) {
  struct stat status {};
  if (std::holds_alternative<ObjectPtr>(input.from)) {
    return version_of(input);
  }
  const auto* const file = std::get_if<InputFile>(&input.from);
  if (file == nullptr || !can_open_again(input) || ::stat(file->path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  return fmt::format("{} bytes, {}.{:09}, inode {}", status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec, status.st_ino);
}

Tile read_whole(Source& source) {
  Tile tile = Tile::allocate(Rect::whole(source.info().extent), source.info().format);
  source.read_rows(tile);
  return tile;
}

ImageLoader image_loader(const ReadOptions& options) {
  return
      [options](const std::string& name) { return read_whole(*open_image(ImageInput::file(name), options)); };
}

}  // namespace tessera
