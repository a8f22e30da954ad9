// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <functional>

#include "codec/common/openers.hpp"
#include "codec/common/orientation.hpp"
#include "codec/metadata/exif.hpp"
#include "codec/metadata/xmp.hpp"
#include "codec/reader.hpp"
#include "codec/vips/vips.hpp"

namespace tessera {
namespace {

// The source with metadata that are true of what it gives: upright, and of this picture alone.
class CleanSource final : public Source {
 public:
  CleanSource(std::unique_ptr<Source> source, StoredImage stored, bool keep_metadata)
      : source_(std::move(source)), warnings_(std::move(stored.warnings)) {
    if (stored.metadata) {
      metadata_ = std::move(*stored.metadata);
      metadata_.icc = source_->metadata().icc;
    } else {
      metadata_ = source_->metadata();
    }
    take_resolution(stored.orientation >= 5);
    if (!keep_metadata) {
      const Resolution resolution = metadata_.resolution;
      metadata_ = {};
      metadata_.resolution = resolution;
    }
    clean();
  }
  const ImageInfo& info() const override { return source_->info(); }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return source_->random_access(); }
  std::int64_t working_bytes() const override { return source_->working_bytes(); }
  void read_rows(Tile& out) override { source_->read_rows(out); }
  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override {
    return source_->read_rows_deferred(out);
  }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    source_->read_ahead(rows, max_bytes);
  }
  bool reduce(int factor) override { return source_->reduce(factor); }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = warnings_;
    const std::vector<std::string> more = source_->warnings();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

 private:
  void take_resolution(bool turned) {
    Resolution& resolution = metadata_.resolution;
    const bool square = resolution.unit == Resolution::Unit::ratio && resolution.x == resolution.y;
    if (!resolution.known() || square) {
      resolution = exif_resolution(metadata_.exif);
    }
    if (turned) {
      resolution = resolution.turned();
    }
  }

  void clean() {
    if (!metadata_.exif.empty()) {
      CleanExif exif = clean_exif(metadata_.exif);
      if (exif.bytes.empty()) {
        warnings_.emplace_back("EXIF was left out: it is damaged.");
      } else if (exif.damaged) {
        warnings_.emplace_back("Some EXIF tags are damaged and were left out.");
      }
      metadata_.exif = std::move(exif.bytes);
    }
    if (!metadata_.xmp.empty()) {
      std::optional<Bytes> xmp = clean_xmp(metadata_.xmp);
      if (!xmp) {
        warnings_.emplace_back("The XMP packet was left out: it is not well-formed XML.");
      }
      metadata_.xmp = xmp ? std::move(*xmp) : Bytes();
    }
  }

  std::unique_ptr<Source> source_;
  Metadata metadata_;
  std::vector<std::string> warnings_;
};

// Opens its input once more when it is to begin again.
class RewindableSource final : public Source {
 public:
  RewindableSource(std::unique_ptr<Source> source, std::function<std::unique_ptr<Source>()> open)
      : source_(std::move(source)), open_(std::move(open)) {}
  const ImageInfo& info() const override { return source_->info(); }
  const Metadata& metadata() const override { return source_->metadata(); }
  bool random_access() const override { return source_->random_access(); }
  std::int64_t working_bytes() const override { return source_->working_bytes(); }
  void read_rows(Tile& out) override { source_->read_rows(out); }
  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override {
    return source_->read_rows_deferred(out);
  }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    source_->read_ahead(rows, max_bytes);
  }
  bool reduce(int factor) override {
    if (!source_->reduce(factor)) {
      return false;
    }
    factor_ *= factor;
    return true;
  }
  std::vector<std::string> warnings() const override { return source_->warnings(); }
  bool can_rewind() const override { return true; }
  void rewind() override {
    if (source_->random_access()) {
      return;
    }
    auto again = open_();
    if ((factor_ > 1 && !again->reduce(factor_)) || again->info() != source_->info()) {
      throw Error(ErrorCode::io, "The image changed while it was read: try again.");
    }
    source_ = std::move(again);
  }

 private:
  std::unique_ptr<Source> source_;
  std::function<std::unique_ptr<Source>()> open_;
  int factor_ = 1;  ///< by which it is reduced
};

