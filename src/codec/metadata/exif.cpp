// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/exif.hpp"

#include "codec/metadata/exif_block.hpp"

namespace tessera {
namespace {

constexpr std::uint16_t unit_none = 1;
constexpr std::uint16_t unit_inch = 2;
constexpr std::uint16_t unit_centimetre = 3;

void set_resolution(ExifBlock& block, const Resolution& resolution) {
  const bool metre = resolution.unit == Resolution::Unit::metre;
  const double scale = metre ? 0.01 : 1;
  set_rational(block, block.main, exif_tag::resolution_x, resolution.x * scale);
  set_rational(block, block.main, exif_tag::resolution_y, resolution.y * scale);
  std::uint16_t unit = unit_centimetre;
  if (resolution.unit == Resolution::Unit::inch) {
    unit = unit_inch;
  } else if (resolution.unit == Resolution::Unit::ratio) {
    unit = unit_none;
  }
  set_short(block, block.main, exif_tag::resolution_unit, unit);
}

void update_dimension(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag,
                      std::int64_t pixels) {
  if (find_tag(directory, tag) != nullptr) {
    set_long(block, directory, tag, static_cast<std::uint32_t>(pixels));
  }
}

template <class Edit>
Bytes edited(const Bytes& exif, Edit edit) {
  auto block = parse_exif(exif);
  if (!block) {
    return {};
  }
  edit(*block);
  return block->empty() ? Bytes() : serialize_exif(*block);
}

}  // namespace

int exif_orientation(const Bytes& exif) {
  const auto block = parse_exif(exif);
  const auto value =
      block ? whole_number(*block, find_tag(block->main, exif_tag::orientation)) : std::nullopt;
  return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
}

Resolution exif_resolution(const Bytes& exif) {
  const auto block = parse_exif(exif);
  if (!block) {
    return {};
  }
  const std::uint32_t unit =
      whole_number(*block, find_tag(block->main, exif_tag::resolution_unit)).value_or(unit_inch);
  Resolution resolution{rational(*block, find_tag(block->main, exif_tag::resolution_x)),
                        rational(*block, find_tag(block->main, exif_tag::resolution_y))};
  if (unit == unit_none) {
    resolution.unit = Resolution::Unit::ratio;
  } else if (unit == unit_centimetre) {
    resolution.unit = Resolution::Unit::centimetre;
  } else if (unit != unit_inch) {
    return {};
  }
  const bool no_ratio = resolution.unit == Resolution::Unit::ratio && resolution.x == resolution.y;
  return resolution.known() && !no_ratio ? resolution : Resolution{};
}

CleanExif clean_exif(const Bytes& stored) {
  auto block = parse_exif(stored);
  if (!block || block->empty()) {
    return {};
  }
  if (find_tag(block->main, exif_tag::orientation) != nullptr) {
    set_short(*block, block->main, exif_tag::orientation, 1);
  }
  return {serialize_exif(*block), block->damaged};
}

Bytes exif_of_result(const Bytes& exif, const Extent& extent, const Resolution& resolution,
                     bool add_resolution) {
  if (exif.empty()) {
    ExifBlock block;
    if (!add_resolution || !resolution.known()) {
      return {};
    }
    set_resolution(block, resolution);
    return serialize_exif(block);
  }
  return edited(exif, [&](ExifBlock& block) {
    update_dimension(block, block.main, exif_tag::image_width, extent.width);
    update_dimension(block, block.main, exif_tag::image_height, extent.height);
    update_dimension(block, block.camera, exif_tag::pixel_width, extent.width);
    update_dimension(block, block.camera, exif_tag::pixel_height, extent.height);
    const bool says_resolution = find_tag(block.main, exif_tag::resolution_x) != nullptr;
    if (resolution.known() && (says_resolution || add_resolution)) {
      set_resolution(block, resolution);
    }
  });
}

Bytes exif_without_location(const Bytes& exif) {
  return edited(exif, [](ExifBlock& block) { block.location.clear(); });
}

Bytes exif_without_maker_note(const Bytes& exif) {
  return edited(exif, [](ExifBlock& block) { remove_tag(block.camera, exif_tag::maker_note); });
}

}  // namespace tessera
