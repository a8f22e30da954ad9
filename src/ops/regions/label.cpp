// SPDX-License-Identifier: Apache-2.0
#include "ops/regions/label.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "ops/band_strips.hpp"

namespace tessera {
namespace {

cv::Mat foreground(Frame& frame, const cv::Mat& gray, double threshold) {
  cv::Mat mask(gray.rows, gray.cols, CV_8UC1);
  const int limit = static_cast<int>(std::floor(threshold));
  for_each_strip(frame, gray.rows, [&](std::int64_t, const Interval& rows) {
    for (int y = static_cast<int>(rows.begin); y < static_cast<int>(rows.end); ++y) {
      auto* to = mask.ptr<std::uint8_t>(y);
      const auto mark = [&](const auto* from) {
        for (int x = 0; x < gray.cols; ++x) {
          to[x] = from[x] > limit ? 255 : 0;
        }
      };
      if (gray.depth() == CV_8U) {
        mark(gray.ptr<std::uint8_t>(y));
      } else {
        mark(gray.ptr<std::uint16_t>(y));
      }
    }
  });
  return mask;
}

struct FirstPixelNumber {
  std::uint64_t first_pixel = 0;
  std::uint64_t number = 0;
};

/// First pixels, counted through the whole image, of the components whose roots are ascending `roots`.
std::vector<std::uint64_t> first_pixels(const BandComponents& components,
                                        std::span<const std::uint32_t> roots, const Rect& band) {
  std::vector<std::uint64_t> result;
  result.reserve(roots.size());
  std::size_t row = 0;
  for (const std::uint32_t root : roots) {
    while (components.row_begin[row + 1] <= root) {
      ++row;
    }
    result.push_back(static_cast<std::uint64_t>((band.y + static_cast<std::int64_t>(row)) * band.width +
                                                components.runs[root].begin));
  }
  return result;
}

/// The number of each run's component is written where its root stands; returns the count in the whole image.
std::uint64_t number_components(Frame& frame, const BandComponents& components, const Rect& band,
                                Connectivity connectivity, std::vector<std::uint64_t>& number) {
  const auto& on_edge = components.on_edge;
  const std::vector<std::uint64_t> own_first = first_pixels(components, on_edge, band);
  const std::vector<std::uint64_t> first = minimum_over_bands(frame, components, own_first, connectivity);

  // A component is numbered where its first pixel lies.
  number.assign(components.runs.size(), 0);
  std::uint64_t owned = 0;
  for (std::uint32_t i = 0, edge = 0; i < components.runs.size(); ++i) {
    if (components.root[i] != i) {
      continue;
    }
    bool mine = true;
    if (edge < on_edge.size() && on_edge[edge] == i) {
      mine = first[edge] == own_first[edge];
      ++edge;
    }
    number[i] = mine ? ++owned : 0;
  }
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(frame.ranks()), 0);
  counts[static_cast<std::size_t>(frame.rank())] = owned;
  frame.all_reduce(counts, Merge::sum);
  std::uint64_t before = 0;
  std::uint64_t total = 0;
  for (std::size_t rank = 0; rank < counts.size(); ++rank) {
    before += static_cast<int>(rank) < frame.rank() ? counts[rank] : 0;
    total += counts[rank];
  }
  for (std::uint64_t& of_root : number) {
    of_root += of_root > 0 ? before : 0;
  }

  std::vector<FirstPixelNumber> known;
  for (std::size_t i = 0; i < on_edge.size(); ++i) {
    if (first[i] == own_first[i]) {
      known.push_back({first[i], number[on_edge[i]]});
    }
  }
  Bytes message(known.size() * sizeof(FirstPixelNumber));
  if (!known.empty()) {
    std::memcpy(message.data(), known.data(), message.size());
  }
  std::unordered_map<std::uint64_t, std::uint64_t> number_of;
  for (const Bytes& bytes : frame.all_gather(std::move(message))) {
    for (std::size_t at = 0; at < bytes.size(); at += sizeof(FirstPixelNumber)) {
      FirstPixelNumber entry;
      std::memcpy(&entry, bytes.data() + at, sizeof entry);
      number_of.emplace(entry.first_pixel, entry.number);
    }
  }
  for (std::size_t i = 0; i < on_edge.size(); ++i) {
    number[on_edge[i]] = number_of.at(first[i]);
  }
  return total;
}

template <class T>
void paint_row(std::span<const ForegroundRun> runs, std::span<const std::uint32_t> roots,
               std::span<const std::uint64_t> number, int scale, T* to) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Color color = label_color(number[roots[i]]);
    for (std::int64_t x = runs[i].begin; x < runs[i].end; ++x) {
      to[3 * x] = static_cast<T>(color.red * scale);
      to[3 * x + 1] = static_cast<T>(color.green * scale);
      to[3 * x + 2] = static_cast<T>(color.blue * scale);
    }
  }
}

}  // namespace

Color label_color(std::uint64_t number) {
  std::uint64_t hash = number * 0x9e3779b97f4a7c15ULL;
  hash ^= hash >> 29U;
  const auto level = [&](unsigned channel) {
    return static_cast<std::uint8_t>(64 + (((hash >> (8 * channel)) & 0xffU) * 3) / 4);
  };
  return {level(0), level(1), level(2)};
}

void Label::run(Frame& frame, const Tile& in, Tile& out) const {
  const cv::Mat mask = foreground(frame, in.color, threshold * frame.image().format.level_scale());
  const BandComponents components = find_components(frame, mask, connectivity);
  std::vector<std::uint64_t> number;
  const std::uint64_t count = number_components(frame, components, in.rect, connectivity, number);
  for_each_strip(frame, out.color.rows, [&](std::int64_t, const Interval& rows) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const auto row = static_cast<std::size_t>(y);
      const std::uint32_t begin = components.row_begin[row];
      const std::size_t size = components.row_begin[row + 1] - begin;
      const auto runs = std::span(components.runs).subspan(begin, size);
      const auto roots = std::span(components.root).subspan(begin, size);
      auto* to = out.color.ptr(static_cast<int>(y));
      std::memset(to, 0, static_cast<std::size_t>(out.color.cols) * out.color.elemSize());
      if (out.color.depth() == CV_8U) {
        paint_row(runs, roots, number, 1, to);
      } else {
        paint_row(runs, roots, number, 257, reinterpret_cast<std::uint16_t*>(to));
      }
    }
  });
  const auto finding = static_cast<double>(count);
  frame.report({&finding, 1});
}

}  // namespace tessera
