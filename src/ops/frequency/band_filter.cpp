// SPDX-License-Identifier: Apache-2.0
#include "ops/frequency/band_filter.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>
#include <string>

#include "base/error.hpp"
#include "ops/frequency/lane_fourier.hpp"

namespace tessera {
namespace {

std::int64_t group_count(std::int64_t count) { return (count + lane_count - 1) / lane_count; }

/// Of `groups`, those whose columns a rank filters.
Interval groups_of(std::int64_t groups, int rank, int ranks) {
  return {groups * rank / ranks, groups * (rank + 1) / ranks};
}

Interval group(std::int64_t index, std::int64_t count) {
  return {index * lane_count, std::min(count, (index + 1) * lane_count)};
}

void multiply(LaneComplex& value, const Lanes& factors) {
  value.re *= factors;
  value.im *= factors;
}

/// Buffers of those threads that are transforming something, kept for the next piece of work.
class Buffers {
 public:
  struct Pair {
    std::vector<LaneComplex> data;
    std::vector<LaneComplex> scratch;
  };

  explicit Buffers(std::int64_t size) : size_(static_cast<std::size_t>(size)) {}

  std::unique_ptr<Pair> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      return std::make_unique<Pair>(Pair{std::vector<LaneComplex>(size_), std::vector<LaneComplex>(size_)});
    }
    auto pair = std::move(free_.back());
    free_.pop_back();
    return pair;
  }
  void give_back(std::unique_ptr<Pair> pair) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(pair));
  }

 private:
  std::size_t size_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Pair>> free_;
};

/// The channels on their way through the transforms, one after the other. Bins (frequencies along x) come in
/// groups of eight, the lanes in which they are transformed along y. A block, for each pair of ranks, is the
/// spectrum of the rows of one at the groups of the other, group after group: it is filled by the owner of
/// the rows, filtered in place by the owner of the bins and sent back. A row is transformed by itself, though
/// in the lane of its place in the band, so no bit depends on where the bands are cut.
class BandFilter {
 public:
  BandFilter(Frame& frame, std::int64_t margin_px)
      : frame_(frame),
        x_(MirroredAxis::of(frame.image().extent.width, margin_px)),
        y_(MirroredAxis::of(frame.image().extent.height, margin_px)),
        along_x_(x_.period),
        along_y_(y_.period),
        x_buffers_(padded_row_size()),
        y_buffers_(y_.period),
        own_rows_(frame.rows(frame.rank())) {
    for (int rank = 0; rank < frame.ranks(); ++rank) {
      blocks_.emplace_back(static_cast<std::size_t>(own_rows_.size() * groups(rank).size()) *
                           sizeof(LaneComplex));
    }
  }

  template <class Sample>
  void run(const cv::Mat& in, cv::Mat& out, int channel, double offset, const GainOf& gain) {
    frame_.parallel_for(group_count(own_rows_.size()), [&](std::int64_t i) {
      rows_forward<Sample>(in, channel, group(i, own_rows_.size()));
    });
    blocks_ = frame_.all_to_all(std::move(blocks_));
    frame_.parallel_for(groups(frame_.rank()).size(), [&](std::int64_t i) { filter_columns(i, gain); });
    blocks_ = frame_.all_to_all(std::move(blocks_));
    frame_.parallel_for(group_count(own_rows_.size()), [&](std::int64_t i) {
      rows_back<Sample>(out, channel, group(i, own_rows_.size()), offset);
    });
  }

 private:
  [[nodiscard]] std::int64_t all_groups() const { return group_count(along_x_.bins()); }
  [[nodiscard]] Interval groups(int rank) const { return groups_of(all_groups(), rank, frame_.ranks()); }
  /// So that the last group of bins is whole: what lies behind the last bin is transformed and never read.
  [[nodiscard]] std::int64_t padded_row_size() const {
    return std::max(along_x_.buffer_size(), all_groups() * lane_count);
  }
  /// Of the spectrum of one row at one group. Blocks are bytes, so they are not aligned for LaneComplex.
  std::byte* block(int rank, std::int64_t group_of_rank, std::int64_t row, std::int64_t rows) {
    return blocks_[static_cast<std::size_t>(rank)].data() +
           static_cast<std::size_t>(group_of_rank * rows + row) * sizeof(LaneComplex);
  }