StoredImage open_stored(const InputPtr& input, ImageFormat format, const ReadOptions& options) {
  if (format != ImageFormat::tiff && (options.page > 1 || options.overview > 0)) {
    throw Error(ErrorCode::usage,
                fmt::format("The image {} is {}: pages and overviews can be chosen of TIFFs alone.",
                            input->name(), format_name(format)),
                input->name());
  }
  switch (format) {
    case ImageFormat::bmp:
      return open_bmp(input, options);
    case ImageFormat::pnm:
      return open_pnm(input, options);
    case ImageFormat::png:
      return open_png(input, options);
    case ImageFormat::jpeg:
      return open_jpeg(input, options);
    case ImageFormat::tiff:
      return open_tiff(input, options);
    case ImageFormat::gif:
      return open_gif(input, options);
    case ImageFormat::heif:
    case ImageFormat::avif:
      return open_heif(input, format, options);
    case ImageFormat::webp:
      return open_vips(input, format, options);
  }
  throw Error(ErrorCode::internal, "An image format has no reader.");
}

/// Whether salvage, which has not been tried, gets further than the header.
bool opens_with_salvage(const InputPtr& input, ImageFormat format, ReadOptions options) {
  if (options.salvage) {
    return false;
  }
  options.salvage = true;
  try {
    open_stored(input, format, options);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

StoredImage open_vips(const InputPtr& input, ImageFormat format, const ReadOptions& options) {
  VipsOpened opened = vips_module().open(input, format, options);
  return {std::move(opened.source), opened.orientation, std::move(opened.warnings)};
}

std::unique_ptr<Source> finish_opening(StoredImage stored, const Input& input, const ReadOptions& options) {
  auto upright = orient(std::move(stored.source), stored.orientation, input, options.limits);
  return std::make_unique<CleanSource>(std::move(upright), std::move(stored), options.keep_metadata);
}

std::unique_ptr<Source> open_input(const InputPtr& input, const ReadOptions& options) {
  if (input->size() > options.limits.max_file_bytes) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The image {} has {} bytes; at most {} are allowed (max-bytes).", input->name(),
                            input->size(), options.limits.max_file_bytes),
                input->name());
  }
  std::array<std::byte, sniff_bytes> head{};
  const std::size_t got = input->read_at(0, head);
  const Sniffed sniffed = sniff(std::span(head).first(got));
  if (!sniffed.format) {
    throw Error(
        sniffed.damaged ? ErrorCode::damaged_input : ErrorCode::unsupported_input,
        fmt::format("The input {} is {}. Tessera reads JPEG, PNG, TIFF, WebP, GIF, BMP, PNM, HEIF and AVIF.",
                    input->name(), sniffed.description),
        input->name());
  }
  const auto open = [input, format = *sniffed.format, options] {
    return finish_opening(open_stored(input, format, options), *input, options);
  };
  try {
    return std::make_unique<RewindableSource>(open(), open);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged_input) {
      throw;
    }
    throw opens_with_salvage(input, *sniffed.format, options) ? error : without_salvage_advice(error);
  }
}

std::unique_ptr<Source> open_image(const std::filesystem::path& path, const ReadOptions& options) {
  return open_input(open_file_input(path, path.string()), options);
}

std::unique_ptr<Source> open_image(Bytes bytes, const ReadOptions& options, std::string name) {
  return open_input(make_memory_input(std::move(bytes), std::move(name)), options);
}

std::unique_ptr<Source> open_image(std::span<const std::byte> bytes, const ReadOptions& options,
                                   std::string name) {
  return open_input(make_view_input(bytes, std::move(name)), options);
}

}  // namespace tessera
