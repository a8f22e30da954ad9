// SPDX-License-Identifier: Apache-2.0
#include "codec/common/rows.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "image/reduced_extent.hpp"

namespace tessera {
namespace {

template <class Sample, int Colors>
void split_alpha(const std::byte* row, Tile& out, int y) {
  const int width = out.color.cols;
  auto* color = out.color.ptr<Sample>(y);
  auto* alpha = out.alpha.ptr<Sample>(y);
  const auto* from = reinterpret_cast<const Sample*>(row);
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < Colors; ++c) {
      color[x * Colors + c] = from[x * (Colors + 1) + c];
    }
    alpha[x] = from[x * (Colors + 1) + Colors];
  }
}

class RowSource final : public Source {
 public:
  RowSource(ImageHeader header, std::unique_ptr<RowDecoder> decoder, bool salvage)
      : info_(header.info),
        metadata_(std::move(header.metadata)),
        decoder_(std::move(decoder)),
        working_bytes_(header.working_bytes),
        salvage_(salvage),
        losses_(salvage ? info_.extent.height : 0),
        row_(info_.format.alpha ? static_cast<std::size_t>(info_.row_bytes()) : 0) {}

  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return decoder_->random_access(); }
  std::int64_t working_bytes() const override { return working_bytes_; }
  bool reduce(int factor) override {
    // Salvage counts the rows of the full picture, and alpha has a row of its own.
    if (salvage_ || info_.format.alpha || next_row_ > 0 || !decoder_->reduce(factor)) {
      return false;
    }
    info_.extent = reduced_extent(info_.extent, factor);
    return true;
  }

  void read_rows(Tile& out) override {
    check_tile(out, info_);
    if (!random_access()) {
      check_turn(out, next_row_);
    }
    for (std::int64_t y = 0; y < out.rect.height; ++y) {
      read_row(out, y);
    }
    next_row_ = out.rect.y + out.rect.height;
    if (salvage_ && losses_.everything()) {
      throw *first_;
    }
  }

  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    decoder_->read_ahead(rows, max_bytes);
  }

  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = decoder_->warnings();
    const std::vector<std::string> lost = losses_.warnings(decoder_->look_of_lost_rows());
    all.insert(all.end(), lost.begin(), lost.end());
    return all;
  }

 private:
  void read_row(Tile& out, std::int64_t y) {
    if (broken_) {
      lose(out, y);
      return;
    }
    try {
      std::byte* row = row_.empty() ? out.color.ptr<std::byte>(static_cast<int>(y)) : row_.data();
      decoder_->decode(out.rect.y + y, row);
      if (!row_.empty()) {
        store_row(row, out, y);
      }
    } catch (const Error& error) {
      if (!salvage_ && !random_access() && out.rect.y + y == 0) {
        throw without_salvage_advice(error);
      }
      rethrow_unless_salvaging(error);
      remember(error);
      broken_ = !random_access();
      lose(out, y);
      return;
    }
    if (salvage_) {
      const RowState state = decoder_->state(out.rect.y + y);
      losses_.note(out.rect.y + y, state);
      if (state == RowState::lost && !first_) {
        first_ = decoder_->damage();
      }
    }
    if (!random_access() && out.rect.y + y == info_.extent.height - 1) {
      finish();
    }
  }

  void finish() {
    try {
      decoder_->finish();
    } catch (const Error& error) {
      rethrow_unless_salvaging(error);
    }
  }

  // Only inside a handler.
  void rethrow_unless_salvaging(const Error& error) const {
    if (!salvage_ || error.code() != ErrorCode::damaged_input) {
      throw;
    }
  }

  void remember(const Error& error) {
    if (!first_) {
      first_ = without_salvage_advice(error);
    }
  }

  void lose(Tile& out, std::int64_t y) {
    losses_.note(out.rect.y + y, RowState::lost);
    Tile row = out.view({out.rect.x, out.rect.y + y, out.rect.width, 1});
    fill_blank(row);
  }

  ImageInfo info_;
  Metadata metadata_;
  std::unique_ptr<RowDecoder> decoder_;
  std::int64_t working_bytes_;
  bool salvage_;
  Losses losses_;
  std::optional<Error> first_;  ///< the first damage that salvage has passed over
  Bytes row_;
  std::int64_t next_row_ = 0;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<Source> make_row_source(ImageHeader header, std::unique_ptr<RowDecoder> decoder,
                                        bool salvage) {
  return std::make_unique<RowSource>(std::move(header), std::move(decoder), salvage);
}

void fill_blank(Tile& tile) {
  tile.color.setTo(cv::Scalar::all(0));
  if (!tile.alpha.empty()) {
    tile.alpha.setTo(tile.alpha.depth() == CV_8U ? 255 : 65535);
  }
}

void check_tile(const Tile& out, const ImageInfo& info) {
  const bool rows = out.rect.x == 0 && out.rect.width == info.extent.width && out.rect.height >= 0 &&
                    Rect::whole(info.extent).contains(out.rect);
  const auto plane_fits = [&](const cv::Mat& plane, int type) {
    return plane.cols == out.rect.width && plane.rows == out.rect.height && plane.type() == type;
  };
  if (!rows || (out.rect.height > 0 && !plane_fits(out.color, color_type(info.format))) ||
      (out.rect.height > 0 && info.format.alpha && !plane_fits(out.alpha, alpha_type(info.format)))) {
    throw Error(
        ErrorCode::internal,
        fmt::format(
            "Rows {}..{} were asked of an image of {} x {} pixels with a tile that does not fit them.",
            out.rect.y, out.rect.y + out.rect.height, info.extent.width, info.extent.height));
  }
}

void check_turn(const Tile& out, std::int64_t next_row) {
  if (out.rect.y != next_row) {
    throw Error(ErrorCode::internal,
                fmt::format("Rows from {} on were asked of an image that is read in order, of "
                            "which {} is next.",
                            out.rect.y, next_row));
  }
}

void store_row(const std::byte* row, Tile& out, std::int64_t y) {
  const int at = static_cast<int>(y);
  const bool wide = out.color.depth() == CV_16U;
  if (out.alpha.empty()) {
    std::memcpy(out.color.ptr(at), row, static_cast<std::size_t>(out.color.cols) * out.color.elemSize());
  } else if (out.color.channels() == 1) {
    wide ? split_alpha<std::uint16_t, 1>(row, out, at) : split_alpha<std::uint8_t, 1>(row, out, at);
  } else {
    wide ? split_alpha<std::uint16_t, 3>(row, out, at) : split_alpha<std::uint8_t, 3>(row, out, at);
  }
}

}  // namespace tessera
