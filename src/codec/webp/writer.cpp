// SPDX-License-Identifier: Apache-2.0
// WebP has no pieces: rows are collected on the root and libwebp encodes them at the end.
#include <webp/encode.h>
#include <webp/mux.h>

#include <cstring>

#include "base/error.hpp"
#include "codec/common/sinks.hpp"

namespace tessera {
namespace {

WebPData view(const Bytes& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

class WebpSink final : public FormatSink {
 public:
  WebpSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, Metadata metadata,
           const WriteOptions& options)
      : FormatSink(std::move(file)), info_(info), metadata_(std::move(metadata)), quality_(options.quality) {
    check_side(info, WEBP_MAX_DIMENSION, "WebP", "PNG, JPEG or TIFF");
  }

  std::int64_t piece_rows() const override { return 64; }

  /// All pixels are kept until the end, and then converted twice: to RGB, and by the library to YCbCr, which has half as
  /// many samples.
  EncodingCost encoding_cost() const override {
    const std::int64_t pixels = info_.extent.width * info_.extent.height;
    const auto kept = static_cast<std::int64_t>(source_samples());
    const std::int64_t rgb = info_.format.alpha ? 4 : 3;
    return {.root = pixels * (kept + rgb) + pixels * rgb / 2};
  }

  EncodedPiece encode(const Tile& piece) const override {
    const auto samples = static_cast<std::size_t>(info_.extent.width) * source_samples();
    Bytes out(samples * static_cast<std::size_t>(piece.rect.height));
    for (int y = 0; y < piece.color.rows; ++y) {
      interleave_row_8bit(
          piece, y, reinterpret_cast<std::uint8_t*>(out.data()) + static_cast<std::size_t>(y) * samples);
    }
    return {std::move(out), {}};
  }

  void append(const EncodedPiece& piece) override {
    append_bytes(pixels_, piece.body.data(), piece.body.size());
  }

  void finish() override {
    const std::vector<std::uint8_t> rgb = to_rgb();
    WebPConfig config;
    WebPPicture picture;
    if (WebPConfigPreset(&config, WEBP_PRESET_DEFAULT, static_cast<float>(quality_)) == 0 ||
        WebPPictureInit(&picture) == 0) {
      throw Error(ErrorCode::internal, "The WebP library does not fit this program.");
    }
    picture.width = static_cast<int>(info_.extent.width);
    picture.height = static_cast<int>(info_.extent.height);
    WebPMemoryWriter writer;
    WebPMemoryWriterInit(&writer);
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &writer;
    const int stride = picture.width * (info_.format.alpha ? 4 : 3);
    const int imported = info_.format.alpha ? WebPPictureImportRGBA(&picture, rgb.data(), stride)
                                            : WebPPictureImportRGB(&picture, rgb.data(), stride);
    const bool encoded = imported != 0 && WebPEncode(&config, &picture) != 0;
    WebPPictureFree(&picture);
    Bytes bytes;
    append_bytes(bytes, writer.mem, writer.size);
    WebPMemoryWriterClear(&writer);
    if (!encoded) {
      throw Error(ErrorCode::io, "Encoding the WebP image failed: is there enough memory?");
    }
    file()->write(with_metadata(bytes));
    file()->commit();
  }

 private:
  std::size_t source_samples() const {
    return static_cast<std::size_t>(info_.format.channels) + (info_.format.alpha ? 1U : 0U);
  }

  std::vector<std::uint8_t> to_rgb() const {
    const auto* from = reinterpret_cast<const std::uint8_t*>(pixels_.data());
    if (info_.format.channels == 3) {
      return {from, from + pixels_.size()};
    }
    std::vector<std::uint8_t> rgb;
    rgb.reserve(pixels_.size() * 3);
    for (std::size_t i = 0; i < pixels_.size(); i += source_samples()) {
      rgb.insert(rgb.end(), 3, from[i]);
      if (info_.format.alpha) {
        rgb.push_back(from[i + 1]);
      }
    }
    return rgb;
  }

  Bytes with_metadata(const Bytes& image) const {
    if (metadata_.icc.empty() && metadata_.exif.empty() && metadata_.xmp.empty()) {
      return image;
    }
    const WebPData plain = view(image);
    const std::unique_ptr<WebPMux, decltype(&WebPMuxDelete)> mux(WebPMuxCreate(&plain, 0), &WebPMuxDelete);
    bool fine = mux != nullptr;
    const auto set = [&](const char* name, const Bytes& bytes) {
      if (fine && !bytes.empty()) {
        const WebPData data = view(bytes);
        fine = WebPMuxSetChunk(mux.get(), name, &data, 0) == WEBP_MUX_OK;
      }
    };
    set("ICCP", metadata_.icc);
    set("EXIF", metadata_.exif);
    set("XMP ", metadata_.xmp);
    WebPData whole{nullptr, 0};
    if (!fine || WebPMuxAssemble(mux.get(), &whole) != WEBP_MUX_OK) {
      throw Error(ErrorCode::internal, "Adding metadata to the WebP image failed; try --strip.");
    }
    Bytes out;
    append_bytes(out, whole.bytes, whole.size);
    WebPDataClear(&whole);
    return out;
  }

  ImageInfo info_;
  Metadata metadata_;
  int quality_;
  Bytes pixels_;
};

}  // namespace

std::unique_ptr<FormatSink> make_webp_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                           const Metadata& metadata, const WriteOptions& options) {
  return std::make_unique<WebpSink>(std::move(file), info, metadata, options);
}

}  // namespace tessera
