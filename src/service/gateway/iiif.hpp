// SPDX-License-Identifier: Apache-2.0
// The words of the IIIF Image API 3.0 (https://iiif.io/api/image/3.0/): requests for a part of a picture, and the
// description of a picture. Tiles by level and place (XYZ) are the same parts under other names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "ranks/messages.hpp"
#include "schema/output_options.hpp"

namespace tessera::service {

struct PictureSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool operator==(const PictureSize&) const = default;
};

/// A request, resolved for one picture.
struct IiifPart {
  ShowPart part;  ///< what is to be made
  FileFormat format = FileFormat::jpeg;
  std::string canonical;  ///< REGION/SIZE/ROTATION/QUALITY.FORMAT in the canonical form (section 4.7)
};

/// The four path segments, decoded. A size beyond `max_pixels` is reduced where the request leaves the size to
/// the service ("max"). Throws Error(usage), which is 400, for what is malformed, lies outside the picture or asks
/// for more pixels than there are without '^'.
[[nodiscard]] IiifPart parse_iiif(std::string_view region, std::string_view size, std::string_view rotation,
                                  std::string_view quality_and_format, const PictureSize& picture,
                                  std::int64_t max_pixels);

/// info.json. `id` is the URL of the image service.
[[nodiscard]] Json iiif_info(const std::string& id, const PictureSize& picture, std::int64_t max_pixels);

/// Of tiles by level and place; as Web maps have them, but of the picture's own pixels.
inline constexpr std::int64_t xyz_tile_px = 256;
/// The level at full size; at level 0 the whole picture fits into one tile.
[[nodiscard]] int xyz_levels(const PictureSize& picture);
/// Nothing where the picture has no such tile. `y` has the format's extension. Throws Error(usage).
[[nodiscard]] std::optional<IiifPart> parse_xyz(std::string_view z, std::string_view x, std::string_view y,
                                                const PictureSize& picture);

}  // namespace tessera::service
