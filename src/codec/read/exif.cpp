#include "codec/read/exif.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tessera {
namespace {

constexpr std::uint32_t tag_orientation = 0x0112;
constexpr std::uint32_t tag_resolution_x = 0x011A;
constexpr std::uint32_t tag_resolution_y = 0x011B;
constexpr std::uint32_t tag_resolution_unit = 0x0128;
constexpr std::uint32_t type_short = 3;
constexpr std::uint32_t type_rational = 5;

// An EXIF block is a TIFF file without pixels.
class ExifView {
 public:
  explicit ExifView(const Bytes& bytes) : bytes_(&bytes) {
    big_endian_ = bytes.size() >= 2 && bytes[0] == std::byte{'M'};
  }
  [[nodiscard]] bool big_endian() const { return big_endian_; }

  [[nodiscard]] std::optional<std::uint32_t> number(std::uint64_t at, unsigned count) const {
    if (at + count > bytes_->size()) {
      return std::nullopt;
    }
    std::uint32_t value = 0;
    for (unsigned i = 0; i < count; ++i) {
      const auto byte = static_cast<std::uint32_t>((*bytes_)[at + (big_endian_ ? i : count - 1 - i)]);
      value = value << 8 | byte;
    }
    return value;
  }

  // Where the first directory's values of this tag and type stand (for long values: where they point to);
  // normally one.
  [[nodiscard]] std::vector<std::uint64_t> places(std::uint32_t tag, std::uint32_t type) const {
    std::vector<std::uint64_t> found;
    const auto directory = number(4, 4);
    const auto entries = directory ? number(*directory, 2) : std::nullopt;
    if (number(2, 2) != 42U || !entries) {
      return found;
    }
    for (std::uint64_t i = 0; i < *entries; ++i) {
      const std::uint64_t entry = std::uint64_t{*directory} + 2 + i * 12;
      const auto value = number(entry + 8, 4);
      if (number(entry, 2) == tag && number(entry + 2, 2) == type && value) {
        found.push_back(type == type_rational ? *value : entry + 8);
      }
    }
    return found;
  }

  [[nodiscard]] double rational(std::uint32_t tag) const {
    const auto at = places(tag, type_rational);
    if (at.empty()) {
      return 0;
    }
    const double above = number(at.front(), 4).value_or(0);
    const double below = number(at.front() + 4, 4).value_or(0);
    return below == 0 ? 0 : above / below;
  }

 private:
  const Bytes* bytes_;
  bool big_endian_ = false;
};

}  // namespace

int exif_orientation(const Bytes& exif) {
  const ExifView view(exif);
  const auto places = view.places(tag_orientation, type_short);
  const std::uint32_t value = places.empty() ? 1 : view.number(places.front(), 2).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

Resolution exif_resolution(const Bytes& exif) {
  const ExifView view(exif);
  const auto unit_place = view.places(tag_resolution_unit, type_short);
  constexpr std::uint32_t unit_none = 1;
  constexpr std::uint32_t unit_inch = 2;
  constexpr std::uint32_t unit_cm = 3;
  const std::uint32_t unit =
      unit_place.empty() ? unit_inch : view.number(unit_place.front(), 2).value_or(unit_none);
  if (unit != unit_inch && unit != unit_cm) {
    return {};
  }
  const double mm = unit == unit_cm ? 10 : 25.4;
  return {view.rational(tag_resolution_x) / mm, view.rational(tag_resolution_y) / mm};
}

void clear_exif_orientation(Bytes& exif) {
  const ExifView view(exif);
  for (const std::uint64_t place : view.places(tag_orientation, type_short)) {
    exif[place] = std::byte{view.big_endian() ? std::uint8_t{0} : std::uint8_t{1}};
    exif[place + 1] = std::byte{view.big_endian() ? std::uint8_t{1} : std::uint8_t{0}};
  }
}

void clear_xmp_orientation(Bytes& xmp) {
  const std::string_view text(reinterpret_cast<const char*>(xmp.data()), xmp.size());
  constexpr std::string_view name = "tiff:Orientation";
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t digit = text.find_first_not_of(" \t\r\n=\"'>", at + name.size());
    if (digit != std::string_view::npos && text[digit] >= '1' && text[digit] <= '8' &&
        digit > at + name.size()) {
      xmp[digit] = std::byte{'1'};
    }
  }
}

}  // namespace tessera
