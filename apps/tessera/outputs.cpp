#include "outputs.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "codec/write/atomic_file.hpp"
#include "codec/writer.hpp"
#include "core/error.hpp"

namespace tessera::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view known_formats = "png, jpg, tif and webp";

/// For findings alone: the pixels go nowhere.
class NoSink final : public Sink {
 public:
  std::int64_t piece_rows() const override { return 64; }
  Bytes encode(const Tile&) const override { return {}; }
  void append(const Bytes&) override {}
  void finish() override {}
};

FileFormat chosen_format(const WorkItem& item, const ApplyOptions& options) {
  if (!options.format.empty()) {
    if (const auto format = format_from_extension(options.format)) {
      return *format;
    }
    throw Error(ErrorCode::usage,
                fmt::format("--format: '{}' is not written; {} are.", options.format, known_formats));
  }
  if (item.output == "-") {
    return FileFormat::png;
  }
  const std::string extension = fs::path(item.output).extension().string();
  if (const auto format = format_from_extension(extension)) {
    return *format;
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}': the extension '{}' names no format that is written; {} are. Or "
                          "give --format.",
                          item.output, extension, known_formats));
}

}  // namespace

std::string result_extension(const std::string& input, const ApplyOptions& options) {
  if (!options.format.empty()) {
    return std::string(format_extension(chosen_format({input, "-"}, options)));
  }
  const auto format = format_from_extension(fs::path(input).extension().string());
  return std::string(format_extension(format.value_or(FileFormat::png)));
}

std::unique_ptr<Sink> open_output(const WorkItem& item, const ImageInfo& info, const Metadata& metadata,
                                  const ApplyOptions& options, bool root) {
  if (item.output.empty()) {
    return std::make_unique<NoSink>();
  }
  WriteOptions write;
  write.format = chosen_format(item, options);
  write.quality = options.quality > 0 ? options.quality : write.quality;
  write.strip = options.strip;
  return root ? open_sink(item.output, info, metadata, write) : make_encoder(info, write);
}

std::int64_t written_bytes(const Sink& sink) {
  const auto* const file = dynamic_cast<const FileSink*>(&sink);
  return file == nullptr ? 0 : file->written_bytes();
}

void write_text(const std::string& file, const std::string& text) {
  AtomicFile out(file);
  out.write(std::as_bytes(std::span(text)));
  out.commit();
}

}  // namespace tessera::cli
