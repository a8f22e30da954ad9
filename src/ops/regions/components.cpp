// SPDX-License-Identifier: Apache-2.0
#include "ops/regions/components.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <opencv2/core/hal/intrin.hpp>

#include "base/error.hpp"
#include "ops/band_strips.hpp"

namespace tessera {
namespace {

template <class Parents, class Index>
Index find_root(Parents& parent, Index node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

/// The lower root wins, so roots do not depend on the order of joins.
template <class Parents, class Index>
void join(Parents& parent, Index a, Index b) {
  const Index root_a = find_root(parent, a);
  const Index root_b = find_root(parent, b);
  parent[std::max(root_a, root_b)] = std::min(root_a, root_b);
}

/// Calls touch(i, j) for all runs above[i] and below[j] of two neighbouring rows that are connected.
template <class Touch>
void for_each_contact(std::span<const ForegroundRun> above, std::span<const ForegroundRun> below,
                      Connectivity connectivity, Touch&& touch) {
  const std::int32_t reach = connectivity == Connectivity::eight ? 1 : 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < above.size() && j < below.size()) {
    if (above[i].begin < below[j].end + reach && below[j].begin < above[i].end + reach) {
      touch(i, j);
    }
    if (above[i].end < below[j].end) {
      ++i;
    } else {
      ++j;
    }
  }
}

/// Which of 16 pixels are not 0, the first in the lowest bit.
std::uint64_t foreground_of_16(const std::uint8_t* pixels) {
  const cv::v_uint8x16 set = cv::v_load(pixels) != cv::v_setzero_u8();
  return static_cast<std::uint16_t>(cv::v_signmask(set));
}

/// Of up to 64 pixels.
std::uint64_t foreground(const std::uint8_t* pixels, std::int32_t count) {
  std::uint64_t mask = 0;
  std::int32_t x = 0;
  for (; x + 16 <= count; x += 16) {
    mask |= foreground_of_16(pixels + x) << x;
  }
  for (; x < count; ++x) {
    mask |= static_cast<std::uint64_t>(pixels[x] != 0 ? 1 : 0) << x;
  }
  return mask;
}

/// Calls take(x, changes) for 64 pixels from x on at a time: a bit for each that begins a run or is the first
/// behind one. A run that reaches the end of the row ends there with one more call.
template <class Take>
void for_changes(const std::uint8_t* row, std::int32_t width, Take&& take) {
  constexpr std::int32_t at_once = 64;
  std::uint64_t before = 0;
  for (std::int32_t x = 0; x < width; x += at_once) {
    const std::uint64_t mask = foreground(row + x, std::min(at_once, width - x));
    take(x, mask ^ (mask << 1 | before));
    before = mask >> (at_once - 1);
  }
  if (before != 0) {
    take(width, std::uint64_t{1});
  }
}

std::uint32_t count_runs(const std::uint8_t* row, std::int32_t width) {
  int changes = 0;
  for_changes(row, width, [&](std::int32_t, std::uint64_t bits) { changes += std::popcount(bits); });
  return static_cast<std::uint32_t>(changes / 2);
}

void fill_runs(const std::uint8_t* row, std::int32_t width, ForegroundRun* out) {
  bool inside = false;
  for_changes(row, width, [&](std::int32_t x, std::uint64_t bits) {
    for (; bits != 0; bits &= bits - 1) {
      const std::int32_t change = x + std::countr_zero(bits);
      if (inside) {
        (out++)->end = change;
      } else {
        out->begin = change;
      }
      inside = !inside;
    }
  });
}

void join_rows(BandComponents& part, std::size_t row, Connectivity connectivity) {
  const std::span<const ForegroundRun> runs(part.runs);
  const std::uint32_t above = part.row_begin[row - 1];
  const std::uint32_t here = part.row_begin[row];
  const std::uint32_t next = part.row_begin[row + 1];
  for_each_contact(runs.subspan(above, here - above), runs.subspan(here, next - here), connectivity,
                   [&](std::size_t i, std::size_t j) {
                     join(part.root, above + static_cast<std::uint32_t>(i),
                          here + static_cast<std::uint32_t>(j));
                   });
}

std::vector<std::uint32_t> roots_on_edge(const BandComponents& all) {
  if (all.row_begin.size() < 2) {
    return {};
  }
  std::vector<std::uint32_t> roots(all.root.begin(), all.root.begin() + all.row_begin[1]);
  roots.insert(roots.end(), all.root.begin() + all.row_begin[all.row_begin.size() - 2], all.root.end());
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  return roots;
}

/// A run in the first or last row of a band; `component` counts that band's on_edge.
struct EdgeRun {
  ForegroundRun run;
  std::uint64_t component = 0;
};

/// What a band tells the others.
struct Edges {
  std::vector<EdgeRun> first_row;
  std::vector<EdgeRun> last_row;
  std::vector<std::uint64_t> values;
  bool has_rows = false;
};

std::vector<EdgeRun> edge_runs(const BandComponents& components, std::size_t row) {
  std::vector<EdgeRun> result;
  for (std::uint32_t i = components.row_begin[row]; i < components.row_begin[row + 1]; ++i) {
    const auto at =
        std::lower_bound(components.on_edge.begin(), components.on_edge.end(), components.root[i]);
    result.push_back({components.runs[i], static_cast<std::uint64_t>(at - components.on_edge.begin())});
  }
  return result;
}

template <class T>
void append(Bytes& bytes, const std::vector<T>& values) {
  const std::uint64_t count = values.size();
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof count + values.size() * sizeof(T));
  std::memcpy(bytes.data() + at, &count, sizeof count);
  if (count > 0) {
    std::memcpy(bytes.data() + at + sizeof count, values.data(), values.size() * sizeof(T));
  }
}

template <class T>
std::vector<T> take(std::span<const std::byte>& bytes) {
  std::uint64_t count = 0;
  std::memcpy(&count, bytes.data(), sizeof count);
  std::vector<T> values(count);
  if (count > 0) {
    std::memcpy(values.data(), bytes.data() + sizeof count, count * sizeof(T));
  }
  bytes = bytes.subspan(sizeof count + count * sizeof(T));
  return values;
}

Bytes pack(const BandComponents& components, std::span<const std::uint64_t> values) {
  Bytes bytes;
  const std::size_t rows = components.row_begin.size() - 1;
  if (rows > 0) {
    append(bytes, edge_runs(components, 0));
    append(bytes, edge_runs(components, rows - 1));
    append(bytes, std::vector<std::uint64_t>(values.begin(), values.end()));
  }
  return bytes;
}

Edges unpack(const Bytes& bytes) {
  Edges edges;
  edges.has_rows = !bytes.empty();
  if (edges.has_rows) {
    std::span<const std::byte> rest(bytes);
    edges.first_row = take<EdgeRun>(rest);
    edges.last_row = take<EdgeRun>(rest);
    edges.values = take<std::uint64_t>(rest);
  }
  return edges;
}

std::vector<ForegroundRun> runs_of(const std::vector<EdgeRun>& edge) {
  std::vector<ForegroundRun> runs;
  runs.reserve(edge.size());
  for (const EdgeRun& run : edge) {
    runs.push_back(run.run);
  }
  return runs;
}

}  // namespace

