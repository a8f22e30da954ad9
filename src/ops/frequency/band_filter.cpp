#include "ops/frequency/band_filter.hpp"

#include <algorithm>
#include <complex>
#include <limits>
#include <opencv2/core.hpp>
#include <string>

#include "core/error.hpp"
#include "ops/band_strips.hpp"

namespace tessera {
namespace {

using Complex = std::complex<float>;

/// Rows or columns transformed by one call: OpenCV computes its twiddle factors anew for each call.
constexpr std::int64_t batch_size = 32;

std::int64_t batch_count(std::int64_t count) { return (count + batch_size - 1) / batch_size; }

Interval batch(std::int64_t index, std::int64_t count) {
  return {index * batch_size, std::min(count, (index + 1) * batch_size)};
}

/// One channel on its way through the transforms. A block, for each pair of ranks, is the spectrum of the
/// rows of one at the bins (frequencies along x) of the other, bin after bin: it is filled by the owner of
/// the rows, filtered in place by the owner of the bins and sent back.
class BandFilter {
 public:
  BandFilter(Frame& frame, std::int64_t margin_px)
      : frame_(frame),
        x_(MirroredAxis::of(frame.image().extent.width, margin_px)),
        y_(MirroredAxis::of(frame.image().extent.height, margin_px)),
        own_rows_(frame.rows(frame.rank())) {
    for (std::int64_t position = 0; position < x_.period; ++position) {
      source_x_.push_back(x_.source(position));
    }
    for (std::int64_t position = 0; position < y_.period; ++position) {
      source_y_.push_back(y_.source(position));
    }
  }

  template <class Sample>
  void run(const cv::Mat& in, cv::Mat& out, int channel, double offset, const GainOf& gain) {
    std::vector<Bytes> blocks;
    for (int rank = 0; rank < frame_.ranks(); ++rank) {
      blocks.emplace_back(static_cast<std::size_t>(own_rows_.size() * bins(rank).size()) * sizeof(Complex));
    }
    frame_.parallel_for(batch_count(own_rows_.size()),
                        [&](std::int64_t i) { rows_forward<Sample>(in, channel, i, blocks); });
    blocks = frame_.all_to_all(std::move(blocks));
    frame_.parallel_for(batch_count(bins(frame_.rank()).size()),
                        [&](std::int64_t i) { filter_columns(i, blocks, gain); });
    blocks = frame_.all_to_all(std::move(blocks));
    frame_.parallel_for(batch_count(own_rows_.size()),
                        [&](std::int64_t i) { rows_back<Sample>(out, channel, i, blocks, offset); });
  }

 private:
  [[nodiscard]] std::int64_t all_bins() const { return x_.period / 2 + 1; }
  [[nodiscard]] Interval bins(int rank) const {
    return {all_bins() * rank / frame_.ranks(), all_bins() * (rank + 1) / frame_.ranks()};
  }
  static Complex* block(std::vector<Bytes>& blocks, int rank) {
    return reinterpret_cast<Complex*>(blocks[static_cast<std::size_t>(rank)].data());
  }

  // A row of OpenCV's packed spectrum is Re 0, Re 1, Im 1, Re 2, Im 2, ..., and Re period/2 if that is even.
  [[nodiscard]] Complex packed_bin(const float* row, std::int64_t bin) const {
    if (bin == 0) {
      return {row[0], 0};
    }
    return {row[2 * bin - 1], 2 * bin == x_.period ? 0.0F : row[2 * bin]};
  }
  void set_packed_bin(float* row, std::int64_t bin, Complex value) const {
    if (bin == 0) {
      row[0] = value.real();
      return;
    }
    row[2 * bin - 1] = value.real();
    if (2 * bin != x_.period) {
      row[2 * bin] = value.imag();
    }
  }

  template <class Sample>
  void rows_forward(const cv::Mat& in, int channel, std::int64_t index, std::vector<Bytes>& blocks) {
    const Interval rows = batch(index, own_rows_.size());
    cv::Mat line(static_cast<int>(rows.size()), static_cast<int>(x_.period), CV_32FC1);
    const int channels = in.channels();
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const auto* from = in.ptr<Sample>(static_cast<int>(y)) + channel;
      auto* to = line.ptr<float>(static_cast<int>(y - rows.begin));
      for (std::size_t x = 0; x < source_x_.size(); ++x) {
        to[x] = static_cast<float>(from[source_x_[x] * channels]);
      }
    }
    cv::Mat spectrum;
    cv::dft(line, spectrum, cv::DFT_ROWS);
    for (int rank = 0; rank < frame_.ranks(); ++rank) {
      const Interval theirs = bins(rank);
      Complex* to = block(blocks, rank);
      for (std::int64_t bin = theirs.begin; bin < theirs.end; ++bin) {
        Complex* column = to + (bin - theirs.begin) * own_rows_.size();
        for (std::int64_t y = rows.begin; y < rows.end; ++y) {
          column[y] = packed_bin(spectrum.ptr<float>(static_cast<int>(y - rows.begin)), bin);
        }
      }
    }
  }

