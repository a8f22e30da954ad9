// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"

namespace tessera {
namespace {

int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  const char* const begin = text.data() + at;
  const auto [end, problem] = std::from_chars(begin, begin + digits, value);
  if (problem != std::errc() || end != begin + digits) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is no time; write it like 2026-11-24T04:05:06.789Z.", text));
  }
  return value;
}

}  // namespace

std::string to_iso8601(TimePoint time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

TimePoint time_from_iso8601(std::string_view text) {
  if (text.size() != 24 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != '.' || text[23] != 'Z') {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is no time; write it like 2026-11-24T04:05:06.789Z.", text));
  }
  using namespace std::chrono;
  const year_month_day date(year(number_at(text, 0, 4)), month(static_cast<unsigned>(number_at(text, 5, 2))),
                            day(static_cast<unsigned>(number_at(text, 8, 2))));
  return sys_days(date) + hours(number_at(text, 11, 2)) + minutes(number_at(text, 14, 2)) +
         seconds(number_at(text, 17, 2)) + milliseconds(number_at(text, 20, 3));
}

}  // namespace tessera
