// SPDX-License-Identifier: Apache-2.0
#include "codec/vips_module/vips_source.hpp"

#include <fmt/format.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "codec/common/reason_in_words.hpp"
#include "codec/common/rows.hpp"
#include "codec/vips_module/zeroed_memory.hpp"
#include "image/reduced_extent.hpp"

namespace tessera {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using ImagePtr = std::unique_ptr<VipsImage, Unref>;
using RegionPtr = std::unique_ptr<VipsRegion, Unref>;

// An Input behind libvips' callbacks. Exceptions must not cross C code: they wait here.
struct Feed {
  std::shared_ptr<const Input> input;
  std::int64_t position = 0;
  std::exception_ptr failure;

  static gint64 read(VipsSourceCustom*, void* to, gint64 length, Feed* feed) {
    try {
      const auto got = static_cast<std::int64_t>(feed->input->read_at(
          feed->position,
          {static_cast<std::byte*>(to), static_cast<std::size_t>(std::max<gint64>(0, length))}));
      feed->position += got;
      return got;
    } catch (...) {
      feed->failure = std::current_exception();
      return -1;
    }
  }

  static gint64 seek(VipsSourceCustom*, gint64 offset, int whence, Feed* feed) {
    const std::int64_t base =
        whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? feed->position : feed->input->size());
    feed->position = std::max<std::int64_t>(0, base + offset);
    return feed->position;
  }
};

// Formats that libvips decodes whole.
bool is_held(ImageFormat format) {
  return format == ImageFormat::webp || format == ImageFormat::gif || format == ImageFormat::heif ||
         format == ImageFormat::avif;
}

// libheif asks how far it may seek by seeking beyond the end, which libvips notes as an error each time.
std::string without_noise(const std::string& message) {
  std::string kept;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = std::min(message.find(';', at), message.size());
    const std::string_view part = std::string_view(message).substr(at, end - at);
    if (part.find("bad seek") == std::string_view::npos) {
      kept.append(part).append(";");
    }
    at = end + 1;
  }
  return kept;
}

Error failure_of(const Feed& feed, ImageFormat format) {
  if (feed.failure) {
    std::rethrow_exception(feed.failure);
  }
  const ReasonInWords reason = reason_in_words(without_noise(take_vips_message()));
  switch (reason.fault) {
    case Fault::unsupported:
      return unsupported(*feed.input, format, reason.words);
    case Fault::limit:
      return {ErrorCode::limit_exceeded,
              fmt::format("The {} image {} cannot be read: {}.", format_name(format), feed.input->name(),
                          reason.words),
              feed.input->name()};
    case Fault::damage:
      break;
  }
  return damaged(*feed.input, format, reason.words);
}

/// `factor`: by which a WebP is reduced while it is decoded.
int load(VipsSource* from, ImageFormat format, bool salvage, int factor, VipsImage** image) {
  const VipsFailOn fail_on = salvage ? VIPS_FAIL_ON_NONE : VIPS_FAIL_ON_ERROR;
  const auto call = [&](const char* loader) {
    return vips_call(loader, from, image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, nullptr);
  };
  switch (format) {
    case ImageFormat::png:
      return call("pngload_source");
    case ImageFormat::jpeg:
      return call("jpegload_source");
    case ImageFormat::tiff:
      return call("tiffload_source");
    case ImageFormat::webp:
      return vips_webpload_source(from, image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, "scale",
                                  1.0 / factor, nullptr);
    case ImageFormat::gif:
      return call("gifload_source");
    case ImageFormat::heif:
    case ImageFormat::avif:
      return call("heifload_source");
    case ImageFormat::bmp:
    case ImageFormat::pnm:
      break;
  }
  vips_error("tessera", "there is no loader for this format");
  return -1;
}

Bytes blob(VipsImage* image, const char* name, MetadataBudget& budget) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (vips_image_get_typeof(image, name) == 0 || vips_image_get_blob(image, name, &data, &size) != 0) {
    return {};
  }
  budget.add_item(static_cast<std::int64_t>(size));
  const auto* begin = static_cast<const std::byte*>(data);
  return {begin, begin + size};
}

// The XMP packet among the items of a HEIF that libvips only counts ("heif-mime-1").
Bytes xmp_among_items(VipsImage* image, MetadataBudget& budget) {
  constexpr int most_items = 16;
  for (int i = 0; i < most_items; ++i) {
    Bytes item = blob(image, fmt::format("heif-mime-{}", i).c_str(), budget);
    const std::string_view text(reinterpret_cast<const char*>(item.data()), item.size());
    if (text.find("<x:xmpmeta") != std::string_view::npos ||
        text.find("<rdf:RDF") != std::string_view::npos) {
      return item;
    }
  }
  return {};
}

