// SPDX-License-Identifier: Apache-2.0
#include "base/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"

namespace tessera {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::red:
      return "\x1b[1;31m";
    case Colour::green:
      return "\x1b[32m";
    case Colour::yellow:
      return "\x1b[33m";
    case Colour::cyan:
      return "\x1b[36m";
    case Colour::dim:
      return "\x1b[2m";
  }
  return {};
}

void choose(std::string_view when) {
  if (when == "always") {
    ::unsetenv("NO_COLOR");
    ::setenv("CLICOLOR_FORCE", "1", 1);
  } else if (when == "never") {
    ::setenv("NO_COLOR", "1", 1);
  } else if (when != "auto") {
    throw Error(ErrorCode::usage,
                fmt::format("--color: '{}' is not known; write auto, always or never.", when));
  }
}

}  // namespace

bool takes_colours(int descriptor) {
  if (!environment("NO_COLOR").empty()) {
    return false;
  }
  if (const std::string_view force = environment("CLICOLOR_FORCE"); !force.empty() && force != "0") {
    return true;
  }
  return ::isatty(descriptor) == 1 && environment("TERM") != "dumb";
}

std::string in_colour(std::string_view text, Colour colour, bool coloured) {
  return coloured ? fmt::format("{}{}\x1b[0m", code_of(colour), text) : std::string(text);
}

std::string with_marks(std::string text, bool coloured) {
  if (!coloured) {
    return text;
  }
  constexpr std::string_view program = "tessera:";
  constexpr std::string_view warning = "Warning:";
  std::string marked;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    std::string line = text.substr(begin, end - begin);
    if (const std::size_t at = line.find(warning); at != std::string::npos) {
      line.replace(at, warning.size(), in_colour(warning, Colour::yellow, true));
    } else if (line.starts_with(program)) {
      line.replace(0, program.size(), in_colour(program, Colour::red, true));
    }
    marked += line;
    begin = end;
  }
  return marked;
}

void print_sentence(std::string_view sentence) {
  const std::string line = with_marks(fmt::format("tessera: {}\n", sentence), takes_colours(STDERR_FILENO));
  std::fputs(line.c_str(), stderr);  // a closed standard error is no reason to end otherwise
}

void take_colour_option(std::vector<std::string>& arguments) {
  constexpr std::string_view flag = "--color";
  for (auto argument = arguments.begin(); argument != arguments.end() && *argument != "--";) {
    if (*argument == flag) {
      const auto value = std::next(argument);
      choose(value == arguments.end() ? std::string_view() : std::string_view(*value));
      argument = arguments.erase(argument, value == arguments.end() ? value : std::next(value));
    } else if (argument->starts_with(flag) && argument->substr(flag.size()).starts_with('=')) {
      choose(std::string_view(*argument).substr(flag.size() + 1));
      argument = arguments.erase(argument);
    } else {
      ++argument;
    }
  }
}

}  // namespace tessera
