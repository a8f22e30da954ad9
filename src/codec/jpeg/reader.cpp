// SPDX-License-Identifier: Apache-2.0
// JPEG: which of its readers an image gets.
#include "codec/common/native_readers.hpp"
#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"
#include "codec/jpeg/baseline.hpp"
#include "codec/jpeg/decoder.hpp"
#include "codec/jpeg/markers.hpp"
#include "codec/metadata/exif.hpp"

namespace tessera {
namespace {

std::vector<std::string> warnings_of(const JpegLayout& layout) {
  std::vector<std::string> warnings;
  if (layout.comments > 0) {
    warnings.emplace_back(layout.comments == 1 ? "A comment of the JPEG is not carried over."
                                               : "Comments of the JPEG are not carried over.");
  }
  if (layout.extended_xmp) {
    warnings.emplace_back("XMP beyond the first 64 KB of the JPEG is not carried over.");
  }
  return warnings;
}

}  // namespace

StoredImage open_jpeg(const InputPtr& input, const ReadOptions& options) {
  JpegLayout layout = scan_jpeg(input, options.limits);
  constexpr int cmyk_components = 4;
  const bool gray = layout.components == 1;
  ImageHeader header;
  header.info = {{layout.width, layout.height}, {Depth::u8, gray ? 1 : 3, false}};
  check_size(*input, options.limits, header.info, header.info.bytes(), Delivery::streamed);
  if (layout.components == cmyk_components) {
    // Whether it is in one scan is not known here; colour conversion streams.
    check_buffered(*input, options.limits, layout.coefficient_bytes, "a CMYK JPEG");
    StoredImage stored = open_vips(input, ImageFormat::jpeg, options);
    stored.orientation = exif_orientation(layout.metadata.exif);
    const std::vector<std::string> more = warnings_of(layout);
    stored.warnings.insert(stored.warnings.end(), more.begin(), more.end());
    stored.metadata = std::move(layout.metadata);
    return stored;
  }
  header.metadata = std::move(layout.metadata);
  auto decoder = make_jpeg_decoder(input, options);
  if (!decoder->agrees_with(layout)) {
    throw damaged(*input, ImageFormat::jpeg, "its markers contradict each other");
  }
  if (decoder->several_scans()) {
    check_size(*input, options.limits, header.info, header.info.bytes(), Delivery::held);
    check_buffered(*input, options.limits, layout.coefficient_bytes, "a JPEG in several scans");
    header.working_bytes = layout.coefficient_bytes;
  }
  const int orientation = exif_orientation(header.metadata.exif);
  const std::optional<JpegScan> scan =
      !native_readers_enabled() || decoder->several_scans() ? std::nullopt : decoder->plain_scan();
  auto source = make_row_source(std::move(header), std::move(decoder), options.salvage);
  return {scan ? make_plain_jpeg_source(input, *scan, std::move(source)) : std::move(source), orientation,
          warnings_of(layout)};
}

}  // namespace tessera
