#include "ops/regions/components.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "ops/band_strips.hpp"

namespace tessera {
namespace {

template <class Index>
Index find_root(std::vector<Index>& parent, Index node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

/// The lower root wins, so roots do not depend on the order of joins.
template <class Index>
void join(std::vector<Index>& parent, Index a, Index b) {
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

void append_runs(const std::uint8_t* row, std::int32_t width, std::vector<ForegroundRun>& runs) {
  std::int32_t x = 0;
  while (x < width) {
    for (std::uint64_t eight = 0; x + 8 <= width; x += 8) {
      std::memcpy(&eight, row + x, 8);
      if (eight != 0) {
        break;
      }
    }
    while (x < width && row[x] == 0) {
      ++x;
    }
    const std::int32_t begin = x;
    while (x < width && row[x] != 0) {
      ++x;
    }
    if (x > begin) {
      runs.push_back({begin, x});
    }
  }
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

BandComponents find_in_strip(const cv::Mat& mask, const Interval& rows, Connectivity connectivity) {
  BandComponents part;
  part.row_begin.push_back(0);
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    append_runs(mask.ptr<std::uint8_t>(static_cast<int>(y)), mask.cols, part.runs);
    part.row_begin.push_back(static_cast<std::uint32_t>(part.runs.size()));
  }
  part.root.resize(part.runs.size());
  std::iota(part.root.begin(), part.root.end(), 0U);
  for (std::size_t row = 1; row + 1 < part.row_begin.size(); ++row) {
    join_rows(part, row, connectivity);
  }
  return part;
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
  std::vector<BandComponents> parts(static_cast<std::size_t>(strip_count(mask.rows)));
  for_each_strip(frame, mask.rows, [&](std::int64_t strip, const Interval& rows) {
    parts[static_cast<std::size_t>(strip)] = find_in_strip(mask, rows, connectivity);
  });
  std::size_t total = 0;
  for (const BandComponents& part : parts) {
    total += part.runs.size();
  }
  if (total >= std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::limit_exceeded,
                "The rows of one rank hold " + std::to_string(total) +
                    " runs of foreground pixels, more than the 4294967294 that connected components can be "
                    "found in; use more ranks or smooth the picture first.");
  }
  BandComponents all;
  all.runs.reserve(total);
  all.root.reserve(total);
  all.row_begin.push_back(0);
  for (BandComponents& part : parts) {
    const auto offset = static_cast<std::uint32_t>(all.runs.size());
    const std::size_t seam = all.row_begin.size() - 1;
    all.runs.insert(all.runs.end(), part.runs.begin(), part.runs.end());
    for (const std::uint32_t root : part.root) {
      all.root.push_back(offset + root);
    }
    for (std::size_t row = 1; row < part.row_begin.size(); ++row) {
      all.row_begin.push_back(offset + part.row_begin[row]);
    }
    if (seam > 0) {
      join_rows(all, seam, connectivity);
    }
    part = {};
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
