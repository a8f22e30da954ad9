// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstring>

#include "engine/pixels.hpp"
#include "engine/workers.hpp"

namespace tessera {
namespace {

constexpr int color_tag = 1;
constexpr int alpha_tag = 2;

std::size_t plane_bytes(const Rect& rect, int type) {
  return static_cast<std::size_t>(rect.width * rect.height) * CV_ELEM_SIZE(type);
}

/// Of a contiguous plane.
std::span<uchar> bytes_of(const cv::Mat& plane) { return {plane.data, plane.total() * plane.elemSize()}; }

/// Contiguous copy of a part of a plane.
Bytes pack(const cv::Mat& plane, const Rect& plane_rect, const Rect& part) {
  Bytes packed(plane_bytes(part, plane.type()));
  const std::size_t row = static_cast<std::size_t>(part.width) * plane.elemSize();
  for (std::int64_t y = 0; y < part.height; ++y) {
    std::memcpy(
        packed.data() + static_cast<std::size_t>(y) * row,
        plane.ptr(static_cast<int>(part.y - plane_rect.y + y), static_cast<int>(part.x - plane_rect.x)), row);
  }
  return packed;
}

cv::Mat header(Bytes& bytes, const Rect& rect, int type) {
  return {static_cast<int>(rect.height), static_cast<int>(rect.width), type, bytes.data()};
}

}  // namespace

Band Band::allocate(const ImageInfo& info, std::vector<Interval> rows, int rank) {
  const Interval own = rows[static_cast<std::size_t>(rank)];
  return {info, std::move(rows), Tile::allocate(Rect::of_rows(own, info.extent.width), info.format)};
}

BandPixels::BandPixels(const Band& band, const std::vector<std::vector<Rect>>& needs, Communicator& comm)
    : band_(band) {
  const PixelFormat& format = band.info.format;
  for (const Move& move : plan_exchange(band.rows, band.info.extent.width, needs)) {
    if (move.to == comm.rank()) {
      auto ghost = std::make_unique<Ghost>();
      ghost->tile.rect = move.rect;
      ghost->color.resize(plane_bytes(move.rect, color_type(format)));
      ghost->tile.color = header(ghost->color, move.rect, color_type(format));
      transfers_.push_back(comm.receive(ghost->color, move.from, color_tag));
      if (format.alpha) {
        ghost->alpha.resize(plane_bytes(move.rect, alpha_type(format)));
        ghost->tile.alpha = header(ghost->alpha, move.rect, alpha_type(format));
        transfers_.push_back(comm.receive(ghost->alpha, move.from, alpha_tag));
      }
      ghosts_.push_back(std::move(ghost));
    } else if (move.from == comm.rank()) {
      outgoing_.push_back(pack(band.mine.color, band.mine.rect, move.rect));
      transfers_.push_back(comm.send(outgoing_.back(), move.to, color_tag));
      if (format.alpha) {
        outgoing_.push_back(pack(band.mine.alpha, band.mine.rect, move.rect));
        transfers_.push_back(comm.send(outgoing_.back(), move.to, alpha_tag));
      }
    }
  }
}

void BandPixels::finish_exchange() {
  for (const auto& transfer : transfers_) {
    transfer->wait();
  }
  transfers_.clear();
  outgoing_.clear();
}

bool BandPixels::is_local(const Rect& rect) const { return band_.mine.rect.contains(rect); }

void BandPixels::fetch_inside(Tile& out) const {
  copy_overlap(band_.mine, out);
  for (const auto& ghost : ghosts_) {
    copy_overlap(ghost->tile, out);
  }
}

void BandPixels::fetch(Tile& out) const {
  const Interval inside{0, band_.info.extent.height};
  if (inside.contains(out.rect.rows())) {
    fetch_inside(out);
    return;
  }
  for (std::int64_t y = out.rect.y; y < out.rect.y + out.rect.height;) {
    const std::int64_t wrapped = ((y % inside.end) + inside.end) % inside.end;
    const std::int64_t count = std::min(out.rect.y + out.rect.height - y, inside.end - wrapped);
    Tile part = out.view({out.rect.x, y, out.rect.width, count});
    part.rect.y = wrapped;
    fetch_inside(part);
    y += count;
  }
}

std::vector<std::unique_ptr<Transfer>> send_tile(Communicator& comm, const Tile& tile, int to) {
  std::vector<std::unique_ptr<Transfer>> transfers;
  transfers.push_back(comm.send(std::as_bytes(bytes_of(tile.color)), to, color_tag));
  if (!tile.alpha.empty()) {
    transfers.push_back(comm.send(std::as_bytes(bytes_of(tile.alpha)), to, alpha_tag));
  }
  return transfers;
}

void receive_tile(Communicator& comm, Tile& tile, int from) {
  const auto color = comm.receive(std::as_writable_bytes(bytes_of(tile.color)), from, color_tag);
  if (!tile.alpha.empty()) {
    comm.receive(std::as_writable_bytes(bytes_of(tile.alpha)), from, alpha_tag)->wait();
  }
  color->wait();
}

std::vector<std::vector<Rect>> kept_rows(const std::vector<Interval>& panel,
                                         const std::vector<Interval>& whole, std::int64_t width) {
  const Interval rows{panel.front().begin, panel.back().end};
  std::vector<std::vector<Rect>> needs;
  for (const Interval& held : whole) {
    const Interval wanted = held.intersect(rows);
    needs.push_back(wanted.empty() ? std::vector<Rect>{} : std::vector{Rect::of_rows(wanted, width)});
  }
  return needs;
}

void keep_panel(const Band& panel, Band& whole, Communicator& comm) {
  const std::vector<std::vector<Rect>> needs = kept_rows(panel.rows, whole.rows, whole.info.extent.width);
  BandPixels pixels(panel, needs, comm);
  pixels.finish_exchange();
  for (const Rect& rect : needs[static_cast<std::size_t>(comm.rank())]) {
    Tile part = whole.mine.view(rect);
    pixels.fetch(part);
  }
}

}  // namespace tessera
