// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <fmt/format.h>

#include "base/amount.hpp"
#include "base/printable.hpp"
#include "codec/io/objects.hpp"
#include "engine/findings.hpp"
#include "text.hpp"

namespace tessera::cli {
namespace {

Json image_json(const ImageInfo& info) {
  return {{"width", info.extent.width},
          {"height", info.extent.height},
          {"channels", info.format.channels},
          {"alpha", info.format.alpha},
          {"bits", info.format.depth == Depth::u8 ? 8 : 16}};
}

std::string rows_text(const RankReport& rank) {
  if (rank.bands > 1) {
    return fmt::format("{} rows in {} bands", rank.rows.size(), rank.bands);
  }
  return rank.rows.empty() ? "no rows" : fmt::format("rows {}..{}", rank.rows.begin, rank.rows.end - 1);
}

std::string shown_input(const ImageReport& report) {
  return report.item.input == "-" ? "standard input" : printable(shown_name(report.item.input));
}

std::string shown_output(const ImageReport& report) {
  return report.item.output == "-" ? "standard output" : printable(shown_name(report.item.output));
}

std::string findings_and_warnings(const ImageReport& report) {
  std::string text;
  for (const Findings& findings : report.done.run.findings) {
    if (!findings.columns.empty()) {
      text += fmt::format("\n  {} found {}", findings.operator_name, findings.rows());
    }
  }
  for (const std::string& warning : report.done.run.warnings) {
    text += fmt::format("\n  Warning: {}", printable(warning));
  }
  return text;
}

/// From where to where, sizes, time.
std::string headline(const ImageReport& report) {
  const std::string to = shown_output(report);
  std::string text = to.empty() ? shown_input(report) : fmt::format("{} -> {}", shown_input(report), to);
  text += fmt::format(": {}", info_text(report.done.in));
  if (report.done.out != report.done.in) {
    text += fmt::format(" -> {}", info_text(report.done.out));
  }
  // What was written into a stream is not counted.
  if (report.done.output_bytes > 0) {
    text += fmt::format(", {}", bytes_text(report.done.output_bytes));
  }
  text += fmt::format(", {}", seconds_text(report.done.seconds));
  if (report.done.resumed_rows > 0) {
    text +=
        fmt::format(" (resumed at row {} of {})", report.done.resumed_rows, report.done.out.extent.height);
  }
  return text;
}

}  // namespace

std::string short_report(const ImageReport& report) {
  return headline(report) + findings_and_warnings(report);
}

std::string detailed_report(const ImageReport& report) {
  std::string text = headline(report);
  for (const StageReport& stage : report.done.run.stages) {
    text += fmt::format("\n  {} {}", stage.name, seconds_text(stage.seconds));
  }
  for (std::size_t rank = 0; rank < report.done.run.ranks.size(); ++rank) {
    const RankReport& part = report.done.run.ranks[rank];
    text += fmt::format("\n  rank {} on {}: {} in {} strips, busy {}, memory {}", rank, part.location,
                        rows_text(part), part.strips, seconds_text(part.busy_seconds),
                        bytes_text(part.peak_memory_bytes));
    if (report.done.run.ranks.size() > 1) {
      text += fmt::format(", sent {}, received {}, wrote {}", bytes_text(part.sent_bytes),
                          bytes_text(part.received_bytes), bytes_text(part.written_bytes));
    }
  }
  if (!report.done.run.why_gathered.empty()) {
    text += fmt::format("\n  rank 0 wrote the whole result: {}", report.done.run.why_gathered);
  }
  return text + findings_and_warnings(report);
}

Json image_findings_json(const ImageReport& report) {
  return {{"input", shown_name(report.item.input)}, {"findings", findings_json(report.done.run.findings)}};
}

Json json_report(const ImageReport& report) {
  Json json{{"input", shown_name(report.item.input)}};
  if (report.failure) {
    const ErrorMeaning& row = meaning(report.failure->code());
    json["status"] = "failed";
    json["error"] = {{"code", row.name}, {"exit_code", row.exit_code}, {"message", report.failure->what()}};
    return json;
  }
  json["status"] = "done";
  json["output"] = shown_name(report.item.output);
  json["output_bytes"] = report.done.output_bytes;
  json["seconds"] = report.done.seconds;
  json["image_in"] = image_json(report.done.in);
  json["image_out"] = image_json(report.done.out);
  if (report.done.resumed_rows > 0) {
    json["resumed_rows"] = report.done.resumed_rows;
  }
  Json stages = Json::array();
  for (const StageReport& stage : report.done.run.stages) {
    stages.push_back({{"name", stage.name}, {"seconds", stage.seconds}});
  }
  json["stages"] = std::move(stages);
  Json ranks = Json::array();
  for (const RankReport& part : report.done.run.ranks) {
    ranks.push_back({{"location", part.location},
                     {"first_row", part.rows.begin},
                     {"rows", part.rows.size()},
                     {"bands", part.bands},
                     {"strips", part.strips},
                     {"sent_bytes", part.sent_bytes},
                     {"received_bytes", part.received_bytes},
                     {"written_bytes", part.written_bytes},
                     {"peak_memory_bytes", part.peak_memory_bytes},
                     {"busy_seconds", part.busy_seconds}});
  }
  json["ranks"] = std::move(ranks);
  if (!report.done.run.why_gathered.empty()) {
    json["written_by_rank_0_because"] = report.done.run.why_gathered;
  }
  json["findings"] = findings_json(report.done.run.findings);
  json["warnings"] = report.done.run.warnings;
  return json;
}

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n'; }

}  // namespace tessera::cli
