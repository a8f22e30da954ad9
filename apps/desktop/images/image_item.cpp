// SPDX-License-Identifier: Apache-2.0
#include "images/image_item.hpp"

#include <QColorSpace>
#include <QFile>
#include <QImageReader>
#include <algorithm>

#include "base/error.hpp"
#include "codec/reader.hpp"
#include "preview/pictures.hpp"

namespace tessera::desktop {
namespace {

QString path_text(const std::filesystem::path& file) { return QFile::decodeName(file.c_str()); }

Extent thumbnail_extent(const Extent& extent) {
  const double longest = static_cast<double>(std::max(extent.width, extent.height));
  return scaled_extent(extent, std::min(1.0, thumbnail_side_px / longest));
}

/// libjpeg skips most of the work when a small copy is all that is wanted, which Qt knows how to ask for.
QImage jpeg_thumbnail(const std::filesystem::path& file, const Extent& shown) {
  QImageReader reader(path_text(file));
  reader.setDecideFormatFromContent(true);
  reader.setAutoTransform(true);
  QSize size(static_cast<int>(shown.width), static_cast<int>(shown.height));
  if (reader.transformation().testFlag(QImageIOHandler::TransformationRotate90)) {
    size.transpose();
  }
  reader.setScaledSize(size);
  QImage image = reader.read();
  if (image.colorSpace().isValid()) {
    image.convertToColorSpace(QColorSpace::SRgb);
  }
  return image.isNull() ? image : image.convertToFormat(QImage::Format_RGB32);
}

/// In bands of rows, so that even a huge picture takes little memory.
QImage thumbnail_of(Source& source) {
  const ImageInfo& info = source.info();
  const Extent small = thumbnail_extent(info.extent);
  Tile result = Tile::allocate(Rect::whole(small), info.format);
  std::int64_t done = 0;
  for (std::int64_t row = 0; row < small.height; ++row) {
    const std::int64_t end = (row + 1) * info.extent.height / small.height;
    Tile band = Tile::allocate(Rect::of_rows({done, end}, info.extent.width), info.format);
    source.read_rows(band);
    Tile line = shrink(band, {small.width, 1});
    line.rect = Rect::of_rows({row, row + 1}, small.width);
    copy_overlap(line, result);
    done = end;
  }
  return to_image(result, source.metadata().icc);
}

}  // namespace

ImageFacts read_facts(const std::filesystem::path& file) {
  ImageFacts facts;
  try {
    std::error_code ignored;
    facts.file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(file, ignored));
    QFile head(path_text(file));
    if (head.open(QIODevice::ReadOnly)) {
      const QByteArray bytes = head.read(static_cast<qint64>(sniff_bytes));
      const Sniffed sniffed =
          sniff(std::as_bytes(std::span(bytes.constData(), static_cast<std::size_t>(bytes.size()))));
      if (sniffed.format) {
        const std::string_view name = format_name(*sniffed.format);
        facts.format = QString::fromLatin1(name.data(), static_cast<qsizetype>(name.size()));
      }
      const std::unique_ptr<Source> source = open_image(file);
      facts.info = source->info();
      if (sniffed.format == ImageFormat::jpeg) {
        facts.thumbnail = jpeg_thumbnail(file, thumbnail_extent(facts.info.extent));
      }
      if (facts.thumbnail.isNull()) {
        facts.thumbnail = thumbnail_of(*source);
      }
    } else {
      static_cast<void>(open_image(file));  // for its sentence
    }
  } catch (const std::exception& error) {
    facts.error = QString::fromUtf8(error.what());
  }
  return facts;
}

}  // namespace tessera::desktop
