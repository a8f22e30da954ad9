// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/directory.hpp"

#include <tiff.h>

#include <cstring>
#include <string>
#include <vector>

#include "codec/metadata/exif_block.hpp"

namespace tessera {
namespace {

void put(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
}

void pad(Bytes& out) {
  while (out.size() % TiffDirectory::alignment != 0) {
    out.push_back(std::byte{0});
  }
}

}  // namespace

void TiffDirectory::set_bytes(std::uint16_t tag, std::uint16_t type, std::uint64_t count,
                              std::span<const std::byte> value) {
  tags_[tag] = {type, count, Bytes(value.begin(), value.end())};
}

void TiffDirectory::set_shorts(std::uint16_t tag, std::span<const std::uint16_t> values) {
  Bytes bytes;
  for (const std::uint16_t value : values) {
    put(bytes, value, 2);
  }
  set_bytes(tag, TIFF_SHORT, values.size(), bytes);
}

void TiffDirectory::set_long(std::uint16_t tag, std::uint32_t value) {
  Bytes bytes;
  put(bytes, value, 4);
  set_bytes(tag, TIFF_LONG, 1, bytes);
}

void TiffDirectory::set_offsets(std::uint16_t tag, std::span<const std::uint64_t> values) {
  Bytes bytes;
  bytes.reserve(values.size() * 8);
  for (const std::uint64_t value : values) {
    put(bytes, value, big_ ? 8 : 4);
  }
  set_bytes(tag, big_ ? TIFF_LONG8 : TIFF_LONG, values.size(), bytes);
}

void TiffDirectory::set_directory(std::uint16_t tag, std::uint64_t offset) {
  Bytes bytes;
  put(bytes, offset, big_ ? 8 : 4);
  set_bytes(tag, big_ ? TIFF_IFD8 : TIFF_LONG, 1, bytes);
}

void TiffDirectory::set_text(std::uint16_t tag, std::string_view text) {
  const std::string ended(text.substr(0, text.find('\0')));
  set_bytes(tag, TIFF_ASCII, ended.size() + 1, std::as_bytes(std::span(ended.c_str(), ended.size() + 1)));
}

void TiffDirectory::set_rational(std::uint16_t tag, double value) {
  ExifDirectory made;
  tessera::set_rational(ExifBlock{}, made, tag, value);
  set_bytes(tag, TIFF_RATIONAL, 1, made.front().value);
}

std::uint64_t TiffDirectory::table_bytes() const {
  return aligned(big_ ? 8 + tags_.size() * 20 + 8 : 2 + tags_.size() * 12 + 4);
}

std::uint64_t TiffDirectory::size() const {
  std::uint64_t size = table_bytes();
  for (const auto& [number, tag] : tags_) {
    size += tag.value.size() > inline_bytes() ? aligned(tag.value.size()) : 0;
  }
  return size;
}

Bytes TiffDirectory::serialize(std::uint64_t begin, std::uint64_t next) const {
  const int word = big_ ? 8 : 4;
  Bytes table;
  Bytes values;
  put(table, tags_.size(), big_ ? 8 : 2);
  for (const auto& [number, tag] : tags_) {
    put(table, number, 2);
    put(table, tag.type, 2);
    put(table, tag.count, word);
    if (tag.value.size() > inline_bytes()) {
      put(table, begin + table_bytes() + values.size(), word);
      values.insert(values.end(), tag.value.begin(), tag.value.end());
      pad(values);
    } else {
      table.insert(table.end(), tag.value.begin(), tag.value.end());
      table.insert(table.end(), inline_bytes() - tag.value.size(), std::byte{0});
    }
  }
  put(table, next, word);
  pad(table);
  table.insert(table.end(), values.begin(), values.end());
  return table;
}

Bytes tiff_file_header(bool big, std::uint64_t directory) {
  Bytes header{std::byte{'I'}, std::byte{'I'}};
  if (big) {
    put(header, 43, 2);
    put(header, 8, 2);
    put(header, 0, 2);
    put(header, directory, 8);
  } else {
    put(header, 42, 2);
    put(header, directory, 4);
  }
  return header;
}

}  // namespace tessera
