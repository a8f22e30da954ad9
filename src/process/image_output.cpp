// SPDX-License-Identifier: Apache-2.0
#include "process/image_output.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/error.hpp"
#include "codec/io/atomic_file.hpp"
#include "codec/io/input.hpp"
#include "codec/io/objects.hpp"
#include "engine/memory_io.hpp"
#include "process/parted_sink.hpp"
#include "process/resumable_sink.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// Options that say something of formats that have tiles are refused where another format is written.
void check_for_tiles(FileFormat format, const OutputOptions& options) {
  const FileFormatInfo& info = format_info(format);
  const std::string_view of_tiles = options.compression     ? "compression"
                                    : options.level > 0     ? "level"
                                    : options.tile_size > 0 ? "tile"
                                                            : "";
  const std::string_view of_tiff = options.bigtiff ? "bigtiff" : options.pyramid ? "pyramid" : "";
  const std::string_view given = !of_tiff.empty() ? of_tiff : of_tiles;
  if (info.folder && options.pyramid) {
    throw Error(
        ErrorCode::usage,
        fmt::format("'pyramid' is an option of TIFF, and {} has smaller levels in any case: leave it out.",
                    info.name));
  }
  if (format != FileFormat::tiff && !given.empty() && !(info.folder && of_tiff.empty())) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is an option of TIFF, and the result is {}: leave it out, or choose the "
                            "format tif.",
                            given, info.name));
  }
}

/// `compression` is what the tiles will have.
void check_level(int level, TiffCompression compression) {
  const bool deflate = compression == TiffCompression::deflate;
  if (level > 0 && !deflate && compression != TiffCompression::zstd) {
    throw Error(ErrorCode::usage, "'level' goes with the compressions deflate and zstd: leave it out.");
  }
  if (deflate && level > max_deflate_level) {
    throw Error(ErrorCode::usage,
                fmt::format("'level' is {}; deflate has levels from 1 to {}.", level, max_deflate_level));
  }
}

TiffOptions tiff_options(const OutputOptions& options) {
  TiffOptions tiff;
  tiff.compression = options.compression.value_or(tiff.compression);
  tiff.level = options.level;
  tiff.tile_px = options.tile_size > 0 ? options.tile_size : tiff.tile_px;
  tiff.big = options.bigtiff;
  tiff.pyramid = options.pyramid;
  check_level(tiff.level, tiff.compression);
  return tiff;
}

TileFolderOptions folder_options(FileFormat format, const OutputOptions& options) {
  TileFolderOptions folder;
  folder.compression = options.compression.value_or(format == FileFormat::ome_zarr ? TiffCompression::zstd
                                                                                   : TiffCompression::jpeg);
  folder.level = options.level;
  folder.tile_px = options.tile_size > 0 ? options.tile_size : folder.tile_px;
  check_level(folder.level, *folder.compression);
  return folder;
}

WriteOptions write_options(FileFormat format, const OutputOptions& options) {
  check_for_tiles(format, options);
  WriteOptions write;
  write.format = format;
  write.quality = options.quality > 0 ? options.quality : write.quality;
  write.strip = options.strip;
  if (format_info(format).folder) {
    write.folder = folder_options(format, options);
  } else {
    write.tiff = tiff_options(options);
  }
  return write;
}

/// The writers write into files, so a result in memory is a file that lies there.
FileDescriptor make_memory_file() {
  FileDescriptor file(::memfd_create("tessera-result", MFD_CLOEXEC));
  if (!file) {
    throw Error(ErrorCode::io,
                fmt::format("A file in memory cannot be made: {}.", std::generic_category().message(errno)));
  }
  return file;
}

/// An object is made in a file that never gets a name.
std::unique_ptr<AtomicFile> open_parted_file(const ImageOutput& output) {
  const auto* const parts = std::get_if<OutputParts>(&output.to);
  return parts == nullptr ? AtomicFile::make_temporary(output.name)
                          : std::make_unique<AtomicFile>(parts->path, output.name);
}

Bytes content_of(int descriptor) {
  const auto input = open_descriptor_input(descriptor, "the result");
  Bytes bytes(static_cast<std::size_t>(input->size()));
  if (!input->read_all_at(0, bytes)) {
    throw Error(ErrorCode::io, "A result cannot be read back from memory.");
  }
  return bytes;
}

}  // namespace

ImageOutput ImageOutput::file(std::string path) {
  if (path.empty()) {
    return {NoOutput{}};
  }
  if (is_object_url(path)) {
    std::string shown = shown_name(path);
    return {OutputObject{std::move(path)}, std::move(shown)};
  }
  return {OutputFile{std::move(path)}};
}

