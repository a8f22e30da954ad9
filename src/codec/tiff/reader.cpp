// SPDX-License-Identifier: Apache-2.0
// TIFF and BigTIFF. The plain kinds (gray or RGB of 8 or 16 bits, samples interleaved) are read by libtiff in
// any order of rows, and so is what libvips does not read or reads wrongly: samples in planes, fewer than 8
// bits, associated alpha. Everything else goes through libvips.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"
#include "codec/tiff/file.hpp"
#include "codec/tiff/pages.hpp"
#include "codec/tiff/tags.hpp"
#include "codec/tiff/units.hpp"

namespace tessera {
namespace {

// A compressed strip, or a row of tiles, is unpacked whole and held.
constexpr std::int64_t max_unit_bytes = std::int64_t{96} << 20;

// Rows of an uncompressed image in strips: read from where they are.
class DirectRows final : public RowDecoder {
 public:
  DirectRows(std::shared_ptr<TiffFile> file, const TiffLayout& layout)
      : file_(std::move(file)), layout_(layout) {}

  bool random_access() const override { return true; }

  void decode(std::int64_t y, std::byte* row) override {
    const std::int64_t bytes = layout_.row_bytes();
    const auto strip = static_cast<std::uint32_t>(y / layout_.unit_rows);
    const std::int64_t within = y % layout_.unit_rows * bytes;
    const auto offset = static_cast<std::int64_t>(TIFFGetStrileOffset(file_->get(), strip));
    const auto stored = static_cast<std::int64_t>(TIFFGetStrileByteCount(file_->get(), strip));
    const Input& input = file_->input();
    if (offset <= 0 || offset > input.size() || stored < within + bytes ||
        !input.read_all_at(offset + within, {row, static_cast<std::size_t>(bytes)})) {
      throw damaged(input, ImageFormat::tiff,
                    fmt::format("row {} of {} lies outside the file", y, layout_.height));
    }
    if (layout_.bits == 16 && TIFFIsByteSwapped(file_->get()) != 0) {
      TIFFSwabArrayOfShort(reinterpret_cast<std::uint16_t*>(row), bytes / 2);
    }
  }

  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    std::vector<ByteSpan> spans;
    const Interval strips = layout_.units_of(rows);
    for (std::int64_t strip = strips.begin; strip < strips.end; ++strip) {
      const std::int64_t first = strip * layout_.unit_rows;
      const Interval part = rows.intersect({first, first + layout_.unit_rows});
      const auto offset =
          static_cast<std::int64_t>(TIFFGetStrileOffset(file_->get(), static_cast<std::uint32_t>(strip)));
      if (offset > 0 && offset < file_->input().size()) {
        append_span(spans,
                    {offset + (part.begin - first) * layout_.row_bytes(), part.size() * layout_.row_bytes()});
      }
    }
    file_->input().read_ahead(spans, max_bytes);
  }

