// SPDX-License-Identifier: Apache-2.0
#include "process/sample_run.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "image/image.hpp"

namespace tessera {
namespace {

constexpr std::int64_t side_px = 512;
/// Rows are read at full width.
constexpr std::int64_t max_read_bytes = std::int64_t{64} << 20;
/// What is decoded as a whole takes as long as the image itself.
constexpr std::int64_t max_working_bytes = std::int64_t{128} << 20;

Tile read_part(Source& source) {
  const Extent& extent = source.info().extent;
  const std::int64_t affordable = max_read_bytes / std::max<std::int64_t>(1, source.info().row_bytes());
  const std::int64_t height = std::min({side_px, extent.height, std::max<std::int64_t>(1, affordable)});
  const std::int64_t width = std::min(side_px, extent.width);
  const std::int64_t y = source.random_access() ? (extent.height - height) / 2 : 0;
  Tile rows = Tile::allocate(Rect::of_rows({y, y + height}, extent.width), source.info().format);
  source.read_rows(rows);
  const Tile part = rows.view({(extent.width - width) / 2, y, width, height});
  return {{0, 0, width, height}, part.color.clone(), part.alpha.clone()};
}

}  // namespace

std::optional<double> sample_encoded_ratio(Source& source, const std::vector<Operator>& operators,
                                           const ProcessOptions& options) {
  if (source.working_bytes() > max_working_bytes) {
    return std::nullopt;
  }
  try {
    const Tile part = read_part(source);
    Bytes encoded;
    const std::unique_ptr<Communicator> comm = make_solo();
    const ProcessReport report = process_image({InputPixels{part}, "a part of the image"},
                                               {OutputBytes{&encoded}}, operators, options, {.comm = *comm});
    return static_cast<double>(encoded.size()) / static_cast<double>(report.out.bytes());
  } catch (const Error&) {
    return std::nullopt;  // the whole may be fine, or will be refused for what is wrong with it
  }
}

}  // namespace tessera