  /// Calls visit(square, bytes) for each group of bins of the rows: its place in `data`, eight bins from
  /// eight rows, and in the blocks.
  template <class Visit>
  void for_each_square(const Interval& rows, std::vector<LaneComplex>& data, const Visit& visit) {
    std::int64_t bin = 0;
    for (int rank = 0; rank < frame_.ranks(); ++rank) {
      for (std::int64_t i = 0; i < groups(rank).size(); ++i, bin += lane_count) {
        visit(&data[static_cast<std::size_t>(bin)], block(rank, i, rows.begin, own_rows_.size()));
      }
    }
  }

  template <class Sample>
  void rows_forward(const cv::Mat& in, int channel, const Interval& rows) {
    auto buffers = x_buffers_.take();
    std::vector<LaneComplex>& data = buffers->data;
    std::fill(data.begin(), data.end(), LaneComplex{});
    const int channels = in.channels();
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const auto* from = in.ptr<Sample>(static_cast<int>(y)) + channel;
      for (std::int64_t x = 0; x < x_.size; ++x) {
        along_x_.element(data, x)[y - rows.begin] = static_cast<float>(from[x * channels]);
      }
    }
    for (std::int64_t x = x_.size; x < x_.period; ++x) {
      along_x_.element(data, x) = along_x_.element(data, x_.source(x));
    }
    along_x_.forward(data, buffers->scratch);
    for_each_square(rows, data, [&](const LaneComplex* bins, std::byte* bytes) {
      LaneSquare square;
      std::copy_n(bins, lane_count, square.begin());
      transpose(square);
      std::memcpy(bytes, square.data(), static_cast<std::size_t>(rows.size()) * sizeof(LaneComplex));
    });
    x_buffers_.give_back(std::move(buffers));
  }

  void filter_columns(std::int64_t own_group, const GainOf& gain) {
    auto buffers = y_buffers_.take();
    std::vector<LaneComplex>& data = buffers->data;
    for_each_band(own_group, [&](std::int64_t row, std::byte* bytes, std::size_t size) {
      std::memcpy(&data[static_cast<std::size_t>(row)], bytes, size);
    });
    for (std::int64_t y = y_.size; y < y_.period; ++y) {
      data[static_cast<std::size_t>(y)] = data[static_cast<std::size_t>(y_.source(y))];
    }
    along_y_.forward(data, buffers->scratch);
    multiply_by_gains(data, (groups(frame_.rank()).begin + own_group) * lane_count, gain);
    along_y_.backward(data, buffers->scratch);
    for_each_band(own_group, [&](std::int64_t row, std::byte* bytes, std::size_t size) {
      std::memcpy(bytes, &data[static_cast<std::size_t>(row)], size);
    });
    y_buffers_.give_back(std::move(buffers));
  }

  /// Calls visit(first row, bytes, their count) for the column of each rank that has rows.
  template <class Visit>
  void for_each_band(std::int64_t own_group, const Visit& visit) {
    for (int rank = 0; rank < frame_.ranks(); ++rank) {
      const Interval rows = frame_.rows(rank);
      if (rows.size() > 0) {
        visit(rows.begin, block(rank, own_group, 0, rows.size()),
              static_cast<std::size_t>(rows.size()) * sizeof(LaneComplex));
      }
    }
  }

  /// And by the scale of the transforms. The frequencies +k and -k along y have the same gains.
  void multiply_by_gains(std::vector<LaneComplex>& data, std::int64_t first_bin, const GainOf& gain) {
    std::array<double, lane_count> squared_x{};
    for (std::int64_t lane = 0; lane < lane_count; ++lane) {
      const double frequency = x_.frequency(std::min(first_bin + lane, x_.period - 1));
      squared_x[static_cast<std::size_t>(lane)] = frequency * frequency;
    }
    const double scale = 1 / (static_cast<double>(x_.period) * static_cast<double>(y_.period));
    constexpr std::int64_t rows_at_once = 64;
    std::array<double, rows_at_once * lane_count> gains{};
    for (std::int64_t begin = 0; begin <= y_.period / 2; begin += rows_at_once) {
      const std::int64_t end = std::min(begin + rows_at_once, y_.period / 2 + 1);
      for (std::int64_t k = begin; k < end; ++k) {
        const double frequency = y_.frequency(k);
        for (std::size_t lane = 0; lane < lane_count; ++lane) {
          gains[static_cast<std::size_t>(k - begin) * lane_count + lane] =
              squared_x[lane] + frequency * frequency;
        }
      }
      gain(std::span(gains).first(static_cast<std::size_t>(end - begin) * lane_count));
      for (std::int64_t k = begin; k < end; ++k) {
        Lanes factors{};
        for (std::int64_t lane = 0; lane < lane_count; ++lane) {
          factors[lane] =
              static_cast<float>(gains[static_cast<std::size_t>((k - begin) * lane_count + lane)] * scale);
        }
        multiply(data[static_cast<std::size_t>(k)], factors);
        if (k > 0 && k < y_.period - k) {
          multiply(data[static_cast<std::size_t>(y_.period - k)], factors);
        }
      }
    }
  }

  template <class Sample>
  void rows_back(cv::Mat& out, int channel, const Interval& rows, double offset) {
    auto buffers = x_buffers_.take();
    std::vector<LaneComplex>& data = buffers->data;
    for_each_square(rows, data, [&](LaneComplex* bins, const std::byte* bytes) {
      LaneSquare square{};
      std::memcpy(square.data(), bytes, static_cast<std::size_t>(rows.size()) * sizeof(LaneComplex));
      transpose(square);
      std::copy_n(square.begin(), lane_count, bins);
    });
    along_x_.backward(data, buffers->scratch);
    const int channels = out.channels();
    const auto shift = static_cast<float>(offset);
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      auto* to = out.ptr<Sample>(static_cast<int>(y)) + channel;
      for (std::int64_t x = 0; x < x_.size; ++x) {
        to[x * channels] = cv::saturate_cast<Sample>(along_x_.element(data, x)[y - rows.begin] + shift);
      }
    }
    x_buffers_.give_back(std::move(buffers));
  }

  Frame& frame_;
  MirroredAxis x_;
  MirroredAxis y_;
  RealLaneFourier along_x_;
  LaneFourier along_y_;
  Buffers x_buffers_;
  Buffers y_buffers_;
  Interval own_rows_;
  std::vector<Bytes> blocks_;
};

}  // namespace

