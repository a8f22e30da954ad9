// SPDX-License-Identifier: Apache-2.0
// What a person sees while the work goes on. A rank that the launcher started has no terminal of its own: it
// sends events through its stderr, and the launcher shows them.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::cli {

/// Set in the environment of ranks that the launcher started.
inline constexpr const char* launched_variable = "TESSERA_LAUNCHED";
[[nodiscard]] bool started_by_launcher();

class Console {
 public:
  virtual ~Console() = default;
  /// How far a piece of work called `what` has come, 0..1.
  virtual void progress(double fraction, const std::string& what) = 0;
  /// Takes the progress off the screen, before something else is printed.
  virtual void clear() = 0;
  /// A line for people, on stderr.
  virtual void message(const std::string& line) = 0;
  /// Nothing follows: the exit code of the whole command.
  virtual void finished(int exit_code) = 0;

  // For a launcher, which ends ranks that no longer answer.
  /// Where each rank runs.
  virtual void ranks(const std::vector<std::string>& /*locations*/) {}
  /// The next image is begun.
  virtual void begun(const std::string& /*what*/) {}
  /// This rank's process runs. Safe from any thread.
  virtual void alive(int /*rank*/) {}
  /// This rank has noticed that the image's time is over. Safe from any thread.
  virtual void timed_out(int /*rank*/) {}
};

/// On this process's stderr; a progress bar if `show_progress` and stderr is a terminal.
[[nodiscard]] std::unique_ptr<Console> make_terminal_console(bool show_progress);
/// Through stderr to the launcher.
[[nodiscard]] std::unique_ptr<Console> make_event_console();

/// Takes the stderr of launched ranks apart.
class EventReader {
 public:
  explicit EventReader(Console& console) : console_(console) {}
  /// The next bytes that came. Events go to the console, other lines to noise().
  void feed(std::string_view bytes);
  /// What was left unfinished at the end.
  void end();
  [[nodiscard]] const std::string& noise() const { return noise_; }
  /// Exit code of the ranks, or -1 as long as they have not said.
  [[nodiscard]] int exit_code() const { return exit_code_; }
  /// How many images were begun.
  [[nodiscard]] int images_begun() const { return images_begun_; }
  /// The image that was begun last.
  [[nodiscard]] const std::string& image() const { return image_; }
  /// "rank 1 on host:4711" for each rank that has not noticed that the time of that image is over.
  [[nodiscard]] std::vector<std::string> silent_ranks() const;
  /// The same for each rank whose process has run before, but not for so long.
  [[nodiscard]] std::vector<std::string> stopped_ranks(std::chrono::seconds silence) const;
  /// Whether any rank has said that it runs.
  [[nodiscard]] bool has_started() const { return !alive_.empty(); }
  /// Counts the silence of all ranks from now on.
  void restart_silence();

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::string name_of(int rank) const;
  void take_line(std::string_view line);
  Console& console_;
  std::string partial_;
  std::string noise_;
  int exit_code_ = -1;
  int images_begun_ = 0;
  std::string image_;
  std::vector<std::string> locations_;
  std::set<int> timed_out_;                 ///< ranks, of the last image
  std::map<int, Clock::time_point> alive_;  ///< when each rank was last known to run
};

}  // namespace tessera::cli
