// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/terminal.hpp"

namespace tessera::cli {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr auto progress_interval = std::chrono::milliseconds(100);
constexpr char event_mark = '\x1e';
constexpr std::size_t max_noise_bytes = 64 * 1024;

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count <= 0) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

class TerminalConsole final : public Console {
 public:
  explicit TerminalConsole(bool show_progress) : bar_(show_progress && isatty(STDERR_FILENO) == 1) {}
  ~TerminalConsole() override { clear(); }

  void progress(double fraction, const std::string& what) override {
    const auto now = Clock::now();
    if (!bar_ || now < next_) {
      return;
    }
    next_ = now + progress_interval;
    constexpr int cells = 30;
    const int full = std::clamp(static_cast<int>(fraction * cells), 0, cells);
    winsize size{};
    const int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    const auto room = static_cast<std::size_t>(std::max(0, columns - cells - 10));
    // Bytes, not columns: a name with many wide characters is cut early, which is harmless.
    const std::string bar =
        in_colour(std::string(static_cast<std::size_t>(full), '#'), Colour::cyan, coloured_);
    write_all(STDERR_FILENO, fmt::format("\r\x1b[K[{}{:.<{}}] {:3.0f}% {}", bar, "", cells - full,
                                         100 * fraction, what.size() <= room ? what : std::string()));
    shown_ = true;
  }
  void message(const std::string& line) override {
    clear();
    write_all(STDERR_FILENO, with_marks(line + '\n', coloured_));
  }
  void finished(int) override { clear(); }
  void clear() final {
    if (shown_) {
      write_all(STDERR_FILENO, "\r\x1b[K");
      shown_ = false;
      next_ = {};
    }
  }

 private:
  bool bar_;
  bool coloured_ = takes_colours(STDERR_FILENO);
  bool shown_ = false;
  Clock::time_point next_{};
};

class EventConsole final : public Console {
 public:
  void progress(double fraction, const std::string& what) override {
    const auto now = Clock::now();
    if (now >= next_) {
      next_ = now + progress_interval;
      send({{"progress", fraction}, {"what", what}});
    }
  }
  void clear() override { send({{"clear", true}}); }
  void message(const std::string& line) override { send({{"message", line}}); }
  void finished(int exit_code) override { send({{"exit", exit_code}}); }
  void ranks(const std::vector<std::string>& locations) override { send({{"ranks", locations}}); }
  void begun(const std::string& what) override { send({{"begun", what}}); }
  void alive(int rank) override { send({{"alive", rank}}); }
  void timed_out(int rank) override { send({{"timed-out", rank}}); }

 private:
  static void send(const json& event) {
    write_all(STDERR_FILENO, event_mark + event.dump(-1, ' ', true, json::error_handler_t::replace) + '\n');
  }
  Clock::time_point next_{};
};

}  // namespace

bool started_by_launcher() { return std::getenv(launched_variable) != nullptr; }

std::unique_ptr<Console> make_terminal_console(bool show_progress) {
  return std::make_unique<TerminalConsole>(show_progress);
}
std::unique_ptr<Console> make_event_console() { return std::make_unique<EventConsole>(); }

void EventReader::feed(std::string_view bytes) {
  partial_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n', begin)) {
    take_line(std::string_view(partial_).substr(begin, end - begin));
    begin = end + 1;
  }
  partial_.erase(0, begin);
}

void EventReader::end() {
  if (!partial_.empty()) {
    take_line(partial_);
    partial_.clear();
  }
}

void EventReader::take_line(std::string_view line) {
  // Something else may have left an unfinished line before the event.
  const std::size_t mark = line.find(event_mark);
  const std::string_view other = line.substr(0, mark);
  if ((mark == std::string_view::npos || !other.empty()) && noise_.size() < max_noise_bytes) {
    noise_ += other;
    noise_ += '\n';
  }
  if (mark == std::string_view::npos) {
    return;
  }
  const json event = json::parse(line.substr(mark + 1), nullptr, false);
  if (!event.is_object()) {
    return;
  }
  if (event.contains("progress")) {
    console_.progress(event.value("progress", 0.0), event.value("what", std::string()));
  } else if (event.contains("clear")) {
    console_.clear();
  } else if (event.contains("message")) {
    console_.message(event.value("message", std::string()));
  } else if (event.contains("exit")) {
    exit_code_ = event.value("exit", -1);
  } else if (event.contains("ranks")) {
    locations_ = event.value("ranks", locations_);
  } else if (event.contains("begun")) {
    ++images_begun_;
    image_ = event.value("begun", std::string());
    timed_out_.clear();
  } else if (event.contains("alive")) {
    alive_[event.value("alive", 0)] = Clock::now();
  } else if (event.contains("timed-out")) {
    timed_out_.insert(event.value("timed-out", -1));
  }
}

std::vector<std::string> EventReader::silent_ranks() const {
  std::vector<std::string> silent;
  for (std::size_t rank = 0; rank < locations_.size(); ++rank) {
    if (!timed_out_.contains(static_cast<int>(rank))) {
      silent.push_back(name_of(static_cast<int>(rank)));
    }
  }
  return silent;
}

std::string EventReader::name_of(int rank) const {
  const auto index = static_cast<std::size_t>(rank);
  return index < locations_.size() ? fmt::format("rank {} on {}", rank, locations_[index])
                                   : fmt::format("rank {}", rank);
}

std::vector<std::string> EventReader::stopped_ranks(std::chrono::seconds silence) const {
  std::vector<std::string> stopped;
  for (const auto& [rank, last] : alive_) {
    if (Clock::now() - last > silence) {
      stopped.push_back(name_of(rank));
    }
  }
  return stopped;
}

void EventReader::restart_silence() {
  for (auto& [rank, last] : alive_) {
    last = Clock::now();
  }
}

}  // namespace tessera::cli
