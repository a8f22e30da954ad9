#include "report.hpp"

#include <fmt/format.h>

#include "core/printable.hpp"
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

Json findings_list(const RunReport& run) {
  Json list = Json::array();
  for (const Findings& findings : run.findings) {
    const std::size_t columns = findings.columns.size();
    Json rows = Json::array();
    for (std::size_t i = 0; columns > 0 && i + columns <= findings.values.size(); i += columns) {
      const auto begin = findings.values.begin() + static_cast<std::ptrdiff_t>(i);
      rows.push_back(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(columns)));
    }
    const std::size_t count = rows.size();
    list.push_back({{"operator", findings.operator_name},
                    {"columns", findings.columns},
                    {"count", count},
                    {"rows", std::move(rows)}});
  }
  return list;
}

std::string rows_text(const RankReport& rank) {
  if (rank.bands > 1) {
    return fmt::format("{} rows in {} bands", rank.rows.size(), rank.bands);
  }
  return rank.rows.empty() ? "no rows" : fmt::format("rows {}..{}", rank.rows.begin, rank.rows.end - 1);
}

}  // namespace

std::string human_report(const ImageReport& report) {
  const std::string from = report.item.input == "-" ? "standard input" : printable(report.item.input);
  const std::string to = report.item.output == "-" ? "standard output" : printable(report.item.output);
  std::string text = to.empty() ? fmt::format("{}\n", from) : fmt::format("{} -> {}\n", from, to);
  text += fmt::format("  {} -> {}", info_text(report.in), info_text(report.out));
  if (!to.empty()) {
    text += fmt::format(", {}", bytes_text(report.output_bytes));
  }
  text += fmt::format("\n  {} in all", seconds_text(report.seconds));
  for (const StageReport& stage : report.run.stages) {
    text += fmt::format(", {} {}", stage.name, seconds_text(stage.seconds));
  }
  for (std::size_t rank = 0; rank < report.run.ranks.size(); ++rank) {
    const RankReport& part = report.run.ranks[rank];
    text += fmt::format("\n  rank {} on {}: {} in {} strips, busy {}", rank, part.location, rows_text(part),
                        part.strips, seconds_text(part.busy_seconds));
    if (report.run.ranks.size() > 1) {
      text +=
          fmt::format(", sent {}, received {}", bytes_text(part.sent_bytes), bytes_text(part.received_bytes));
    }
  }
  for (const Findings& findings : report.run.findings) {
    if (!findings.columns.empty()) {
      text += fmt::format("\n  {} found {}", findings.operator_name,
                          findings.values.size() / findings.columns.size());
    }
  }
  for (const std::string& warning : report.run.warnings) {
    text += fmt::format("\n  Warning: {}", printable(warning));
  }
  return text;
}

Json findings_json(const ImageReport& report) {
  return {{"input", report.item.input}, {"findings", findings_list(report.run)}};
}

Json json_report(const ImageReport& report) {
  Json json{{"input", report.item.input}};
  if (report.failure) {
    const ErrorMeaning& row = meaning(report.failure->code());
    json["status"] = "failed";
    json["error"] = {{"code", row.name}, {"exit_code", row.exit_code}, {"message", report.failure->what()}};
    return json;
  }
  json["status"] = "done";
  json["output"] = report.item.output;
  json["output_bytes"] = report.output_bytes;
  json["seconds"] = report.seconds;
  json["image_in"] = image_json(report.in);
  json["image_out"] = image_json(report.out);
  Json stages = Json::array();
  for (const StageReport& stage : report.run.stages) {
    stages.push_back({{"name", stage.name}, {"seconds", stage.seconds}});
  }
  json["stages"] = std::move(stages);
  Json ranks = Json::array();
  for (const RankReport& part : report.run.ranks) {
    ranks.push_back({{"location", part.location},
                     {"first_row", part.rows.begin},
                     {"rows", part.rows.size()},
                     {"bands", part.bands},
                     {"strips", part.strips},
                     {"sent_bytes", part.sent_bytes},
                     {"received_bytes", part.received_bytes},
                     {"busy_seconds", part.busy_seconds}});
  }
  json["ranks"] = std::move(ranks);
  json["findings"] = findings_list(report.run);
  json["warnings"] = report.run.warnings;
  return json;
}

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n'; }

}  // namespace tessera::cli