 private:
  std::shared_ptr<TiffFile> file_;
  TiffLayout layout_;
};

constexpr std::uint16_t photometric_linear_raw = 34892;

std::string_view name_of_unreadable(const TiffLayout& layout) {
  switch (layout.photometric) {
    case PHOTOMETRIC_CFA:
    case photometric_linear_raw:
      return "it holds the raw data of a camera's sensor: develop it with a raw converter first";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
      return "its colours are logarithms (LogLuv)";
    case PHOTOMETRIC_ITULAB:
    case PHOTOMETRIC_ICCLAB:
      return "it has a kind of Lab colour that is not known";
    default:
      break;
  }
  return layout.compression == COMPRESSION_OJPEG ? "it holds JPEG data in the way of old TIFFs" : "";
}

void check_kind(const Input& input, const TiffLayout& layout) {
  const auto refuse = [&](std::string_view why) { throw unsupported(input, ImageFormat::tiff, why); };
  const bool depth =
      layout.bits == 1 || layout.bits == 2 || layout.bits == 4 || layout.bits == 8 || layout.bits == 16;
  if (const std::string_view why = name_of_unreadable(layout); !why.empty()) {
    refuse(why);
  }
  if (layout.sample_format != SAMPLEFORMAT_UINT && layout.sample_format != SAMPLEFORMAT_VOID &&
      layout.photometric != PHOTOMETRIC_CIELAB) {
    refuse("its samples are signed or floating-point numbers; only unsigned integers are read");
  }
  if (!depth) {
    refuse(fmt::format("it has {} bits a sample; only 1, 2, 4, 8 and 16 are read", layout.bits));
  }
  constexpr int max_samples = 5;  // CMYK with alpha
  if (layout.samples < 1 || layout.samples > max_samples) {
    refuse(fmt::format("it has {} samples a pixel; at most {} are read", layout.samples, max_samples));
  }
  if (TIFFIsCODECConfigured(layout.compression) == 0) {
    refuse(fmt::format("its compression {} is not known", layout.compression));
  }
}

bool is_gray(const TiffLayout& layout) {
  return (layout.photometric == PHOTOMETRIC_MINISBLACK || layout.photometric == PHOTOMETRIC_MINISWHITE) &&
         layout.samples <= 2;
}

// Bands that are not said to be colours are taken for them where there are three.
bool is_rgb(const TiffLayout& layout) {
  return (layout.photometric == PHOTOMETRIC_RGB || layout.photometric == PHOTOMETRIC_MINISBLACK) &&
         (layout.samples == 3 || layout.samples == 4);
}

bool has_alpha(const TiffLayout& layout) { return layout.samples % 2 == 0; }

// What a sample beyond the colours is must be known: worked on as transparency, an infrared band spoils the
// others.
void check_extra_sample(const Input& input, const TiffLayout& layout) {
  if (has_alpha(layout) && (is_gray(layout) || is_rgb(layout)) && layout.says_extra_sample &&
      layout.extra_sample == EXTRASAMPLE_UNSPECIFIED) {
    throw unsupported(
        input, ImageFormat::tiff,
        fmt::format(
            "its sample {0} a pixel is not a colour, and the file does not say that it is transparency "
            "(ExtraSamples is 0); it may be infrared or other data. Leave it out first, for example "
            "with 'gdal_translate {1}', or, if it is transparency, say so with 'tiffset -s 338 1 2'",
            layout.samples, layout.samples == 2 ? "-b 1" : "-b 1 -b 2 -b 3"));
  }
}

// Compression that libtiff undoes to samples as they are wanted.
bool gives_samples(const TiffLayout& layout) {
  switch (layout.compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_LZW:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_LZMA:
    case COMPRESSION_ZSTD:
    case COMPRESSION_WEBP:
    case COMPRESSION_JPEG:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
      return true;
    default:
      return false;
  }
}

// Whether libtiff hands out samples as they are wanted, or as UnitRows can make them.
bool is_native(const TiffLayout& layout) {
  if ((!is_gray(layout) && !is_rgb(layout)) || !gives_samples(layout)) {
    return false;
  }
  // What libvips reads rightly stays with it.
  const bool plain = layout.bits >= 8 && layout.photometric != PHOTOMETRIC_MINISWHITE &&
                     layout.fill_order == FILLORDER_MSB2LSB;
  const bool not_for_libvips = layout.planar == PLANARCONFIG_SEPARATE ||
                               (layout.samples > 1 && (layout.bits < 8 || has_alpha(layout)));
  return plain || not_for_libvips || !layout.says_photometric;
}

// Readers guess what an image is that does not say it.
void guess_photometric(TiffLayout& layout, std::vector<std::string>& warnings) {
  if (layout.says_photometric) {
    return;
  }
  const bool fax = layout.compression == COMPRESSION_CCITTRLE ||
                   layout.compression == COMPRESSION_CCITTFAX3 || layout.compression == COMPRESSION_CCITTFAX4;
  layout.photometric =
      layout.samples >= 3 ? PHOTOMETRIC_RGB : (fax ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK);
  warnings.push_back(fmt::format("The file does not say what its samples mean; they were taken for {}.",
                                 layout.samples >= 3 ? "red, green and blue" : "gray"));
}

void warn_of_guesses(const TiffLayout& layout, std::vector<std::string>& warnings) {
  if (layout.says_photometric && is_rgb(layout) && layout.photometric == PHOTOMETRIC_MINISBLACK) {
    warnings.emplace_back(
        "The file does not say that its bands are colours; the first three were taken for red, green and "
        "blue.");
  }
  if (has_alpha(layout) && (is_gray(layout) || is_rgb(layout)) && !layout.says_extra_sample) {
    warnings.push_back(
        fmt::format("The file does not say what its sample {} a pixel is; it was taken for "
                    "transparency.",
                    layout.samples));
  }
}

bool is_direct(const TiffLayout& layout) {
  return !layout.tiled && layout.compression == COMPRESSION_NONE && layout.bits >= 8 &&
         (layout.planar == PLANARCONFIG_CONTIG || layout.samples == 1) &&
         layout.photometric != PHOTOMETRIC_MINISWHITE && layout.fill_order == FILLORDER_MSB2LSB &&
         (!has_alpha(layout) || layout.extra_sample != EXTRASAMPLE_ASSOCALPHA);
}

// Of a strip, or a row of tiles, of all planes.
std::int64_t unit_bytes(const TiffLayout& layout) {
  const std::int64_t columns = std::max<std::int64_t>(layout.width, layout.tile_width);
  const std::int64_t row_bytes = columns * layout.samples * std::max<int>(8, layout.bits) / 8;
  return layout.unit_rows > std::numeric_limits<std::int64_t>::max() / row_bytes
             ? std::numeric_limits<std::int64_t>::max()
             : layout.unit_rows * row_bytes;
}

// What is held to read rows of such a unit: it as it is stored, unpacked, and the tile that is unpacked into it; of tiles
// also the row of them above, until its last rows are copied.
std::int64_t unit_working_bytes(const TiffLayout& layout) {
  const std::int64_t unit = unit_bytes(layout);
  return layout.tiled ? 2 * unit + unit / std::max<std::int64_t>(1, layout.width / layout.tile_width) : unit;
}

bool fits_units(const TiffLayout& layout) { return unit_bytes(layout) <= max_unit_bytes; }

// libvips takes time with the square of the tiles in a row: a minute for 60 000 of them.
void check_tiles_across(const Input& input, const TiffLayout& layout) {
  constexpr std::int64_t max_tiles = 4096;
  if (layout.tiled && (layout.tile_width == 0 || layout.width / layout.tile_width > max_tiles)) {
    throw unsupported(input, ImageFormat::tiff,
                      fmt::format("its tiles are {} pixels wide, so that there are more than {} in a row",
                                  layout.tile_width, max_tiles));
  }
}

}  // namespace

