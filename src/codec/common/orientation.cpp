// SPDX-License-Identifier: Apache-2.0
#include "codec/common/orientation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <opencv2/core.hpp>

#include "codec/common/rows.hpp"

namespace tessera {
namespace {

// As in EXIF: 5..8 exchange rows and columns.
bool transposes(int orientation) { return orientation >= 5; }
bool mirrors_columns(int orientation) {
  return orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
}
bool mirrors_rows(int orientation) {
  return orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
}

void flip_in_place(cv::Mat& plane, bool columns, bool rows) {
  if (plane.empty() || (!columns && !rows)) {
    return;
  }
  cv::flip(plane, plane, columns && rows ? -1 : (columns ? 1 : 0));
}

/// Whether the pixels of a reduced picture that stand for fewer of the full one, where there are some, are still its
/// last ones once it is mirrored, as reduced_extent() has them.
bool keeps_first_pixels(const Extent& full, bool mirrored_columns, bool mirrored_rows, int factor) {
  return (!mirrored_columns || full.width % factor == 0) && (!mirrored_rows || full.height % factor == 0);
}

// Mirrors strip by strip.
class MirroredSource final : public Source {
 public:
  MirroredSource(std::unique_ptr<Source> stored, int orientation)
      : stored_(std::move(stored)),
        columns_(mirrors_columns(orientation)),
        rows_(mirrors_rows(orientation)) {}
  const ImageInfo& info() const override { return stored_->info(); }
  const Metadata& metadata() const override { return stored_->metadata(); }
  bool random_access() const override { return stored_->random_access(); }
  std::int64_t working_bytes() const override { return stored_->working_bytes(); }
  bool reduce(int factor) override {
    return keeps_first_pixels(info().extent, columns_, rows_, factor) && stored_->reduce(factor);
  }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    const std::int64_t height = info().extent.height;
    stored_->read_ahead(rows_ ? Interval{height - rows.end, height - rows.begin} : rows, max_bytes);
  }
  std::vector<std::string> warnings() const override { return stored_->warnings(); }

  void read_rows(Tile& out) override {
    check_tile(out, info());
    if (out.rect.height == 0) {
      return;
    }
    Tile from = out;
    if (rows_) {
      from.rect.y = info().extent.height - out.rect.y - out.rect.height;
    }
    stored_->read_rows(from);
    flip_in_place(out.color, columns_, rows_);
    flip_in_place(out.alpha, columns_, rows_);
  }

 private:
  std::unique_ptr<Source> stored_;
  bool columns_;
  bool rows_;
};

// Reads everything at the first call and serves rows from there.
class HeldSource final : public Source {
 public:
  HeldSource(std::unique_ptr<Source> stored, int orientation)
      : stored_(std::move(stored)), metadata_(stored_->metadata()), orientation_(orientation) {
    take_info();
  }
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return false; }
  std::int64_t working_bytes() const override {
    return info_.bytes() + (stored_ ? stored_->working_bytes() : 0);
  }
  bool reduce(int factor) override {
    if (!stored_ ||
        !keeps_first_pixels(info_.extent, mirrors_columns(orientation_), mirrors_rows(orientation_),
                            factor) ||
        !stored_->reduce(factor)) {
      return false;
    }
    take_info();
    return true;
  }
  std::vector<std::string> warnings() const override { return stored_ ? stored_->warnings() : warnings_; }

  void read_rows(Tile& out) override {
    check_tile(out, info_);
    if (stored_) {
      hold();
    }
    if (out.rect.height > 0) {
      const Tile part = held_.view(out.rect);
      part.color.copyTo(out.color);
      if (info_.format.alpha) {
        part.alpha.copyTo(out.alpha);
      }
    }
  }

 private:
  void take_info() {
    info_ = stored_->info();
    if (transposes(orientation_)) {
      std::swap(info_.extent.width, info_.extent.height);
    }
  }

  void hold() {
    held_ = Tile::allocate(Rect::whole(info_.extent), info_.format);
    const ImageInfo from = stored_->info();
    // Strips small enough to stay in cache while they are turned.
    constexpr std::int64_t strip_rows = 64;
    for (std::int64_t y = 0; y < from.extent.height; y += strip_rows) {
      const Interval rows{y, std::min(y + strip_rows, from.extent.height)};
      Tile strip = Tile::allocate(Rect::of_rows(rows, from.extent.width), from.format);
      stored_->read_rows(strip);
      place(strip.color, held_.color, rows, from.extent.height);
      if (from.format.alpha) {
        place(strip.alpha, held_.alpha, rows, from.extent.height);
      }
    }
    warnings_ = stored_->warnings();
    stored_.reset();
  }

  void place(const cv::Mat& strip, cv::Mat& whole, const Interval& rows, std::int64_t stored_height) const {
    const bool turned = transposes(orientation_);
    // The stored rows become rows, or columns, of the picture: from its start or from its end.
    const bool from_end = turned ? mirrors_columns(orientation_) : mirrors_rows(orientation_);
    const int begin = static_cast<int>(from_end ? stored_height - rows.end : rows.begin);
    const int size = static_cast<int>(rows.size());
    cv::Mat part = turned ? whole.colRange(begin, begin + size) : whole.rowRange(begin, begin + size);
    if (turned) {
      cv::transpose(strip, part);
    } else {
      strip.copyTo(part);
    }
    flip_in_place(part, mirrors_columns(orientation_), mirrors_rows(orientation_));
  }

  std::unique_ptr<Source> stored_;
  Metadata metadata_;
  ImageInfo info_;
  int orientation_;
  std::vector<std::string> warnings_;  ///< of what was read
  Tile held_;
};

}  // namespace

std::unique_ptr<Source> orient(std::unique_ptr<Source> stored, int orientation, const Input& input,
                               const ReadLimits& limits) {
  if (orientation <= 1 || orientation > 8) {
    return stored;
  }
  if (orientation == 2 || (stored->random_access() && orientation <= 4)) {
    return std::make_unique<MirroredSource>(std::move(stored), orientation);
  }
  check_buffered(input, limits, stored->info().bytes(),
                 fmt::format("stored turned or upside down (EXIF orientation {})", orientation));
  return std::make_unique<HeldSource>(std::move(stored), orientation);
}

}  // namespace tessera
