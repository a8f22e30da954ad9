// SPDX-License-Identifier: Apache-2.0
#include "codec/levels.hpp"

#include <array>
#include <span>

#include "codec/common/openers.hpp"
#include "codec/sniff.hpp"
#include "codec/tiff/file.hpp"
#include "codec/tiff/pages.hpp"

namespace tessera {
namespace {

bool is_tiff(const Input& input) {
  std::array<std::byte, sniff_bytes> head{};
  const std::size_t got = input.read_at(0, head);
  return sniff(std::span(head).first(got)).format == ImageFormat::tiff;
}

}  // namespace

std::vector<std::unique_ptr<Source>> open_levels(int descriptor, const std::string& name,
                                                 const ReadOptions& options) {
  std::vector<std::unique_ptr<Source>> levels;
  const InputPtr input = open_descriptor_input(descriptor, name);
  if (!is_tiff(*input)) {
    return levels;
  }
  const TiffPages pages = find_tiff_pages(*input, options);
  if (pages.pictures != 1 || !pages.is_first || pages.reduced.empty()) {
    return levels;
  }
  ImageInfo above = open_tiff(input, options).source->info();
  for (const std::uint64_t directory : pages.reduced) {
    const InputPtr level_input = with_first_directory(input, directory);
    const TiffLayout layout = TiffFile(level_input).layout();
    const Extent half{(above.extent.width + 1) / 2, (above.extent.height + 1) / 2};
    if (layout.orientation != ORIENTATION_TOPLEFT || Extent{layout.width, layout.height} != half) {
      break;
    }
    StoredImage stored = open_tiff(level_input, options);
    if (stored.source->info() != ImageInfo{half, above.format} || !stored.source->random_access()) {
      break;
    }
    above = stored.source->info();
    levels.push_back(finish_opening(std::move(stored), *level_input, options));
  }
  return levels;
}

}  // namespace tessera
