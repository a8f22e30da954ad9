// SPDX-License-Identifier: Apache-2.0
#include "job_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/amount.hpp"
#include "base/printable.hpp"
#include "client_shared.hpp"

namespace tessera::service {
namespace {

constexpr std::size_t max_name = 40;

enum Column : std::size_t {
  id_column,
  name_column,
  state_column,
  size_column,
  when_column,
  took_column,
  remark_column
};
constexpr std::size_t columns = remark_column + 1;
using Row = std::array<std::string, columns>;

/// Code points, which is the width of most text.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::string cut(const std::string& text) {
  if (width_of(text) <= max_name) {
    return text;
  }
  std::string result;
  std::size_t kept = 0;
  for (const char c : text) {
    kept += (static_cast<unsigned char>(c) & 0xC0U) != 0x80 ? 1 : 0;
    if (kept > max_name - 3) {
      break;
    }
    result += c;
  }
  return result + "...";
}

std::string local_time(TimePoint time, const char* pattern) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), pattern, &parts)};
}

std::string remark_of(const Json& job, const std::string& state) {
  if (const auto failure = job.find("failure"); failure != job.end() && failure->is_object()) {
    return shown(*failure, "sentence");
  }
  const std::string stage = is_final(state) ? std::string() : shown(job, "stage");
  return state == "running" ? fmt::format("{:.0f}% {}", 100 * job.value("fraction", 0.0), stage) : stage;
}

Row row_of(const Json& job, TimePoint now) {
  Row row;
  row[id_column] = shown(job, "id");
  row[name_column] = cut(shown(job.at("request"), "name"));
  row[state_column] = shown(job, "state");
  if (const auto result = job.find("result"); result != job.end() && result->is_object()) {
    row[size_column] = bytes_text(result->value("size_bytes", std::int64_t{0}));
  }
  const TimePoint created = time_from_iso8601(job.value("created", ""));
  const TimePoint end = is_final(row[state_column]) ? time_from_iso8601(job.value("updated", "")) : now;
  row[when_column] = when_text(created, now);
  // Clocks of two machines may differ.
  row[took_column] = seconds_text(std::max(0.0, std::chrono::duration<double>(end - created).count()));
  row[remark_column] = remark_of(job, row[state_column]);
  return row;
}

}  // namespace

Colour colour_of_state(std::string_view state) {
  return state == "done"        ? Colour::green
         : state == "failed"    ? Colour::red
         : state == "cancelled" ? Colour::yellow
                                : Colour::cyan;
}

std::string when_text(TimePoint time, TimePoint now) {
  const char* const day = "%Y-%m-%d";
  if (local_time(time, day) == local_time(now, day)) {
    return local_time(time, "%H:%M");
  }
  return local_time(time, local_time(time, "%Y") == local_time(now, "%Y") ? "%-d %b %H:%M" : day);
}

std::string job_table(const std::vector<Json>& jobs, TimePoint now, bool coloured) {
  std::vector<Row> rows{{"ID", "NAME", "STATE", "SIZE", "WHEN", "TOOK", ""}};
  for (const Json& job : jobs) {
    rows.push_back(row_of(job, now));
  }
  std::array<std::size_t, columns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  std::string text;
  for (const Row& row : rows) {
    const bool heading = &row == &rows.front();
    std::string line;
    for (std::size_t i = 0; i < remark_column; ++i) {
      const std::string blanks(widths[i] - width_of(row[i]), ' ');
      const bool right = i == size_column || i == took_column;
      const std::string cell = heading             ? in_colour(row[i], Colour::dim, coloured)
                               : i == state_column ? in_colour(row[i], colour_of_state(row[i]), coloured)
                                                   : row[i];
      line += (right ? blanks + cell : cell + blanks) + "  ";
    }
    line += row[remark_column];
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace tessera::service
