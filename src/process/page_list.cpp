// SPDX-License-Identifier: Apache-2.0
#include "process/page_list.hpp"

#include <optional>

#include "base/error.hpp"
#include "schema/output_options.hpp"

namespace tessera {
namespace {

/// Nothing where there is no such page or overview.
std::optional<ImageInfo> find_picture(const ImageInput& input, const ReadOptions& options) {
  try {
    return open_image(input, options)->info();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) {
      return std::nullopt;
    }
    throw;
  }
}

}  // namespace

std::vector<PageInfo> list_pages(const ImageInput& input, ReadOptions options) {
  options.page = 0;
  options.overview = 0;
  std::vector<PageInfo> pages{{open_image(input, options)->info(), {}}};
  if (sniff_input(input).format != ImageFormat::tiff) {
    return pages;
  }
  for (options.page = 2; options.page <= max_listed_pages; ++options.page) {
    const std::optional<ImageInfo> image = find_picture(input, options);
    if (!image) {
      break;
    }
    pages.push_back({*image, {}});
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    options.page = static_cast<int>(i) + 1;
    for (options.overview = 1; options.overview <= max_overview; ++options.overview) {
      const std::optional<ImageInfo> overview = find_picture(input, options);
      if (!overview) {
        break;
      }
      pages[i].overviews.push_back(*overview);
    }
  }
  return pages;
}

}  // namespace tessera
