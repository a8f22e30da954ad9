// SPDX-License-Identifier: Apache-2.0
// How a user's commands find the token of a service that the same user runs on the same machine: the service
// writes a note to the user's state folder ($XDG_STATE_HOME/tessera/services or
// ~/.local/state/tessera/services) and holds a lock on it while it runs. A note without a lock belongs to a
// service that has ended: another program may listen on its port then, and must not get the token.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace tessera {

class LocalServiceNote {
 public:
  /// The note of the service that listens on `address` (an IP address) and `port`. Throws Error(io) if the
  /// folder cannot be written.
  LocalServiceNote(const std::string& address, int port, const std::filesystem::path& token_file);
  ~LocalServiceNote();
  LocalServiceNote(const LocalServiceNote&) = delete;
  LocalServiceNote& operator=(const LocalServiceNote&) = delete;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// The token for the service at `server_url`, if this user runs it on this machine. Throws nothing.
[[nodiscard]] std::optional<std::string> local_service_token(const std::string& server_url);

}  // namespace tessera
