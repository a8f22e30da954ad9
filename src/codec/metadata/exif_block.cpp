// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/exif_block.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "codec/metadata/exif_types.hpp"

namespace tessera {
namespace {

using namespace exif_type;

/// More than any camera writes; each costs a search.
constexpr std::uint64_t max_entries = 4096;

class Parser {
 public:
  explicit Parser(const TagFile& file) : file_(file), bytes_left_(file.max_value_bytes) {}

  std::optional<ExifBlock> run(const WantsTag& wants) {
    std::array<std::byte, 8> head{};
    if (!file_.read(0, head)) {
      return std::nullopt;
    }
    big_endian_ = head[0] == std::byte{'M'};
    const auto order = static_cast<char>(head[0]);
    if ((order != 'M' && order != 'I') || head[0] != head[1]) {
      return std::nullopt;
    }
    const std::uint64_t magic = number(std::span(head).subspan(2, 2), big_endian_);
    constexpr std::uint64_t classic_magic = 42;
    constexpr std::uint64_t big_magic = 43;
    std::uint64_t first = number(std::span(head).subspan(4, 4), big_endian_);
    if (magic == big_magic) {
      big_ = true;
      const auto offset = read_number(8, 8);
      if (!offset) {
        return std::nullopt;
      }
      first = *offset;
    } else if (magic != classic_magic) {
      return std::nullopt;
    }
    ExifBlock block;
    block.big_endian = big_endian_;
    if (!directory(first, block.main, &wants)) {
      return std::nullopt;
    }
    child(block.main, exif_tag::camera_directory, block.camera);
    child(block.main, exif_tag::location_directory, block.location);
    child(block.camera, exif_tag::interoperability_directory, block.interoperability);
    block.damaged = damaged_;
    block.maker_note_at = maker_note_at_;
    return block;
  }

 private:
  [[nodiscard]] std::optional<std::uint64_t> read_number(std::uint64_t at, unsigned bytes) const {
    std::array<std::byte, 8> raw{};
    if (!file_.read(at, std::span(raw).first(bytes))) {
      return std::nullopt;
    }
    return number(std::span(raw).first(bytes), big_endian_);
  }

  // Replaces the tag that points to a directory by the directory.
  void child(ExifDirectory& parent, std::uint16_t pointer, ExifDirectory& into) {
    const ExifTag* tag = find_tag(parent, pointer);
    if (tag == nullptr) {
      return;
    }
    const bool offset = tag->type == type_long || tag->type == 13 || tag->type == 16 || tag->type == 18;
    if (!offset || tag->count != 1 || !directory(number(tag->value, big_endian_), into, nullptr)) {
      damaged_ = true;
    }
    remove_tag(parent, pointer);
  }

  bool directory(std::uint64_t at, ExifDirectory& into, const WantsTag* wants) {
    const unsigned count_bytes = big_ ? 8 : 2;
    const std::size_t entry_bytes = big_ ? 20 : 12;
    const auto entries = read_number(at, count_bytes);
    if (!entries || *entries > max_entries) {
      return false;
    }
    at += count_bytes;
    const std::uint64_t there = std::min(*entries, at < file_.bytes ? (file_.bytes - at) / entry_bytes : 0);
    damaged_ = damaged_ || there < *entries;
    std::vector<std::byte> raw(there * entry_bytes);
    if (!raw.empty() && !file_.read(at, raw)) {
      return false;
    }
    for (std::size_t i = 0; i < there; ++i) {
      entry(std::span(raw).subspan(i * entry_bytes, entry_bytes), into, wants);
    }
    return true;
  }

  void entry(std::span<const std::byte> raw, ExifDirectory& into, const WantsTag* wants) {
    const unsigned word = big_ ? 8 : 4;
    ExifTag tag;
    tag.tag = static_cast<std::uint16_t>(number(raw.first(2), big_endian_));
    tag.type = static_cast<std::uint16_t>(number(raw.subspan(2, 2), big_endian_));
    tag.count = number(raw.subspan(4, word), big_endian_);
    if ((wants != nullptr && !(*wants)(tag.tag)) || find_tag(into, tag.tag) != nullptr) {
      return;
    }
    const TypeSize size = size_of_type(tag.type);
    if (size.value_bytes == 0 || tag.count == 0 || tag.count > bytes_left_ / size.value_bytes) {
      damaged_ = damaged_ || tag.count != 0;
      return;
    }
    tag.value.resize(tag.count * size.value_bytes);
    const auto field = raw.subspan(4 + word, word);
    if (tag.value.size() <= word) {
      std::copy_n(field.begin(), tag.value.size(), tag.value.begin());
    } else {
      const std::uint64_t at = number(field, big_endian_);
      if (at > file_.bytes || !file_.read(at, tag.value)) {
        damaged_ = true;
        return;
      }
      if (tag.tag == exif_tag::maker_note) {
        maker_note_at_ = at;
      }
    }
    bytes_left_ -= tag.value.size();
    into.push_back(std::move(tag));
  }

