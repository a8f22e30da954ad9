// SPDX-License-Identifier: Apache-2.0
// A screen that nobody sees, with a window manager, for real windows.
#pragma once

#include <memory>
#include <string>

#include "servers/server_process.hpp"

namespace tessera::testing {

class Screen {
 public:
  /// Starts Xvfb on a free display and openbox on it. Throws std::runtime_error if they do not come up.
  Screen();
  [[nodiscard]] const std::string& display() const { return display_; }  ///< ":7"

 private:
  ServerFolder folder_;
  std::string display_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<ServerProcess> window_manager_;
};

}  // namespace tessera::testing