Metadata metadata_of(VipsImage* image, const Input& input, const ReadLimits& limits) {
  MetadataBudget budget(input, limits);
  Metadata metadata;
  metadata.icc = blob(image, VIPS_META_ICC_NAME, budget);
  metadata.exif = blob(image, VIPS_META_EXIF_NAME, budget);
  metadata.xmp = blob(image, VIPS_META_XMP_NAME, budget);
  // HEIF's and AVIF's, in libvips before 8.15.
  if (metadata.xmp.empty()) {
    metadata.xmp = xmp_among_items(image, budget);
  }
  return metadata;
}

bool is_integer_image(VipsImage* image) {
  const VipsBandFormat format = vips_image_get_format(image);
  return format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT;
}

// 8-bit Lab, which libvips keeps with 10 bits of lightness, so that white is 1020 of 1023, and turns into
// sRGB by a coarse table: as floating-point Lab of the right scale it is converted exactly.
int exact_lab(VipsImage* image, VipsImage** converted) {
  constexpr double lightness = 1023.0 / 1020.0;
  const std::array<double, 3> scale{lightness, 1, 1};
  const std::array<double, 3> offset{0, 0, 0};
  VipsImage* lab = nullptr;
  if (vips_LabQ2Lab(image, &lab, nullptr) != 0) {
    return -1;
  }
  const ImagePtr held_lab(lab);
  VipsImage* scaled = nullptr;
  if (vips_linear(lab, &scaled, scale.data(), offset.data(), static_cast<int>(scale.size()), nullptr) != 0) {
    return -1;
  }
  const ImagePtr held_scaled(scaled);
  VipsImage* tagged = nullptr;
  if (vips_copy(scaled, &tagged, "interpretation", VIPS_INTERPRETATION_LAB, nullptr) != 0) {
    return -1;
  }
  const ImagePtr held_tagged(tagged);
  return vips_colourspace(tagged, converted, VIPS_INTERPRETATION_sRGB, nullptr);
}

// CMYK and Lab become sRGB; everything else keeps its numbers.
ImagePtr to_gray_or_rgb(ImagePtr image, Metadata& metadata, const Feed& feed, ImageFormat format) {
  VipsImage* converted = nullptr;
  int failed = 0;
  switch (vips_image_get_interpretation(image.get())) {
    case VIPS_INTERPRETATION_CMYK: {
      const int depth = vips_image_get_format(image.get()) == VIPS_FORMAT_USHORT ? 16 : 8;
      failed = vips_icc_transform(image.get(), &converted, "srgb", "embedded", TRUE, "input_profile", "cmyk",
                                  "depth", depth, nullptr);
      break;
    }
    case VIPS_INTERPRETATION_LABS:
      failed = vips_colourspace(image.get(), &converted, VIPS_INTERPRETATION_RGB16, nullptr);
      break;
    case VIPS_INTERPRETATION_LABQ:
      failed = exact_lab(image.get(), &converted);
      break;
    case VIPS_INTERPRETATION_LAB:
    case VIPS_INTERPRETATION_XYZ:
      // The TIFF loader calls 8-bit Lab "Lab", and says by the coding alone how it is packed.
      if (vips_image_get_coding(image.get()) == VIPS_CODING_LABQ) {
        failed = exact_lab(image.get(), &converted);
        break;
      }
      failed = vips_colourspace(image.get(), &converted, VIPS_INTERPRETATION_sRGB, nullptr);
      break;
    default:
      return image;
  }
  if (failed != 0) {
    throw failure_of(feed, format);
  }
  metadata.icc.clear();
  return ImagePtr(converted);
}

PixelFormat format_of(VipsImage* image, const Feed& feed, ImageFormat format) {
  const int bands = vips_image_get_bands(image);
  if (!is_integer_image(image) || bands < 1 || bands > 4) {
    throw unsupported(
        *feed.input, format,
        fmt::format("it has {} channels of type {}; only 8- and 16-bit gray or RGB with or without "
                    "alpha is read",
                    bands, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, vips_image_get_format(image))));
  }
  return {vips_image_get_format(image) == VIPS_FORMAT_USHORT ? Depth::u16 : Depth::u8, bands >= 3 ? 3 : 1,
          bands % 2 == 0};
}

// 10 and 12 bits from HEIF come shifted up, so that white is not quite 65535: the empty bits repeat the high
// ones.
void widen(cv::Mat& plane, int bits) {
  for (int y = 0; y < plane.rows; ++y) {
    auto* row = plane.ptr<std::uint16_t>(y);
    for (int i = 0; i < plane.cols * plane.channels(); ++i) {
      row[i] = static_cast<std::uint16_t>(row[i] | row[i] >> bits);
    }
  }
}

