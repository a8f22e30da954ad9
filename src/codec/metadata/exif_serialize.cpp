// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "codec/metadata/exif_block.hpp"
#include "codec/metadata/exif_types.hpp"

namespace tessera {
namespace {

using namespace exif_type;

struct WriterOptions {
  bool big_endian = false;
  bool swap = false;  ///< values are in the other byte order
  bool big_tiff = false;
  std::uint64_t begin = 0;  ///< offset of the first byte that is written
  std::uint64_t pin_begin = 0;
  std::uint64_t pin_bytes = 0;
};

// Puts directories and values one behind the other, around a maker note that keeps its place.
class Writer {
 public:
  explicit Writer(const WriterOptions& options, std::uint64_t header_bytes = 0)
      : options_(options), next_(options.begin + header_bytes) {}

  std::uint64_t reserve(const ExifDirectory& tags, std::size_t pointers) {
    return place(count_bytes() + (tags.size() + pointers) * entry_bytes() + word());
  }

  void write(std::uint64_t at, ExifDirectory tags) {
    std::stable_sort(tags.begin(), tags.end(),
                     [](const ExifTag& a, const ExifTag& b) { return a.tag < b.tag; });
    put(at, tags.size(), count_bytes());
    at += count_bytes();
    for (const ExifTag& tag : tags) {
      put(at, tag.tag, 2);
      put(at + 2, tag.type, 2);
      put(at + 4, tag.count, word());
      std::uint64_t field = at + 4 + word();
      if (tag.value.size() > word()) {
        const bool pinned = tag.tag == exif_tag::maker_note && options_.pin_bytes == tag.value.size();
        const std::uint64_t target = pinned ? options_.pin_begin : place(tag.value.size());
        put(field, target, word());
        field = target;
      }
      copy(field, tag);
      at += entry_bytes();
    }
  }

  void put(std::uint64_t at, std::uint64_t value, unsigned bytes) {
    need(at + bytes);
    store(out_.data() + (at - options_.begin), value, bytes, options_.big_endian);
  }

  ExifTag pointer(std::uint16_t tag, std::uint64_t at) const {
    constexpr std::uint16_t type_long8 = 16;
    ExifTag made{tag, options_.big_tiff ? type_long8 : type_long, 1, Bytes(word())};
    store(made.value.data(), at, word(), options_.big_endian != options_.swap);
    return made;
  }

  Bytes take() { return std::move(out_); }

 private:
  [[nodiscard]] unsigned word() const { return options_.big_tiff ? 8 : 4; }
  [[nodiscard]] unsigned count_bytes() const { return options_.big_tiff ? 8 : 2; }
  [[nodiscard]] std::size_t entry_bytes() const { return options_.big_tiff ? 20 : 12; }

  std::uint64_t place(std::uint64_t bytes) {
    const std::uint64_t pin_end = options_.pin_begin + options_.pin_bytes;
    if (next_ < pin_end && next_ + bytes > options_.pin_begin) {
      // What is small enough may still go before the maker note later.
      if (behind_ < pin_end) {
        behind_ = pin_end + pin_end % 2;
      }
      return advance(behind_, bytes);
    }
    return advance(next_, bytes);
  }

  std::uint64_t advance(std::uint64_t& cursor, std::uint64_t bytes) {
    const std::uint64_t at = cursor;
    cursor += bytes + bytes % 2;
    need(cursor);
    return at;
  }

  void need(std::uint64_t end) {
    if (out_.size() < end - options_.begin) {
      out_.resize(end - options_.begin, std::byte{0});
    }
  }

  void copy(std::uint64_t at, const ExifTag& tag) {
    need(at + tag.value.size());
    std::byte* to = out_.data() + (at - options_.begin);
    std::copy(tag.value.begin(), tag.value.end(), to);
    const unsigned unit = size_of_type(tag.type).word_bytes;
    for (std::size_t i = 0; options_.swap && unit > 1 && i + unit <= tag.value.size(); i += unit) {
      std::reverse(to + i, to + i + unit);
    }
  }

  WriterOptions options_;
  Bytes out_;
  std::uint64_t next_;
  std::uint64_t behind_ = 0;
};

// The directories below the main one.
struct Places {
  std::uint64_t camera = 0;
  std::uint64_t location = 0;
};

Places write_children(Writer& writer, const ExifBlock& block) {
  Places places;
  ExifDirectory camera = block.camera;
  const bool interoperable = !block.interoperability.empty();
  if (!camera.empty() || interoperable) {
    places.camera = writer.reserve(camera, interoperable ? 1 : 0);
    if (interoperable) {
      const std::uint64_t at = writer.reserve(block.interoperability, 0);
      writer.write(at, block.interoperability);
      camera.push_back(writer.pointer(exif_tag::interoperability_directory, at));
    }
    writer.write(places.camera, std::move(camera));
  }
  if (!block.location.empty()) {
    places.location = writer.reserve(block.location, 0);
    writer.write(places.location, block.location);
  }
  return places;
}

}  // namespace

Bytes serialize_exif(const ExifBlock& block) {
  constexpr std::uint64_t header_bytes = 8;
  WriterOptions options;
  options.big_endian = block.big_endian;
  const ExifTag* note = find_tag(block.camera, exif_tag::maker_note);
  // Farther away than the rest could reach there is nothing to keep it in its place for.
  std::uint64_t others = header_bytes;
  for (const ExifDirectory* directory :
       {&block.main, &block.camera, &block.location, &block.interoperability}) {
    for (const ExifTag& tag : *directory) {
      others += 16 + tag.value.size();
    }
  }
  constexpr std::uint64_t empty_bytes_allowed = 65536;
  if (note != nullptr && note->value.size() > 4 && block.maker_note_at >= header_bytes &&
      block.maker_note_at <= others + empty_bytes_allowed) {
    options.pin_begin = block.maker_note_at;
    options.pin_bytes = note->value.size();
  }
  Writer writer(options, header_bytes);
  writer.put(0, block.big_endian ? 0x4D4D : 0x4949, 2);
  writer.put(2, 42, 2);
  ExifDirectory main = block.main;
  const bool has_camera = !block.camera.empty() || !block.interoperability.empty();
  const std::size_t pointers = (has_camera ? 1U : 0U) + (block.location.empty() ? 0U : 1U);
  const std::uint64_t at = writer.reserve(main, pointers);
  writer.put(4, at, 4);
  const Places places = write_children(writer, block);
  if (places.camera != 0) {
    main.push_back(writer.pointer(exif_tag::camera_directory, places.camera));
  }
  if (places.location != 0) {
    main.push_back(writer.pointer(exif_tag::location_directory, places.location));
  }
  writer.write(at, std::move(main));
  return writer.take();
}

TiffDirectories serialize_for_tiff(const ExifBlock& block, std::uint64_t begin, bool big_tiff) {
  WriterOptions options;
  options.swap = block.big_endian;
  options.big_tiff = big_tiff;
  options.begin = begin;
  Writer writer(options);
  const Places places = write_children(writer, block);
  return {writer.take(), places.camera, places.location};
}

}  // namespace tessera
