// SPDX-License-Identifier: Apache-2.0
#include "desktop/e2e/screen.hpp"

#include <chrono>
#include <filesystem>
#include <regex>
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
  // Of displays that are taken it complains there, too.
  const std::regex number("(^|\n)([0-9]+)\n");
  std::smatch found;
  std::string text = read_file(log);
  while (!std::regex_search(text, found, number)) {
    if (!server_->running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("Xvfb does not come up: " + text);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    text = read_file(log);
  }
  display_ = ':' + found[2].str();
  // A window that is shown before its manager is there may never get the keyboard.
  const auto managed = folder_.path() / "managed";
  window_manager_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"openbox", "--startup", "touch " + managed.string()},
      ServerProcess::Environment{{"DISPLAY", display_}}, folder_.path() / "openbox");
  while (!std::filesystem::exists(managed)) {
    if (!window_manager_->running() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("openbox does not come up: " + read_file(folder_.path() / "openbox"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace tessera::testing