FileFormat result_format(const std::string& path, const OutputOptions& options) {
  if (options.format) {
    return *options.format;
  }
  if (path == "-") {
    return FileFormat::png;
  }
  const std::string extension = fs::path(object_path(path)).extension().string();
  if (const auto format = format_from_extension(extension, FormatKinds::files_and_folders)) {
    return *format;
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}': the extension '{}' names no format that is written; {} are. Or "
                          "give --format.",
                          path, extension, known_formats(FormatKinds::files_and_folders)),
              path);
}

std::string result_extension(const std::string& input, const OutputOptions& options) {
  const auto named = format_from_extension(fs::path(object_path(input)).extension().string());
  return std::string(format_extension(options.format.value_or(named.value_or(FileFormat::png))));
}

ResultSink::ResultSink(const ImageOutput& output, const ImageInfo& info, const Metadata& metadata,
                       const OutputOptions& options, bool root, const std::string& resume_key)
    : output_(output) {
  if (std::holds_alternative<NoOutput>(output.to)) {
    sink_ = std::make_unique<NullSink>();
  } else if (std::holds_alternative<OutputPixels>(output.to)) {
    sink_ = std::make_unique<TileSink>(info);
  } else {
    const WriteOptions write = write_options(format(options), options);
    if (format_info(write.format).folder && !std::holds_alternative<OutputFile>(output.to)) {
      throw Error(
          ErrorCode::usage,
          fmt::format("{} cannot be {}: it is a folder of many files, and only a local path can be one. "
                      "Write it there and copy the folder, or choose another format.",
                      output.name.empty() ? "The result" : fmt::format("'{}'", output.name),
                      format_info(write.format).name));
    }
    PartTransfers* transfers = nullptr;
    if (const auto* const object = std::get_if<OutputObject>(&output.to)) {
      object_ = std::make_unique<ObjectTransfers>(
          root ? objects_module().begin_upload(object->url, format_info(write.format).media_type) : nullptr);
      transfers = object_.get();
    } else if (const auto* const parts = std::get_if<OutputParts>(&output.to)) {
      transfers = parts->transfers;
    }
    if (transfers != nullptr) {
      sink_ = root ? std::make_unique<PartedSink>(open_parted_file(output), info, metadata, write, *transfers)
                   : std::make_unique<PartedSink>(info, write, *transfers);
      return;
    }
    if (!root) {
      sink_ = make_encoder(info, write);
      return;
    }
    if (const auto* const file = std::get_if<OutputFile>(&output.to)) {
      if (!resume_key.empty()) {
        sink_ = std::make_unique<ResumableSink>(file->path, output.name, info, metadata, write, resume_key);
        return;
      }
      sink_ = open_sink(file->path, info, metadata, write, output.name);
      return;
    }
    memory_file_ = make_memory_file();
    sink_ = open_sink(fmt::format("/proc/self/fd/{}", memory_file_.get()), info, metadata, write,
                      output.name.empty() ? "the result" : output.name);
  }
}

FileFormat ResultSink::format(const OutputOptions& options) const {
  if (const auto* const file = std::get_if<OutputFile>(&output_.to)) {
    return result_format(file->path, options);
  }
  if (const auto* const object = std::get_if<OutputObject>(&output_.to)) {
    return result_format(object->url, options);
  }
  if (const auto* const parts = std::get_if<OutputParts>(&output_.to)) {
    return result_format(parts->path, options);
  }
  return options.format.value_or(FileFormat::png);
}

Pyramid* ResultSink::pyramid() {
  auto* const file = dynamic_cast<FileSink*>(sink_.get());
  return file == nullptr ? nullptr : file->pyramid();
}

ResumableSink* ResultSink::resumable() { return dynamic_cast<ResumableSink*>(sink_.get()); }

std::int64_t ResultSink::deliver() {
  const auto* const file = dynamic_cast<const FileSink*>(sink_.get());
  const std::int64_t bytes = file == nullptr ? 0 : file->written_bytes();
  if (const auto* const pixels = std::get_if<OutputPixels>(&output_.to)) {
    *pixels->pixels = dynamic_cast<const TileSink&>(*sink_).image();
  } else if (const auto* const memory = std::get_if<OutputBytes>(&output_.to)) {
    *memory->bytes = content_of(memory_file_.get());
  } else if (object_) {
    object_->finish(dynamic_cast<const PartedSink&>(*sink_).descriptor(), bytes);
  }
  return bytes;
}

void write_text(const std::string& file, const std::string& text) {
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(text)));
  out.commit();
}

}  // namespace tessera
