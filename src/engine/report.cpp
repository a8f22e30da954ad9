// SPDX-License-Identifier: Apache-2.0
#include "engine/report.hpp"

#include <cstring>

namespace tessera {

std::string stage_name(const Stage& stage) {
  std::string name;
  for (const ChainLink& link : stage.chain) {
    name += (name.empty() ? "" : " + ") + link.name;
  }
  if (!stage.end_name.empty()) {
    name += (name.empty() ? "" : " + ") + stage.end_name;
  }
  return name.empty() ? "copy" : name;
}

std::vector<RankReport> gather_rank_reports(Communicator& comm, const RankReport& mine) {
  struct Numbers {
    Interval rows;
    std::int64_t bands, strips, sent, received, written, peak_memory;
    double busy;
  };
  const Numbers numbers{mine.rows,
                        mine.bands,
                        mine.strips,
                        mine.sent_bytes,
                        mine.received_bytes,
                        mine.written_bytes,
                        mine.peak_memory_bytes,
                        mine.busy_seconds};
  const std::string location = comm.location();
  Bytes packed(sizeof numbers + location.size());
  std::memcpy(packed.data(), &numbers, sizeof numbers);
  std::memcpy(packed.data() + sizeof numbers, location.data(), location.size());
  std::vector<RankReport> reports;
  for (const Bytes& bytes : all_gather_bytes(comm, packed)) {
    Numbers theirs{};
    std::memcpy(&theirs, bytes.data(), sizeof theirs);
    reports.push_back({std::string(reinterpret_cast<const char*>(bytes.data()) + sizeof theirs,
                                   bytes.size() - sizeof theirs),
                       theirs.rows, static_cast<int>(theirs.bands), static_cast<int>(theirs.strips),
                       theirs.sent, theirs.received, theirs.written, theirs.peak_memory, theirs.busy});
  }
  if (!comm.root()) {
    reports.clear();
  }
  return reports;
}

}  // namespace tessera