StoredImage open_tiff(const InputPtr& stored, const ReadOptions& options) {
  const TiffPages pages = find_tiff_pages(*stored, options);
  if (pages.dng) {
    throw unsupported(
        *stored, ImageFormat::tiff,
        "it is a raw photograph (DNG), of which only the preview could be read: develop it with "
        "a raw converter first");
  }
  const InputPtr input = pages.is_first ? stored : with_first_directory(stored, pages.chosen);
  auto file = std::make_shared<TiffFile>(input);
  TiffLayout layout = file->layout();
  std::vector<std::string> warnings;
  if (pages.pictures > 1 && options.page == 0) {
    warnings.push_back(only_first_is_used(pages.pictures, "pages"));
  }
  guess_photometric(layout, warnings);
  if (layout.compression == COMPRESSION_JPEG && layout.photometric == PHOTOMETRIC_YCBCR &&
      layout.planar == PLANARCONFIG_CONTIG && layout.samples == 3) {
    layout.jpeg_to_rgb = true;
    layout.photometric = PHOTOMETRIC_RGB;
    file->prepare(layout);
  }
  check_extent(*input, options.limits, layout.width, layout.height);
  check_kind(*input, layout);
  check_extra_sample(*input, layout);
  warn_of_guesses(layout, warnings);
  ImageHeader header;
  header.info = {
      {layout.width, layout.height},
      {layout.bits == 16 ? Depth::u16 : Depth::u8, layout.samples >= 3 ? 3 : 1, has_alpha(layout)}};
  check_size(*input, options.limits, header.info, layout.row_bytes() * layout.height, Delivery::streamed);
  header.metadata = file->metadata(options.limits);
  TiffTags tags = read_tiff_tags(*input, options.limits);
  header.metadata.exif = std::move(tags.exif);
  header.metadata.iptc = std::move(tags.iptc);
  warnings.insert(warnings.end(), tags.warnings.begin(), tags.warnings.end());
  const int orientation = layout.orientation;
  const bool native = is_native(layout) && layout.unit_rows > 0 && (!layout.tiled || layout.tile_width > 0);
  const bool direct = native && is_direct(layout);
  const bool libvips_would_do =
      layout.planar == PLANARCONFIG_CONTIG && layout.bits >= 8 && !has_alpha(layout);
  // libvips reads long strips row by row. Tiles it reads no better.
  if (!native || (!direct && !layout.tiled && libvips_would_do && !fits_units(layout))) {
    check_tiles_across(*input, layout);
    StoredImage image = open_vips(input, ImageFormat::tiff, options);
    image.warnings = std::move(warnings);
    image.metadata = std::move(header.metadata);
    return image;
  }
  if (!direct && !fits_units(layout)) {
    check_buffered(*input, options.limits, unit_bytes(layout),
                   layout.tiled ? "a TIFF with very wide rows of tiles" : "a TIFF in very long strips");
  }
  std::unique_ptr<Source> source;
  if (direct) {
    source = make_row_source(std::move(header), std::make_unique<DirectRows>(std::move(file), layout),
                             options.salvage);
  } else if (options.salvage) {
    source = make_row_source(std::move(header), make_tiff_salvage_decoder(std::move(file), layout), true);
  } else {
    header.working_bytes = unit_working_bytes(layout);
    source = make_tiff_unit_source(std::move(header), std::move(file), layout);
  }
  return {std::move(source), orientation, std::move(warnings)};
}

}  // namespace tessera