ImagePtr load_header(Feed& feed, ImageFormat format, bool salvage, int factor = 1) {
  VipsSourceCustom* custom = vips_source_custom_new();
  g_signal_connect(custom, "read", G_CALLBACK(Feed::read), &feed);
  g_signal_connect(custom, "seek", G_CALLBACK(Feed::seek), &feed);
  VipsImage* loaded = nullptr;
  const int failed = load(VIPS_SOURCE(custom), format, salvage, factor, &loaded);
  g_object_unref(custom);
  if (failed != 0) {
    throw failure_of(feed, format);
  }
  return ImagePtr(loaded);
}

/// Strictly, so that damage is seen; with salvage leniently where that fails.
ImagePtr open_strictly(Feed& feed, ImageFormat format, bool salvage, int factor = 1) {
  // libvips writes what is wrong into one text for the whole process: of two images that are opened at the
  // same time, one would be refused with the reason of the other, or with none.
  static std::mutex one_opens;
  const std::scoped_lock opening(one_opens);
  vips_error_clear();
  try {
    return load_header(feed, format, false, factor);
  } catch (const Error& error) {
    if (!salvage || error.code() != ErrorCode::damaged_input) {
      throw;
    }
    return load_header(feed, format, true);
  }
}

/// Opens the same image for salvage: damage is passed over.
using Reopen = std::function<ImagePtr()>;

class VipsRows final : public Source {
 public:
  /// `reopen` is empty without salvage.
  VipsRows(std::shared_ptr<Feed> feed, ImagePtr image, ImageHeader header, ImageFormat format, Reopen reopen)
      : feed_(std::move(feed)),
        image_(std::move(image)),
        info_(header.info),
        metadata_(std::move(header.metadata)),
        format_(format),
        reopen_(std::move(reopen)),
        losses_(reopen_ ? info_.extent.height : 0) {
    int bits = 16;
    if (info_.format.depth == Depth::u16 && vips_image_get_typeof(image_.get(), "heif-bitdepth") != 0 &&
        vips_image_get_int(image_.get(), "heif-bitdepth", &bits) == 0 && bits > 8 && bits < 16) {
      significant_bits_ = bits;
    }
  }

  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return false; }
  /// Of these formats libvips, or the library below it, decodes all before it gives the first row.
  std::int64_t working_bytes() const override {
    const bool whole =
        format_ == ImageFormat::webp || format_ == ImageFormat::heif || format_ == ImageFormat::avif;
    return whole ? info_.bytes() : 0;
  }
  bool reduce(int factor) override {
    const Extent& extent = info_.extent;
    const bool known = factor == 2 || factor == 4 || factor == 8;
    // libwebp scales planes to whole sizes, of which only divisors are aligned, and colours without regard to alpha.
    if (format_ != ImageFormat::webp || reopen_ || begun_ || !known || info_.format.alpha ||
        extent.width % factor != 0 || extent.height % factor != 0 ||
        vips_image_get_n_pages(image_.get()) > 1) {
      return false;
    }
    const auto feed = std::make_shared<Feed>();
    feed->input = feed_->input;
    ImagePtr reduced = open_strictly(*feed, format_, false, factor);
    const Extent expected = reduced_extent(extent, factor);
    if (vips_image_get_width(reduced.get()) != expected.width ||
        vips_image_get_height(reduced.get()) != expected.height ||
        format_of(reduced.get(), *feed, format_) != info_.format) {
      return false;
    }
    image_ = std::move(reduced);
    feed_ = feed;
    info_.extent = expected;
    return true;
  }
  std::vector<std::string> warnings() const override { return losses_.warnings("black"); }

  void read_rows(Tile& out) override {
    // libde265 shows memory as it is where a damaged picture has no blocks, and says nothing.
    std::optional<ZeroedMemory> zeroed;
    if (format_ == ImageFormat::heif || format_ == ImageFormat::avif) {
      zeroed.emplace();
    }
    check_tile(out, info_);
    begun_ = true;
    // libvips holds what it is asked for at once, in a buffer of its own.
    constexpr std::int64_t strip_rows = 128;
    for (std::int64_t y = 0; y < out.rect.height; y += strip_rows) {
      Tile strip = out.view({0, out.rect.y + y, out.rect.width, std::min(strip_rows, out.rect.height - y)});
      read_strip(strip);
    }
    // libvips keeps buffers for each thread it has seen, and the caller's threads may end.
    vips_thread_shutdown();
    if (reopen_ && losses_.everything()) {
      throw *first_;
    }
  }

 private:
  void read_strip(Tile& out) {
    if (!prepare_and_store(out)) {
      const Error error = failure_of(*feed_, format_);
      if (!reopen_ || error.code() != ErrorCode::damaged_input) {
        throw error;
      }
      if (!first_) {
        first_ = without_salvage_advice(error);
        image_ = reopen_();
        if (image_ && prepare_and_store(out)) {
          note(out, RowState::partial);
          return;
        }
      }
      fill_blank(out);
      note(out, RowState::lost);
    } else if (first_) {
      note(out, RowState::partial);
    }
  }

  void note(const Tile& out, RowState state) {
    for (std::int64_t y = out.rect.y; y < out.rect.y + out.rect.height; ++y) {
      losses_.note(y, state);
    }
  }

  bool prepare_and_store(Tile& out) {
    if (!image_) {
      return false;
    }
    const VipsRect rect{0, static_cast<int>(out.rect.y), static_cast<int>(out.rect.width),
                        static_cast<int>(out.rect.height)};
    const RegionPtr region(vips_region_new(image_.get()));
    if (!region || vips_region_prepare(region.get(), &rect) != 0) {
      return false;
    }
    for (std::int64_t y = 0; y < out.rect.height; ++y) {
      store_row(reinterpret_cast<const std::byte*>(
                    VIPS_REGION_ADDR(region.get(), 0, static_cast<int>(out.rect.y + y))),
                out, y);
    }
    if (significant_bits_ < 16) {
      widen(out.color, significant_bits_);
      widen(out.alpha, significant_bits_);
    }
    return true;
  }

  std::shared_ptr<Feed> feed_;
  ImagePtr image_;
  ImageInfo info_;
  Metadata metadata_;
  ImageFormat format_;
  Reopen reopen_;
  Losses losses_;
  std::optional<Error> first_;  ///< the first damage that salvage has passed over
  int significant_bits_ = 16;
  bool begun_ = false;  ///< rows have been read
};

}  // namespace

