#include "codec/read/exif.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tessera {
namespace {

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

  // Where the values of orientation tags stand; normally one.
  [[nodiscard]] std::vector<std::uint64_t> orientation_places() const {
    constexpr std::uint32_t orientation_tag = 0x0112;
    constexpr std::uint32_t type_short = 3;
    std::vector<std::uint64_t> places;
    const auto directory = number(4, 4);
    const auto entries = directory ? number(*directory, 2) : std::nullopt;
    if (number(2, 2) != 42U || !entries) {
      return places;
    }
    for (std::uint64_t i = 0; i < *entries; ++i) {
      const std::uint64_t entry = std::uint64_t{*directory} + 2 + i * 12;
      if (number(entry, 2) == orientation_tag && number(entry + 2, 2) == type_short && number(entry + 8, 2)) {
        places.push_back(entry + 8);
      }
    }
    return places;
  }

 private:
  const Bytes* bytes_;
  bool big_endian_ = false;
};

}  // namespace

int exif_orientation(const Bytes& exif) {
  const ExifView view(exif);
  const auto places = view.orientation_places();
  const std::uint32_t value = places.empty() ? 1 : view.number(places.front(), 2).value_or(1);
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

void clear_exif_orientation(Bytes& exif) {
  const ExifView view(exif);
  for (const std::uint64_t place : view.orientation_places()) {
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