BandComponents find_components(Frame& frame, const cv::Mat& mask, Connectivity connectivity) {
  BandComponents all;
  all.row_begin.assign(static_cast<std::size_t>(mask.rows) + 1, 0);
  for_each_strip(frame, mask.rows, [&](std::int64_t, const Interval& rows) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      all.row_begin[static_cast<std::size_t>(y) + 1] =
          count_runs(mask.ptr<std::uint8_t>(static_cast<int>(y)), mask.cols);
    }
  });
  const std::uint64_t total = std::reduce(all.row_begin.begin(), all.row_begin.end(), std::uint64_t{0});
  if (total >= std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::limit_exceeded,
                "The rows of one rank hold " + std::to_string(total) +
                    " runs of foreground pixels, more than the 4294967294 that connected components can be "
                    "found in; use more ranks or smooth the picture first.");
  }
  std::partial_sum(all.row_begin.begin(), all.row_begin.end(), all.row_begin.begin());
  // Each strip touches its part of them first.
  all.runs.resize(total);
  all.root.resize(total);
  for_each_strip(frame, mask.rows, [&](std::int64_t, const Interval& rows) {
    for (std::int64_t y = rows.begin; y < rows.end; ++y) {
      const auto row = static_cast<std::size_t>(y);
      const std::uint32_t first = all.row_begin[row];
      fill_runs(mask.ptr<std::uint8_t>(static_cast<int>(y)), mask.cols, all.runs.data() + first);
      std::iota(all.root.begin() + first, all.root.begin() + all.row_begin[row + 1], first);
      if (y > rows.begin) {
        join_rows(all, row, connectivity);
      }
    }
  });
  for (std::int64_t seam = strip_rows; seam < mask.rows; seam += strip_rows) {
    join_rows(all, static_cast<std::size_t>(seam), connectivity);
  }
  for (std::uint32_t& root : all.root) {
    root = all.root[root];
  }
  all.on_edge = roots_on_edge(all);
  return all;
}

std::vector<std::uint64_t> minimum_over_bands(Frame& frame, const BandComponents& components,
                                              std::span<const std::uint64_t> values,
                                              Connectivity connectivity) {
  const std::vector<Bytes> gathered = frame.all_gather(pack(components, values));
  std::vector<std::uint64_t> parent;
  std::vector<std::uint64_t> least;
  std::vector<ForegroundRun> above_runs;
  std::vector<std::uint64_t> above_nodes;
  std::uint64_t own_nodes = 0;
  for (std::size_t rank = 0; rank < gathered.size(); ++rank) {
    const Edges edges = unpack(gathered[rank]);
    const std::uint64_t offset = parent.size();
    if (static_cast<int>(rank) == frame.rank()) {
      own_nodes = offset;
    }
    if (!edges.has_rows) {
      continue;
    }
    for (const std::uint64_t value : edges.values) {
      parent.push_back(parent.size());
      least.push_back(value);
    }
    for_each_contact(above_runs, runs_of(edges.first_row), connectivity, [&](std::size_t i, std::size_t j) {
      join(parent, above_nodes[i], offset + edges.first_row[j].component);
    });
    above_runs = runs_of(edges.last_row);
    above_nodes.clear();
    for (const EdgeRun& run : edges.last_row) {
      above_nodes.push_back(offset + run.component);
    }
  }
  for (std::uint64_t node = 0; node < parent.size(); ++node) {
    std::uint64_t& of_root = least[find_root(parent, node)];
    of_root = std::min(of_root, least[node]);
  }
  std::vector<std::uint64_t> result;
  result.reserve(values.size());
  for (std::uint64_t i = 0; i < values.size(); ++i) {
    result.push_back(least[find_root(parent, own_nodes + i)]);
  }
  return result;
}

}  // namespace tessera
