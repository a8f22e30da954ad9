// SPDX-License-Identifier: Apache-2.0
#include "preview/image_store.hpp"

#include <algorithm>

#include "codec/reader.hpp"
#include "engine/workers.hpp"
#include "preview/pictures.hpp"

namespace tessera::desktop {
namespace {

constexpr std::int64_t rows_at_a_time = 128;
/// Side of the small copy of a picture that is too big to hold.
constexpr std::int64_t copy_side_px = 4096;

Tile read_whole(Source& source, const std::stop_token& stop) {
  const ImageInfo& info = source.info();
  Tile whole = Tile::allocate(Rect::whole(info.extent), info.format);
  for (std::int64_t row = 0; row < info.extent.height; row += rows_at_a_time) {
    throw_if_stopped(stop);
    const std::int64_t end = std::min(row + rows_at_a_time, info.extent.height);
    Tile rows = whole.view(Rect::of_rows({row, end}, info.extent.width));
    source.read_rows(rows);
  }
  return whole;
}

/// Each pixel is the mean of `step` x `step`; only so many rows are held.
Tile read_small(Source& source, std::int64_t step, const std::stop_token& stop) {
  const ImageInfo& info = source.info();
  const Extent small{(info.extent.width + step - 1) / step, (info.extent.height + step - 1) / step};
  Tile result = Tile::allocate(Rect::whole(small), info.format);
  for (std::int64_t row = 0; row < small.height; ++row) {
    throw_if_stopped(stop);
    const Interval rows{row * step, std::min((row + 1) * step, info.extent.height)};
    Tile read = Tile::allocate(Rect::of_rows(rows, info.extent.width), info.format);
    source.read_rows(read);
    Tile line = shrink(read, {small.width, 1});
    line.rect.y = row;
    copy_overlap(line, result);
  }
  return result;
}

std::int64_t held_bytes(const HeldImage& image) {
  return static_cast<std::int64_t>(image.pixels.color.total() * image.pixels.color.elemSize() +
                                   image.pixels.alpha.total() * image.pixels.alpha.elemSize());
}

}  // namespace

std::shared_ptr<const HeldImage> ImageStore::load(const std::filesystem::path& file,
                                                  const std::stop_token& stop) {
  std::error_code ignored;
  const auto changed = std::filesystem::last_write_time(file, ignored);
  if (auto held = find(file, changed)) {
    return held;
  }
  const std::unique_ptr<Source> source = open_image(file);
  auto image = std::make_shared<HeldImage>();
  image->info = source->info();
  image->icc = source->metadata().icc;
  if (image->info.bytes() <= max_bytes_) {
    image->pixels = read_whole(*source, stop);
  } else {
    const std::int64_t longest = std::max(image->info.extent.width, image->info.extent.height);
    image->pixels = read_small(*source, (longest + copy_side_px - 1) / copy_side_px, stop);
  }
  keep({file, changed, image});
  return image;
}

std::shared_ptr<const HeldImage> ImageStore::find(const std::filesystem::path& file,
                                                  std::filesystem::file_time_type changed) {
  const std::scoped_lock lock(mutex_);
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.file == file && entry.changed == changed; });
  if (found == entries_.end()) {
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found);
  return entries_.front().image;
}

void ImageStore::keep(Entry entry) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(entries_, [&](const Entry& other) { return other.file == entry.file; });
  entries_.push_front(std::move(entry));
  std::int64_t bytes = 0;
  for (auto at = entries_.begin(); at != entries_.end();) {
    bytes += held_bytes(*at->image);
    at = bytes > max_bytes_ && at != entries_.begin() ? entries_.erase(at) : std::next(at);
  }
}

}  // namespace tessera::desktop
