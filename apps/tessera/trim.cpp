// SPDX-License-Identifier: Apache-2.0
#include "trim.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/error.hpp"
#include "ops/features/find_border.hpp"
#include "ops/geometry/crop.hpp"
#include "process/image_input.hpp"

namespace tessera::cli {

std::vector<Operator> after_trim(const ImageInput& input, double tolerance_level,
                                 const std::vector<Operator>& operators, const ProcessOptions& options,
                                 const ProcessContext& context) {
  if (!can_open_again(input)) {
    throw Error(ErrorCode::usage,
                "--trim reads an image twice, and standard input and pipes can be read only once: "
                "save the image to a file first.");
  }
  const ProcessReport looked = process_image(
      input, {NoOutput{}}, {make_operator(FindBorder{.tolerance = tolerance_level})}, options, context);
  // x, y, width and height; found is what the root is told.
  std::array<int, 4> content{};
  for (const Findings& found : looked.run.findings) {
    std::ranges::transform(found.values, content.begin(),
                           [](double value) { return static_cast<int>(value); });
  }
  context.comm.broadcast(std::as_writable_bytes(std::span(content)), 0);
  const auto [x, y, width, height] = content;
  if (width == 0) {
    return operators;
  }
  std::vector<Operator> all{make_operator(Crop{.x = x, .y = y, .width = width, .height = height})};
  all.insert(all.end(), operators.begin(), operators.end());
  return all;
}

}  // namespace tessera::cli