MirroredAxis MirroredAxis::of(std::int64_t size, std::int64_t margin_px) {
  const std::int64_t least = size + 2 * std::min(margin_px, size - 1);
  const int period =
      least <= std::numeric_limits<int>::max() ? cv::getOptimalDFTSize(static_cast<int>(least)) : -1;
  if (period < 0) {
    throw Error(ErrorCode::limit_exceeded,
                "A side of " + std::to_string(size) +
                    " pixels with its reflected margins takes a Fourier "
                    "transform of " +
                    std::to_string(least) +
                    " points, more than 2125764000; resize the picture first or raise the cutoff.");
  }
  return {size, period};
}

void filter_frequencies(Frame& frame, const Tile& in, Tile& out, std::int64_t margin_px, double offset,
                        const GainOf& gain) {
  BandFilter filter(frame, margin_px);
  const PixelFormat format = frame.image().format;
  for (int channel = 0; channel < format.channels; ++channel) {
    if (format.depth == Depth::u8) {
      filter.run<std::uint8_t>(in.color, out.color, channel, offset, gain);
    } else {
      filter.run<std::uint16_t>(in.color, out.color, channel, offset, gain);
    }
  }
}

FrameCost filter_cost(const ImageInfo& image, std::span<const Interval> rows, int rank, int threads,
                      std::int64_t margin_px) {
  constexpr std::int64_t bytes = sizeof(LaneComplex);
  const std::int64_t bins = MirroredAxis::of(image.extent.width, margin_px).period / 2 + 1;
  const std::int64_t groups = group_count(bins);
  const int ranks = static_cast<int>(rows.size());
  const std::int64_t own_groups = groups_of(groups, rank, ranks).size();
  const std::int64_t own_rows = rows[static_cast<std::size_t>(rank)].size();
  // To and fro, as much both times.
  const std::int64_t given = own_rows * (groups - own_groups) * bytes;
  const std::int64_t taken = (image.extent.height - own_rows) * own_groups * bytes;
  const std::int64_t longest =
      std::max(groups * lane_count, MirroredAxis::of(image.extent.height, margin_px).period);
  FrameCost cost;
  cost.memory = own_rows * groups * bytes + taken + 2 * threads * longest * bytes;
  cost.sent = cost.received = image.format.channels * (given + taken);
  return cost;
}

}  // namespace tessera
