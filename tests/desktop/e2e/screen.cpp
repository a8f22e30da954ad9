#include "desktop/e2e/screen.hpp"

#include <chrono>
#include <stdexcept>
#include <thread>

namespace tessera::testing {
namespace {

constexpr std::chrono::seconds patience{30};

}  // namespace

Screen::Screen() {
  // Xvfb chooses the display itself and writes its number to the log once it takes connections.
  const auto log = folder_.path() / "xvfb";
  server_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"Xvfb", "-displayfd", "1", "-screen", "0", "1400x900x24", "-nolisten", "tcp"},
      ServerProcess::Environment{}, log);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string text;
  while ((text = read_file(log)).find('\n') == std::string::npos) {
    if (!server_->running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("Xvfb does not come up: " + text);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::size_t last_line = text.rfind('\n', text.size() - 2);
  display_ = ':' + text.substr(last_line == std::string::npos ? 0 : last_line + 1);
  display_.pop_back();
  window_manager_ = std::make_unique<ServerProcess>(std::vector<std::string>{"openbox"},
                                                    ServerProcess::Environment{{"DISPLAY", display_}},
                                                    folder_.path() / "openbox");
}

}  // namespace tessera::testing
