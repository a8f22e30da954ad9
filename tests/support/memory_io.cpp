// SPDX-License-Identifier: Apache-2.0
#include "support/memory_io.hpp"

#include <cstring>

namespace tessera::testing {

namespace {

class UnfinishedCopy final : public DeferredRows {
 public:
  explicit UnfinishedCopy(const Tile& whole) : whole_(whole) {}
  void finish(Tile& out) override { copy_overlap(whole_, out); }

 private:
  const Tile& whole_;
};

}  // namespace

void MemorySource::take_turn(const Tile& out) {
  if (!random_ && out.rect.y != next_row_) {
    throw Error(ErrorCode::internal, "A sequential source was read out of order.");
  }
  next_row_ = out.rect.y + out.rect.height;
}

void MemorySource::read_rows(Tile& out) {
  take_turn(out);
  copy_overlap(whole_, out);
}

std::unique_ptr<DeferredRows> MemorySource::read_rows_deferred(Tile& out) {
  take_turn(out);
  const cv::Scalar wrong = cv::Scalar::all(0x5A);
  out.color.setTo(wrong);
  if (!out.alpha.empty()) {
    out.alpha.setTo(wrong);
  }
  return std::make_unique<UnfinishedCopy>(whole_);
}

EncodedPiece MemorySink::encode(const Tile& piece) const {
  if (piece.rect.y % piece_rows_ != 0 || piece.rect.height > piece_rows_ ||
      piece.rect.width != whole_.rect.width) {
    throw Error(ErrorCode::internal, "A piece is not on the sink's grid.");
  }
  Bytes place(2 * sizeof(std::int64_t));
  std::memcpy(place.data(), &piece.rect.y, sizeof piece.rect.y);
  std::memcpy(place.data() + sizeof piece.rect.y, &piece.rect.height, sizeof piece.rect.height);
  Bytes bytes;
  for (const cv::Mat* plane : {&piece.color, &piece.alpha}) {
    for (int y = 0; y < plane->rows; ++y) {
      const auto* row = reinterpret_cast<const std::byte*>(plane->ptr(y));
      bytes.insert(bytes.end(), row, row + static_cast<std::size_t>(plane->cols) * plane->elemSize());
    }
  }
  return {std::move(bytes), std::move(place)};
}

void MemorySink::begin_at(std::int64_t row, const Tile& rows) {
  Tile part = whole_.view(Rect::of_rows({0, row}, whole_.rect.width));
  copy_overlap(rows, part);
  next_row_ = row;
}

void MemorySink::append(const EncodedPiece& piece) {
  Rect rect{0, 0, whole_.rect.width, 0};
  std::memcpy(&rect.y, piece.index.data(), sizeof rect.y);
  std::memcpy(&rect.height, piece.index.data() + sizeof rect.y, sizeof rect.height);
  if (rect.y != next_row_) {
    throw Error(ErrorCode::internal, "Pieces came out of order.");
  }
  next_row_ += rect.height;
  Tile part = whole_.view(rect);
  const std::byte* at = piece.body.data();
  for (cv::Mat* plane : {&part.color, &part.alpha}) {
    for (int y = 0; y < plane->rows; ++y) {
      const std::size_t count = static_cast<std::size_t>(plane->cols) * plane->elemSize();
      std::memcpy(plane->ptr(y), at, count);
      at += count;
    }
  }
}

EngineOutcome run_engine(const std::vector<Operator>& pipeline, const Tile& image, Communicator& comm,
                         const Cut& cut, const Tile& earlier) {
  const Plan plan = make_plan(pipeline, info_of(image));
  MemorySource source(image, cut.random_access);
  MemorySink sink(plan.out, cut.piece_rows);
  RunOptions options;
  options.threads = cut.threads;
  options.strip_rows = cut.strip_rows;
  options.max_held_bytes = cut.max_held_bytes;
  options.max_reduced_bytes = cut.max_reduced_bytes;
  options.max_panel_bytes = cut.max_panel_bytes;
  if (cut.resumed_percent > 0) {
    options.first_row = plan.out.extent.height * cut.resumed_percent / 100 / cut.piece_rows * cut.piece_rows;
    sink.begin_at(options.first_row, earlier);
  }
  Source* own = comm.root() || cut.random_access ? &source : nullptr;
  RunReport report = run_plan(plan, own, sink, comm, options);
  return {sink.image(), sink.complete(), std::move(report)};
}

EngineOutcome run_engine(const std::vector<Operator>& pipeline, const Tile& image, int ranks, const Cut& cut,
                         const Tile& earlier) {
  EngineOutcome outcome;
  run_on_threads(ranks, [&](Communicator& comm) {
    EngineOutcome mine = run_engine(pipeline, image, comm, cut, earlier);
    if (comm.root()) {
      outcome = std::move(mine);
    }
  });
  return outcome;
}

}  // namespace tessera::testing
