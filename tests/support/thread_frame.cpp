// SPDX-License-Identifier: Apache-2.0
#include "support/thread_frame.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <barrier>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

namespace tessera::testing {
namespace {

struct Board {
  explicit Board(ImageInfo info, std::vector<Interval> bands)
      : image(info),
        rows(std::move(bands)),
        barrier(static_cast<std::ptrdiff_t>(rows.size())),
        slots(rows.size()),
        bytes(rows.size()),
        outgoing(rows.size()),
        tiles(rows.size()) {}
  ImageInfo image;
  std::vector<Interval> rows;
  std::barrier<> barrier;
  std::vector<std::vector<std::uint64_t>> slots;
  std::vector<Bytes> bytes;
  std::vector<std::vector<Bytes>> outgoing;
  std::vector<Tile> tiles;
};

class ThreadFrame final : public Frame {
 public:
  ThreadFrame(Board& board, int rank) : board_(board), rank_(rank) {}

  const ImageInfo& image() const override { return board_.image; }
  int rank() const override { return rank_; }
  int ranks() const override { return static_cast<int>(board_.rows.size()); }
  Interval rows(int rank) const override { return board_.rows.at(static_cast<std::size_t>(rank)); }

  // Backwards, so that a body that leans on its order is found out.
  void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body) override {
    for (std::int64_t i = count - 1; i >= 0; --i) {
      body(i);
    }
  }

  void all_reduce(std::span<std::uint64_t> slots, Merge merge) override {
    board_.slots[own()].assign(slots.begin(), slots.end());
    board_.barrier.arrive_and_wait();
    std::fill(slots.begin(), slots.end(), 0);
    for (const auto& other : board_.slots) {
      for (std::size_t i = 0; i < slots.size(); ++i) {
        slots[i] = merge == Merge::sum ? slots[i] + other.at(i) : std::max(slots[i], other.at(i));
      }
    }
    board_.barrier.arrive_and_wait();
  }

  std::vector<Bytes> all_gather(Bytes mine) override {
    board_.bytes[own()] = std::move(mine);
    board_.barrier.arrive_and_wait();
    std::vector<Bytes> all = board_.bytes;
    board_.barrier.arrive_and_wait();
    return all;
  }

  std::vector<Bytes> all_to_all(std::vector<Bytes> outgoing) override {
    if (outgoing.size() != board_.rows.size()) {
      throw Error(ErrorCode::internal, "all_to_all needs one buffer for each rank.");
    }
    board_.outgoing[own()] = std::move(outgoing);
    board_.barrier.arrive_and_wait();
    std::vector<Bytes> incoming;
    for (const auto& other : board_.outgoing) {
      incoming.push_back(other[own()]);
    }
    board_.barrier.arrive_and_wait();
    return incoming;
  }

  Tile with_halo(const Tile& band, const Halo& halo, Border border, double border_value) override {
    board_.tiles[own()] = band;
    board_.barrier.arrive_and_wait();
    Tile grown;
    if (!band.rect.empty()) {
      Tile whole = whole_tile({board_.image.extent, info_of(band).format});
      for (const Tile& other : board_.tiles) {
        if (!other.rect.empty()) {
          copy_overlap(other, whole);
        }
      }
      grown = fetch(whole, halo.grow(band.rect), border, border_value);
    }
    board_.barrier.arrive_and_wait();
    return grown;
  }

  void report(std::span<const double> values) override {
    findings.insert(findings.end(), values.begin(), values.end());
  }

  void leave() { board_.barrier.arrive_and_drop(); }

  std::vector<double> findings;

 private:
  [[nodiscard]] std::size_t own() const { return static_cast<std::size_t>(rank_); }
  Board& board_;
  int rank_;
};

/// A copy of the band's own, so that a rank that reads a neighbour's rows by their address is found out.
Tile own_copy(const Tile& whole, const Interval& rows) {
  Tile band = Tile::allocate(Rect::of_rows(rows, whole.rect.width), info_of(whole).format);
  if (!rows.empty()) {
    copy_overlap(whole, band);
  }
  return band;
}

}  // namespace