  void filter_columns(std::int64_t index, std::vector<Bytes>& blocks, const GainOf& gain) {
    const std::int64_t first_bin = bins(frame_.rank()).begin;
    const Interval columns = batch(index, bins(frame_.rank()).size());
    cv::Mat lines(static_cast<int>(columns.size()), static_cast<int>(y_.period), CV_32FC2);
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      auto* line = lines.ptr<Complex>(static_cast<int>(column - columns.begin));
      for (int rank = 0; rank < frame_.ranks(); ++rank) {
        const Interval rows = frame_.rows(rank);
        std::copy_n(block(blocks, rank) + column * rows.size(), rows.size(), line + rows.begin);
      }
      for (std::int64_t y = y_.size; y < y_.period; ++y) {
        line[y] = line[source_y_[static_cast<std::size_t>(y)]];
      }
    }
    cv::dft(lines, lines, cv::DFT_ROWS);
    // The gains of the frequencies +k and -k are the same.
    std::vector<double> gains(static_cast<std::size_t>(y_.period / 2 + 1));
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      auto* line = lines.ptr<Complex>(static_cast<int>(column - columns.begin));
      const double fx = x_.frequency(first_bin + column);
      for (std::size_t k = 0; k < gains.size(); ++k) {
        const double fy = y_.frequency(static_cast<std::int64_t>(k));
        gains[k] = fx * fx + fy * fy;
      }
      gain(gains);
      for (std::int64_t k = 0; k < y_.period; ++k) {
        line[k] *= static_cast<float>(gains[static_cast<std::size_t>(std::min(k, y_.period - k))]);
      }
    }
    cv::dft(lines, lines, cv::DFT_ROWS | cv::DFT_INVERSE | cv::DFT_SCALE);
    for (std::int64_t column = columns.begin; column < columns.end; ++column) {
      const auto* line = lines.ptr<Complex>(static_cast<int>(column - columns.begin));
      for (int rank = 0; rank < frame_.ranks(); ++rank) {
        const Interval rows = frame_.rows(rank);
        std::copy_n(line + rows.begin, rows.size(), block(blocks, rank) + column * rows.size());
      }
    }
  }

  template <class Sample>
  void rows_back(cv::Mat& out, int channel, std::int64_t index, std::vector<Bytes>& blocks, double offset) {
    const Interval rows = batch(index, own_rows_.size());
    cv::Mat spectrum(static_cast<int>(rows.size()), static_cast<int>(x_.period), CV_32FC1);
    for (int rank = 0; rank < frame_.ranks(); ++rank) {
      const Interval theirs = bins(rank);
      const Complex* from = block(blocks, rank);
      for (std::int64_t bin = theirs.begin; bin < theirs.end; ++bin) {
        const Complex* column = from + (bin - theirs.begin) * own_rows_.size();
        for (std::int64_t y = rows.begin; y < rows.end; ++y) {
          set_packed_bin(spectrum.ptr<float>(static_cast<int>(y - rows.begin)), bin, column[y]);
        }
      }
    }
    cv::Mat line;
    cv::dft(spectrum, line, cv::DFT_ROWS | cv::DFT_INVERSE | cv::DFT_SCALE | cv::DFT_REAL_OUTPUT);
    const int channels = out.channels();
    const auto shift = static_cast<float>(offset);
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const auto* from = line.ptr<float>(static_cast<int>(y - rows.begin));
      auto* to = out.ptr<Sample>(static_cast<int>(y)) + channel;
      for (std::int64_t x = 0; x < x_.size; ++x) {
        to[x * channels] = cv::saturate_cast<Sample>(from[x] + shift);
      }
    }
  }

  Frame& frame_;
  MirroredAxis x_;
  MirroredAxis y_;
  Interval own_rows_;
  std::vector<std::int64_t> source_x_;
  std::vector<std::int64_t> source_y_;
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

}  // namespace tessera