std::string take_vips_message() {
  char* const buffer = vips_error_buffer_copy();
  std::string message(buffer == nullptr ? "" : buffer);
  g_free(buffer);
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) {
    message.pop_back();
  }
  std::replace(message.begin(), message.end(), '\n', ';');
  return message;
}

namespace {

std::vector<std::string> warnings_of(VipsImage* image, ImageFormat format) {
  const int pictures = vips_image_get_n_pages(image);
  // Of TIFFs its reader knows which pages are pictures.
  if (pictures <= 1 || format == ImageFormat::tiff) {
    return {};
  }
  if (format == ImageFormat::webp) {
    return {only_first_is_used(pictures, "pictures (an animation)")};
  }
  return {fmt::format("The file has {} pictures; only the main one is used.", pictures)};
}

}  // namespace

VipsOpened open_with_vips(std::shared_ptr<const Input> input, ImageFormat format,
                          const ReadOptions& options) {
  const auto feed = std::make_shared<Feed>();
  feed->input = std::move(input);
  ImagePtr image = open_strictly(*feed, format, options.salvage);
  check_extent(*feed->input, options.limits, vips_image_get_width(image.get()),
               vips_image_get_height(image.get()));
  check_frames(*feed->input, options.limits, vips_image_get_n_pages(image.get()));
  VipsOpened opened;
  opened.warnings = warnings_of(image.get(), format);
  ImageHeader header;
  header.metadata = metadata_of(image.get(), *feed->input, options.limits);
  // libheif has turned the picture already; the EXIF beside it still speaks of before.
  const bool turned = format == ImageFormat::heif || format == ImageFormat::avif;
  opened.orientation = turned ? 1 : vips_image_get_orientation(image.get());

  image = to_gray_or_rgb(std::move(image), header.metadata, *feed, format);
  header.info = {{vips_image_get_width(image.get()), vips_image_get_height(image.get())},
                 format_of(image.get(), *feed, format)};
  // The others' own readers have looked at the header already, and know how many bits are behind a byte.
  if (is_held(format)) {
    check_size(*feed->input, options.limits, header.info, header.info.bytes(), Delivery::held);
    check_buffered(*feed->input, options.limits, header.info.bytes(), format_name(format));
  }
  Reopen reopen;
  if (options.salvage) {
    reopen = [feed, format, info = header.info]() -> ImagePtr {
      try {
        feed->position = 0;
        Metadata ignored;
        ImagePtr again = to_gray_or_rgb(load_header(*feed, format, true), ignored, *feed, format);
        const ImageInfo same{{vips_image_get_width(again.get()), vips_image_get_height(again.get())},
                             format_of(again.get(), *feed, format)};
        return same == info ? std::move(again) : nullptr;
      } catch (const Error&) {
        return nullptr;  // then nothing more can be had
      }
    };
  }
  opened.source =
      std::make_unique<VipsRows>(feed, std::move(image), std::move(header), format, std::move(reopen));
  return opened;
}

}  // namespace tessera
