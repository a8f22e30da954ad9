// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "codec/common/reason_in_words.hpp"

namespace tessera {
namespace {

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

// Bounds what libtiff allocates at the word of a header.
constexpr tmsize_t max_single_allocation_bytes = tmsize_t{128} << 20;

std::string formatted(const char* format, va_list arguments) {
  std::array<char, 300> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  // libtiff begins with the file's name, which it does not have.
  const std::string message = text.data();
  return message.starts_with(": ") ? message.substr(2) : message;
}

Bytes blob(TIFF* file, std::uint32_t tag, MetadataBudget& budget) {
  std::uint32_t bytes = 0;
  const void* data = nullptr;
  if (TIFFGetField(file, tag, &bytes, &data) != 1 || data == nullptr) {
    return {};
  }
  budget.add_item(bytes);
  const auto* begin = static_cast<const std::byte*>(data);
  return {begin, begin + bytes};
}

}  // namespace

TiffFile::TiffFile(std::shared_ptr<const Input> input, Index index) : input_(std::move(input)) {
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (!options) {
    throw std::bad_alloc();
  }
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), max_single_allocation_bytes);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), &TiffFile::note_error, this);
  const auto ignore = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore, nullptr);
  const auto write = [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; };
  const auto close = [](thandle_t) { return 0; };
  const auto size = [](thandle_t self) {
    return static_cast<toff_t>(static_cast<TiffFile*>(self)->input_->size());
  };
  file_ = TIFFClientOpenExt("", index == Index::loaded ? "rm" : "rmO", this, &TiffFile::read, write,
                            &TiffFile::seek, close, size, nullptr, nullptr, options.get());
  if (file_ == nullptr) {
    throw error("its header");
  }
}

TiffFile::~TiffFile() {
  if (file_ != nullptr) {
    TIFFClose(file_);
  }
}

tmsize_t TiffFile::read(thandle_t self, void* to, tmsize_t bytes) {
  auto* const file = static_cast<TiffFile*>(self);
  try {
    const std::size_t got = file->input_->read_at(
        file->position_,
        {static_cast<std::byte*>(to), static_cast<std::size_t>(std::max<tmsize_t>(0, bytes))});
    file->position_ += static_cast<std::int64_t>(got);
    return static_cast<tmsize_t>(got);
  } catch (...) {
    file->failure_ = std::current_exception();
    return -1;
  }
}

toff_t TiffFile::seek(thandle_t self, toff_t offset, int whence) {
  auto* const file = static_cast<TiffFile*>(self);
  const std::int64_t base =
      whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? file->position_ : file->input_->size());
  std::int64_t target = 0;
  // Offsets in a hostile file may be anything.
  if (__builtin_add_overflow(base, static_cast<std::int64_t>(offset), &target) || target < 0) {
    return static_cast<toff_t>(-1);
  }
  file->position_ = target;
  return static_cast<toff_t>(target);
}

int TiffFile::note_error(TIFF*, void* self, const char*, const char* format, va_list arguments) {
  auto* const file = static_cast<TiffFile*>(self);
  if (file->message_.empty()) {
    file->message_ = formatted(format, arguments);
  }
  return 1;
}

Error TiffFile::error(const std::string& place) const {
  if (failure_) {
    std::rethrow_exception(failure_);
  }
  const ReasonInWords reason = reason_in_words(message_);
  switch (reason.fault) {
    case Fault::unsupported:
      return unsupported(*input_, ImageFormat::tiff, reason.words);
    case Fault::limit:
      return {ErrorCode::limit_exceeded,
              fmt::format("The TIFF image {} cannot be read: {} ({} MB).", input_->name(), reason.words,
                          max_single_allocation_bytes >> 20),
              input_->name()};
    case Fault::damage:
      break;
  }
  return damaged(*input_, ImageFormat::tiff, fmt::format("{} cannot be read: {}", place, reason.words));
}

void TiffFile::read_ahead(const TiffLayout& layout, const Interval& units, std::int64_t max_bytes) const {
  const std::int64_t across = layout.tiles_across();
  std::vector<ByteSpan> spans;
  for (std::int64_t unit = units.begin; unit < units.end; ++unit) {
    for (int plane = 0; plane < layout.planes(); ++plane) {
      for (std::int64_t i = 0; i < across; ++i) {
        const std::uint32_t index = layout.strile(unit, plane, i);
        const auto offset = static_cast<std::int64_t>(TIFFGetStrileOffset(file_, index));
        const auto bytes = static_cast<std::int64_t>(TIFFGetStrileByteCount(file_, index));
        if (offset <= 0 || bytes <= 0 || offset > input_->size() - bytes) {
          continue;  // a tile that is not stored, or damage, which reading meets
        }
        append_span(spans, {offset, bytes});
      }
    }
  }
  input_->read_ahead(spans, max_bytes);
}

