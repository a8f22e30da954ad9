#include "pipelines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "codec/write/output_target.hpp"
#include "core/error.hpp"
#include "plan/presets_file.hpp"
#include "text.hpp"

namespace tessera::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string presets_file_in_home() {
  const std::string config = environment("XDG_CONFIG_HOME");
  const std::string home = environment("HOME");
  if (config.empty() && home.empty()) {
    return {};
  }
  const auto file =
      std::filesystem::path(config.empty() ? home + "/.config" : config) / "tessera/presets.json";
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? file.string() : std::string();
}

}  // namespace

Bytes read_all(const std::string& file, std::int64_t max_bytes) {
  const bool from_stdin = file == "-";
  const std::string name = from_stdin ? "standard input" : fmt::format("'{}'", file);
  const std::string spooled = from_stdin ? environment(stdin_variable) : std::string();
  const int descriptor = from_stdin && spooled.empty()
                             ? STDIN_FILENO
                             : ::open((from_stdin ? spooled : file).c_str(), O_RDONLY | O_CLOEXEC);
  const auto fail = [&](int reason) {
    throw Error(reason == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("Cannot read {}: {}.", name, std::generic_category().message(reason)));
  };
  if (descriptor < 0) {
    fail(errno);
  }
  Bytes content;
  std::size_t filled = 0;
  int reason = 0;
  bool too_big = false;
  while (true) {
    if (filled == content.size()) {
      content.resize(std::max<std::size_t>(64 * 1024, content.size() * 2));
    }
    const ssize_t count = ::read(descriptor, content.data() + filled, content.size() - filled);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      reason = errno;
    }
    filled += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    too_big = static_cast<std::int64_t>(filled) > max_bytes;
    if (count <= 0 || too_big) {
      break;
    }
  }
  if (descriptor != STDIN_FILENO) {
    ::close(descriptor);
  }
  if (reason != 0) {
    fail(reason);
  }
  if (too_big) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("{} has more than the {} allowed.", name, bytes_text(max_bytes)));
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

std::unique_ptr<Source> open_input_image(const std::string& file, const ReadOptions& options) {
  if (is_standard_input(file)) {
    return open_image(read_all("-", options.limits.max_file_bytes), options, "standard input");
  }
  if (is_pipe(file)) {
    return open_image(read_all(file, options.limits.max_file_bytes), options, fmt::format("'{}'", file));
  }
  return open_image(std::filesystem::path(file), options);
}

Presets load_presets(const std::string& file) {
  std::string chosen = file.empty() ? environment("TESSERA_PRESETS") : file;
  if (chosen.empty()) {
    chosen = presets_file_in_home();
  }
  return chosen.empty() ? Presets{} : read_presets(chosen);
}

ImageLoader image_loader(const ReadOptions& options) {
  return [options](const std::string& name) {
    const auto source = open_input_image(name, options);
    Tile tile = Tile::allocate(Rect::whole(source->info().extent), source->info().format);
    source->read_rows(tile);
    return tile;
  };
}

}  // namespace tessera::cli
