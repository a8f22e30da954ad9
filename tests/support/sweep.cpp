// SPDX-License-Identifier: Apache-2.0
#include "support/sweep.hpp"

#include <fmt/format.h>

namespace tessera::testing {
namespace {

Extent random_extent(std::mt19937& random) {
  static constexpr std::array<Extent, 9> extents{
      {{1, 1}, {1, 61}, {67, 1}, {7, 5}, {16, 16}, {31, 37}, {63, 65}, {97, 89}, {40, 131}}};
  return extents[random() % extents.size()];
}

Tile random_image(const Extent& extent, std::mt19937& random) {
  const PixelFormat format{random() % 3 == 0 ? Depth::u16 : Depth::u8, random() % 2 == 0 ? 1 : 3,
                           random() % 3 == 0};
  const auto pattern = static_cast<Pattern>(random() % 4);
  return make_image({extent, format}, pattern, static_cast<unsigned>(random()));
}

std::string compare(const SweepCase& sweep, const EngineOutcome& outcome) {
  if (!outcome.complete) {
    return "the sink was not finished";
  }
  if (difference(outcome.image, sweep.expected.image) != 0) {
    return first_difference(outcome.image, sweep.expected.image);
  }
  std::vector<double> findings;
  for (const Findings& found : outcome.report.findings) {
    findings.insert(findings.end(), found.values.begin(), found.values.end());
  }
  return findings == sweep.expected.findings ? "" : "the findings differ";
}

std::string describe(const SweepCase& sweep, int ranks, const Cut& cut, const std::string& failure) {
  if (failure.empty()) {
    return {};
  }
  return fmt::format(
      "{} at {} ranks, {} threads, strips of {}, pieces of {}, {} bytes held, {} reduced, {} a panel, {} % resumed{}: {}",
      sweep.description, ranks, cut.threads, cut.strip_rows, cut.piece_rows, cut.max_held_bytes,
      cut.max_reduced_bytes, cut.max_panel_bytes, cut.resumed_percent,
      cut.random_access ? ", random access" : "", failure);
}

}  // namespace

SweepCase operator_case(const std::string& name, std::mt19937& random) {
  const Extent extent = random_extent(random);
  SweepCase sweep;
  sweep.image = random_image(extent, random);
  const Json parameters = random_parameters(find_operator(name), extent, random);
  sweep.pipeline.push_back(build_operator(name, parameters, sample_image));
  sweep.description = fmt::format("{} {} on {} {}x{}", name, parameters.dump(),
                                  info_of(sweep.image).format.describe(), extent.width, extent.height);
  sweep.expected = run_reference(sweep.pipeline, sweep.image);
  return sweep;
}

SweepCase pipeline_case(std::mt19937& random) {
  const Extent extent = random_extent(random);
  SweepCase sweep;
  sweep.image = random_image(extent, random);
  sweep.description =
      fmt::format("{} {}x{}", info_of(sweep.image).format.describe(), extent.width, extent.height);
  sweep.expected.image = sweep.image;
  const std::size_t length = 2 + random() % 5;
  while (sweep.pipeline.size() < length) {
    const CatalogEntry& entry = catalog()[random() % catalog().size()];
    const Rect now = sweep.expected.image.rect;
    const Json parameters = random_parameters(entry, {now.width, now.height}, random);
    const Operator op = build_operator(entry.info.name, parameters, sample_image);
    Outcome next = run_reference(op, sweep.expected.image);
    constexpr std::int64_t enough_pixels = 60'000;
    if (next.image.rect.width * next.image.rect.height > enough_pixels) {
      continue;
    }
    sweep.expected.image = next.image;
    sweep.expected.findings.insert(sweep.expected.findings.end(), next.findings.begin(), next.findings.end());
    sweep.pipeline.push_back(op);
    sweep.description += fmt::format(" | {} {}", entry.info.name, parameters.dump());
  }
  return sweep;
}

Cut random_cut(std::mt19937& random) {
  static constexpr std::array<std::int64_t, 6> strips{0, 1, 2, 5, 16, 33};
  static constexpr std::array<std::int64_t, 4> pieces{1, 3, 8, 16};
  static constexpr std::array<std::int64_t, 4> held{1, 1000, 20'000, 1 << 30};
  static constexpr std::array<std::int64_t, 3> panels{0, 0, 500};
  static constexpr std::array<int, 4> resumed{0, 0, 40, 99};
  return {1 + static_cast<int>(random() % 4), strips[random() % strips.size()],
          pieces[random() % pieces.size()],   random() % 2 == 0,
          held[random() % held.size()],       held[random() % held.size()],
          panels[random() % panels.size()],   resumed[random() % resumed.size()]};
}

std::string check_case(const SweepCase& sweep, Communicator& comm, Cut cut) {
  cut.resumed_percent = sweep.expected.findings.empty() ? cut.resumed_percent : 0;
  const EngineOutcome outcome = run_engine(sweep.pipeline, sweep.image, comm, cut, sweep.expected.image);
  return comm.root() ? describe(sweep, comm.size(), cut, compare(sweep, outcome)) : std::string();
}

std::string check_case(const SweepCase& sweep, int ranks, Cut cut) {
  cut.resumed_percent = sweep.expected.findings.empty() ? cut.resumed_percent : 0;
  return describe(sweep, ranks, cut,
                  compare(sweep, run_engine(sweep.pipeline, sweep.image, ranks, cut, sweep.expected.image)));
}

}  // namespace tessera::testing
