// SPDX-License-Identifier: Apache-2.0
#include "engine/strips.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace tessera {
std::vector<std::vector<Rect>> band_needs(const Stage& stage, const std::vector<Interval>& bands) {
  std::vector<std::vector<Rect>> needs;
  for (const Interval& rows : bands) {
    needs.push_back(rows.empty()
                        ? std::vector<Rect>{}
                        : wrapped_parts(strip_needs(stage.chain, stage.in, rows).input, stage.in.extent));
  }
  return needs;
}

std::int64_t StripContext::count(int rank) const {
  return (bands[static_cast<std::size_t>(rank)].size() + strip_rows - 1) / strip_rows;
}

Interval StripContext::rows(int rank, std::int64_t index) const {
  const Interval band = bands[static_cast<std::size_t>(rank)];
  const std::int64_t begin = band.begin + index * strip_rows;
  return {begin, std::min(band.end, begin + strip_rows)};
}

BandInput::BandInput(const Band& band, const StripContext& strips, Communicator& comm)
    : band_(band), pixels_(band, band_needs(strips.stage, strips.bands), comm) {}

void BandInput::fetch(std::int64_t, Tile& out) {
  if (!finished_ && !pixels_.is_local(out.rect)) {
    finish();
  }
  pixels_.fetch(out);
}

void BandInput::finish() {
  const std::scoped_lock lock(mutex_);
  if (!finished_) {
    pixels_.finish_exchange();
    finished_ = true;
  }
}

std::optional<StreamedRows> streaming_rows(const StripContext& strips, int rank) {
  return streamed_rows(strips.stage, strips.bands[static_cast<std::size_t>(rank)], strips.strip_rows);
}

StripFindings::StripFindings(const std::vector<ChainLink>& chain, std::int64_t strips)
    : chain_(chain),
      values_(static_cast<std::size_t>(strips),
              std::vector<std::vector<double>>(std::max<std::size_t>(1, chain.size()))) {}

std::vector<Findings> StripFindings::gather(Communicator& comm) const {
  std::vector<Findings> result;
  for (std::size_t i = 0; i < chain_.size(); ++i) {
    const std::vector<std::string> columns = chain_[i].op->finding_columns();
    if (columns.empty()) {
      continue;
    }
    std::vector<double> mine;
    for (const auto& strip : values_) {
      mine.insert(mine.end(), strip[i].begin(), strip[i].end());
    }
    Bytes bytes(mine.size() * sizeof(double));
    if (!mine.empty()) {
      std::memcpy(bytes.data(), mine.data(), bytes.size());
    }
    Findings all{chain_[i].name, columns, {}};
    for (const Bytes& theirs : all_gather_bytes(comm, bytes)) {
      const std::size_t at = all.values.size();
      all.values.resize(at + theirs.size() / sizeof(double));
      if (!theirs.empty()) {
        std::memcpy(all.values.data() + at, theirs.data(), theirs.size());
      }
    }
    if (comm.root()) {
      result.push_back(std::move(all));
    }
  }
  return result;
}

std::span<std::uint64_t> SlotSet::merge(Merge merge) {
  for (std::size_t set = 1; set < sets_.size(); ++set) {
    for (std::size_t i = 0; i < slots_; ++i) {
      sets_[0][i] = merge == Merge::sum ? sets_[0][i] + sets_[set][i] : std::max(sets_[0][i], sets_[set][i]);
    }
  }
  return sets_[0];
}

void for_each_strip(const StripContext& strips, StripInput& input, StripFindings& findings,
                    const TakeStrip& take, const OnStripFailure& on_failure) {
  const int rank = strips.comm.rank();
  const std::int64_t count = strips.count(rank);
  std::atomic<std::int64_t> done{0};
  for_each_index(strips.options.threads, count, strips.options.stop, [&](int worker, std::int64_t index) {
    const auto start = std::chrono::steady_clock::now();
    try {
      ChainRunner& runner = strips.runners[static_cast<std::size_t>(worker)];
      const Tile strip = runner.run(
          strips.stage.chain, strips.stage.in, strips.rows(rank, index),
          {[&](Tile& out) { input.fetch(index, out); }, [&](std::int64_t row) { input.pass(index, row); }},
          findings.of(index), strips.options.max_reduced_bytes, strips.options.stop);
      input.release(index);
      take(worker, index, strip);
    } catch (...) {
      if (on_failure) {
        on_failure(index, std::current_exception());
      }
      throw;
    }
    if (strips.busy_ns != nullptr) {
      *strips.busy_ns += std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
    }
    if (strips.progress) {
      strips.progress(static_cast<double>(++done) / static_cast<double>(count));
    }
  });
}

}  // namespace tessera