TiffLayout TiffFile::layout() const {
  TiffLayout layout;
  TIFFGetField(file_, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(file_, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetFieldDefaulted(file_, TIFFTAG_BITSPERSAMPLE, &layout.bits);
  TIFFGetFieldDefaulted(file_, TIFFTAG_SAMPLESPERPIXEL, &layout.samples);
  TIFFGetFieldDefaulted(file_, TIFFTAG_SAMPLEFORMAT, &layout.sample_format);
  layout.says_photometric = TIFFGetField(file_, TIFFTAG_PHOTOMETRIC, &layout.photometric) == 1;
  TIFFGetFieldDefaulted(file_, TIFFTAG_PLANARCONFIG, &layout.planar);
  TIFFGetFieldDefaulted(file_, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(file_, TIFFTAG_FILLORDER, &layout.fill_order);
  TIFFGetFieldDefaulted(file_, TIFFTAG_ORIENTATION, &layout.orientation);
  std::uint16_t extra_count = 0;
  const std::uint16_t* extra = nullptr;
  if (TIFFGetFieldDefaulted(file_, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) == 1 && extra_count > 0) {
    layout.extra_sample = extra[0];
    layout.says_extra_sample = true;
  }
  layout.tiled = TIFFIsTiled(file_) != 0;
  if (layout.tiled) {
    TIFFGetField(file_, TIFFTAG_TILEWIDTH, &layout.tile_width);
    TIFFGetField(file_, TIFFTAG_TILELENGTH, &layout.unit_rows);
  } else {
    TIFFGetFieldDefaulted(file_, TIFFTAG_ROWSPERSTRIP, &layout.unit_rows);
    layout.unit_rows = std::min(layout.unit_rows, layout.height);
  }
  return layout;
}

void TiffFile::prepare(const TiffLayout& layout) const {
  if (layout.jpeg_to_rgb) {
    TIFFSetField(file_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
}

ByteSpan TiffFile::stored(std::uint32_t strile, const std::string& place) const {
  const auto offset = static_cast<std::int64_t>(TIFFGetStrileOffset(file_, strile));
  const auto bytes = static_cast<std::int64_t>(TIFFGetStrileByteCount(file_, strile));
  const auto fail = [&](std::string_view why) {
    throw damaged(*input_, ImageFormat::tiff, fmt::format("{} cannot be read: {}", place, why));
  };
  if (offset <= 0 || bytes <= 0) {
    fail("its headers make no sense");
  }
  if (offset > input_->size() || bytes > input_->size() - offset) {
    fail("it ends too early");
  }
  return {offset, bytes};
}

void TiffFile::read_stored(const ByteSpan& span, std::span<std::byte> to, const std::string& place) const {
  if (!input_->read_all_at(span.offset, to)) {
    throw damaged(*input_, ImageFormat::tiff, fmt::format("{} cannot be read: it ends too early", place));
  }
}

Metadata TiffFile::metadata(const ReadLimits& limits) const {
  MetadataBudget budget(*input_, limits);
  Metadata metadata;
  metadata.icc = blob(file_, TIFFTAG_ICCPROFILE, budget);
  metadata.xmp = blob(file_, TIFFTAG_XMLPACKET, budget);
  float x = 0;
  float y = 0;
  std::uint16_t unit = RESUNIT_INCH;
  TIFFGetFieldDefaulted(file_, TIFFTAG_RESOLUTIONUNIT, &unit);
  if (TIFFGetField(file_, TIFFTAG_XRESOLUTION, &x) == 1 &&
      TIFFGetField(file_, TIFFTAG_YRESOLUTION, &y) == 1 && x > 0 && y > 0) {
    using Unit = Resolution::Unit;
    metadata.resolution = {
        x, y,
        unit == RESUNIT_CENTIMETER ? Unit::centimetre : (unit == RESUNIT_NONE ? Unit::ratio : Unit::inch)};
  }
  return metadata;
}

}  // namespace tessera