Outcome run_on_ranks(const Operator& op, const Tile& image, const std::vector<std::int64_t>& band_rows) {
  if (const auto* parts = std::get_if<Operator::Parts>(&op.body)) {
    Outcome outcome{image, {}};
    for (const Operator& part : *parts) {
      outcome = run_on_ranks(part, outcome.image, band_rows);
    }
    return outcome;
  }
  if (std::holds_alternative<std::shared_ptr<const LocalOp>>(op.body)) {
    return run_reference(op, image, std::max<std::int64_t>(1, band_rows.back()));
  }
  const auto& whole_frame = *std::get<std::shared_ptr<const WholeFrameOp>>(op.body);
  Tile whole = image;
  if (op.info->gray_only && image.color.channels() == 3) {
    whole = run_reference(build_operator("grayscale", Json::object()), image).image;
  }
  const ImageInfo info = info_of(whole);
  std::vector<Interval> bands;
  for (const std::int64_t rows : band_rows) {
    const std::int64_t begin = bands.empty() ? 0 : bands.back().end;
    bands.push_back({begin, begin + rows});
  }
  if (bands.empty() || bands.back().end != info.extent.height) {
    throw Error(ErrorCode::internal, "The bands do not add up to the image.");
  }
  const ImageInfo result{info.extent, whole_frame.result_format(info.format)};
  Outcome outcome{whole_tile(result), {}};
  if (info.format.alpha) {
    whole.alpha.copyTo(outcome.image.alpha);
  }
  Board board(info, bands);
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](int rank) {
    ThreadFrame frame(board, rank);
    try {
      const Interval& rows = bands[static_cast<std::size_t>(rank)];
      const Tile in = own_copy(whole, rows);
      Tile out = Tile::allocate(Rect::of_rows(rows, info.extent.width), result.format);
      out.color.setTo(cv::Scalar::all(77));
      whole_frame.run(frame, in, out);
      const std::lock_guard lock(mutex);
      if (!rows.empty()) {
        out.alpha = in.alpha;
        copy_overlap(out, outcome.image);
      }
      if (rank == 0) {
        outcome.findings = frame.findings;
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = failure ? failure : std::current_exception();
    }
    frame.leave();
  };
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < static_cast<int>(bands.size()); ++rank) {
      threads.emplace_back(work, rank);
    }
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
  return outcome;
}

Outcome run_on_ranks(const Operator& op, const Tile& whole, int ranks) {
  std::vector<std::int64_t> bands;
  for (int rank = 0; rank < ranks; ++rank) {
    bands.push_back(whole.rect.height * (rank + 1) / ranks - whole.rect.height * rank / ranks);
  }
  return run_on_ranks(op, whole, bands);
}

std::string compare_ranks(const Operator& op, const Tile& whole) {
  const Outcome expected = run_on_ranks(op, whole, 1);
  const std::int64_t height = whole.rect.height;
  std::vector<std::vector<std::int64_t>> cuts{{0, height, 0}, {1, 0, 0, height - 1}, {height - 1, 1, 0}};
  for (const std::int64_t ranks : {2, 3, 4, 7}) {
    std::vector<std::int64_t> bands;
    for (std::int64_t rank = 0; rank < ranks; ++rank) {
      bands.push_back(height * (rank + 1) / ranks - height * rank / ranks);
    }
    cuts.push_back(std::move(bands));
  }
  for (const auto& bands : cuts) {
    const Outcome outcome = run_on_ranks(op, whole, bands);
    if (difference(outcome.image, expected.image) != 0) {
      return fmt::format("{} on {}x{} in bands of {}: {}", op.info->name, whole.rect.width, height,
                         fmt::join(bands, ", "), first_difference(outcome.image, expected.image));
    }
    if (outcome.findings != expected.findings) {
      return fmt::format("{} on {}x{} in bands of {}: findings {} instead of {}", op.info->name,
                         whole.rect.width, height, fmt::join(bands, ", "), outcome.findings,
                         expected.findings);
    }
  }
  return {};
}

}  // namespace tessera::testing
