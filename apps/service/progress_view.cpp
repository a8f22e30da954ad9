// SPDX-License-Identifier: Apache-2.0
#include "progress_view.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/printable.hpp"
#include "base/terminal.hpp"
#include "job_table.hpp"

namespace tessera::service {
namespace {

constexpr std::size_t max_lines = 20;
constexpr int bar_width = 24;
constexpr std::size_t name_width = 32;

/// Removes control characters and shortens the name.
std::string shown_name(const std::string& name) {
  const std::string clean = printable(name);
  return clean.size() > name_width ? clean.substr(0, name_width - 3) + "..." : clean;
}

}  // namespace

ProgressView::ProgressView(bool quiet)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) != 0), coloured_(takes_colours(STDERR_FILENO)) {}

ProgressView::~ProgressView() { std::fflush(stderr); }

void ProgressView::upload(const std::string& name, double fraction) {
  if (!terminal_) {
    return;
  }
  show("upload " + name, {shown_name(name), fraction < 1 ? "uploading" : "uploaded", fraction, ""});
}

void ProgressView::job(const Json& job) {
  const std::string name = job.at("request").value("name", "");
  const std::string state = job.value("state", "");
  std::string remark;
  if (const auto failure = job.find("failure"); failure != job.end() && failure->is_object()) {
    remark = printable(failure->value("sentence", ""));
  } else if (state == "running") {
    remark = printable(job.value("stage", ""));
  }
  const auto uploading = std::ranges::find(order_, "upload " + name);
  if (uploading != order_.end() && !lines_.contains(job.at("id"))) {
    lines_.erase(*uploading);
    *uploading = job.at("id");
  }
  show(job.at("id"), {shown_name(name), state, state == "done" ? 1.0 : job.value("fraction", 0.0), remark});
}

void ProgressView::show(const std::string& key, Line line) {
  const bool changed = !lines_.contains(key) || lines_[key].state != line.state;
  if (std::ranges::find(order_, key) == order_.end()) {
    order_.push_back(key);
  }
  lines_[key] = line;
  if (quiet_) {
    return;
  }
  if (terminal_) {
    draw();
  } else if (changed) {
    fmt::print(stderr, "{}: {}{}\n", line.name, line.state,
               line.remark.empty() ? "" : " (" + line.remark + ")");
  }
}

void ProgressView::draw() {
  std::string text;
  if (drawn_ > 0) {
    text += fmt::format("\x1b[{}A", drawn_);
  }
  // Shows the newest lines that fit; summarizes the others.
  const std::size_t hidden = order_.size() > max_lines ? order_.size() - max_lines : 0;
  std::size_t drawn = 0;
  if (hidden > 0) {
    const auto done = std::count_if(order_.begin(), order_.begin() + static_cast<std::ptrdiff_t>(hidden),
                                    [&](const std::string& key) { return lines_[key].state == "done"; });
    text += fmt::format("\x1b[2K{} more, of which {} are done\n", hidden, done);
    ++drawn;
  }
  for (std::size_t i = hidden; i < order_.size(); ++i) {
    const Line& line = lines_[order_[i]];
    const int filled = static_cast<int>(std::clamp(line.fraction, 0.0, 1.0) * bar_width);
    const Colour colour = colour_of_state(line.state);
    text += fmt::format("\x1b[2K{:<{}} {} [{}{}] {:3.0f}% {}\n", line.name, name_width,
                        in_colour(fmt::format("{:<9}", line.state), colour, coloured_),
                        in_colour(std::string(static_cast<std::size_t>(filled), '#'), colour, coloured_),
                        std::string(static_cast<std::size_t>(bar_width - filled), ' '), 100 * line.fraction,
                        line.remark.substr(0, 60));
    ++drawn;
  }
  drawn_ = drawn;
  fmt::print(stderr, "{}", text);
}

}  // namespace tessera::service