  const TagFile& file_;
  std::uint64_t bytes_left_;
  bool big_endian_ = false;
  bool big_ = false;
  bool damaged_ = false;
  std::uint64_t maker_note_at_ = 0;
};

void set_tag(ExifDirectory& directory, ExifTag tag) {
  const auto at = std::find_if(directory.begin(), directory.end(),
                               [&](const ExifTag& other) { return other.tag == tag.tag; });
  if (at == directory.end()) {
    directory.push_back(std::move(tag));
  } else {
    *at = std::move(tag);
  }
}

// Of the first directory: how pixels are stored, which is not said of ours.
bool is_structural(std::uint16_t tag) {
  constexpr std::array<std::uint16_t, 24> tags{
      0x00FE, 0x00FF, 0x0102, 0x0103, 0x0106, 0x010A, 0x0111, 0x0115, 0x0116, 0x0117, 0x011C, 0x013D,
      0x0140, 0x0142, 0x0143, 0x0144, 0x0145, 0x014A, 0x0152, 0x0153, 0x0201, 0x0202, 0x02BC, 0x8773};
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

}  // namespace

std::optional<ExifBlock> parse_tags(const TagFile& file, const WantsTag& wants) {
  return Parser(file).run(wants);
}

std::span<const std::byte> find_exif(std::span<const std::byte> stored) {
  constexpr std::size_t furthest = 64;
  constexpr std::array<std::byte, 4> little{std::byte{'I'}, std::byte{'I'}, std::byte{42}, std::byte{0}};
  constexpr std::array<std::byte, 4> big{std::byte{'M'}, std::byte{'M'}, std::byte{0}, std::byte{42}};
  for (std::size_t at = 0; at <= furthest && at + 8 <= stored.size(); ++at) {
    const auto here = stored.subspan(at, 4);
    if (std::equal(here.begin(), here.end(), little.begin()) ||
        std::equal(here.begin(), here.end(), big.begin())) {
      return stored.subspan(at);
    }
  }
  return {};
}

std::optional<ExifBlock> parse_exif(std::span<const std::byte> stored) {
  const auto block = find_exif(stored);
  TagFile file;
  file.bytes = block.size();
  file.max_value_bytes = block.size();
  file.read = [block](std::uint64_t at, std::span<std::byte> to) {
    if (at > block.size() || to.size() > block.size() - at) {
      return false;
    }
    std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(at), to.size(), to.begin());
    return true;
  };
  return parse_tags(file, [](std::uint16_t tag) { return !is_structural(tag); });
}

const ExifTag* find_tag(const ExifDirectory& directory, std::uint16_t tag) {
  const auto at = std::find_if(directory.begin(), directory.end(),
                               [tag](const ExifTag& other) { return other.tag == tag; });
  return at == directory.end() ? nullptr : &*at;
}

std::optional<std::uint32_t> whole_number(const ExifBlock& block, const ExifTag* tag) {
  if (tag == nullptr || (tag->type != type_byte && tag->type != type_short && tag->type != type_long)) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(
      number(std::span(tag->value).first(size_of_type(tag->type).value_bytes), block.big_endian));
}

double rational(const ExifBlock& block, const ExifTag* tag) {
  if (tag == nullptr || tag->type != type_rational) {
    return 0;
  }
  const auto above = static_cast<double>(number(std::span(tag->value).first(4), block.big_endian));
  const auto below = static_cast<double>(number(std::span(tag->value).subspan(4, 4), block.big_endian));
  return below == 0 ? 0 : above / below;
}

void remove_tag(ExifDirectory& directory, std::uint16_t tag) {
  std::erase_if(directory, [tag](const ExifTag& other) { return other.tag == tag; });
}

void set_short(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag, std::uint16_t value) {
  ExifTag made{tag, type_short, 1, Bytes(2)};
  store(made.value.data(), value, 2, block.big_endian);
  set_tag(directory, std::move(made));
}

void set_long(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag, std::uint32_t value) {
  ExifTag made{tag, type_long, 1, Bytes(4)};
  store(made.value.data(), value, 4, block.big_endian);
  set_tag(directory, std::move(made));
}

void set_rational(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag, double value) {
  // The smallest of these denominators that is exact; 300/1 rather than 3000000/10000.
  std::uint32_t below = 1;
  for (const std::uint32_t denominator : {1U, 10U, 100U, 1000U, 10'000U}) {
    if (value * denominator > std::numeric_limits<std::uint32_t>::max()) {
      break;
    }
    below = denominator;
    if (std::abs(std::round(value * denominator) / denominator - value) < 1e-9 * value) {
      break;
    }
  }
  ExifTag made{tag, type_rational, 1, Bytes(8)};
  store(made.value.data(), static_cast<std::uint64_t>(std::llround(value * below)), 4, block.big_endian);
  store(made.value.data() + 4, below, 4, block.big_endian);
  set_tag(directory, std::move(made));
}

}  // namespace tessera
