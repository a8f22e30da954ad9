// SPDX-License-Identifier: Apache-2.0
// The connection between a node and a rank: lines over a stream socket, with open files attached.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"

namespace tessera {

/// Environment variable of ranks that a node starts: the node's address, "unix:/path" or "tcp:host:port".
inline constexpr const char* worker_address_variable = "TESSERA_WORKER_ADDRESS";
/// Authenticates the connecting process as one of the node's ranks.
inline constexpr const char* worker_secret_variable = "TESSERA_WORKER_SECRET";
/// The folder that the node shares with its ranks. It has two subfolders: one that ranks may write to, and
/// one from which they read images that the node cannot pass as open files.
inline constexpr const char* worker_folder_variable = "TESSERA_WORKER_FOLDER";
inline constexpr const char* worker_results_folder = "results";
inline constexpr const char* worker_inputs_folder = "inputs";
/// How ranks are confined: see SandboxMode.
inline constexpr const char* worker_sandbox_variable = "TESSERA_WORKER_SANDBOX";

/// One end of a connection. Sending is safe from many threads; receiving is for one.
class RankChannel {
 public:
  /// Whether files attached to lines are accepted. A node refuses them: a rank could exhaust its descriptors.
  enum class Files : std::uint8_t { refused, accepted };
  /// Takes ownership of the connected socket; `received` was read from it already.
  explicit RankChannel(FileDescriptor socket, Files files = Files::refused, std::string received = {})
      : socket_(std::move(socket)), files_(files), received_(std::move(received)) {}
  RankChannel(const RankChannel&) = delete;
  RankChannel& operator=(const RankChannel&) = delete;

  /// Sets a timeout for send(), so that a peer that does not read cannot block this process.
  void limit_sending(std::chrono::milliseconds time);
  /// Sends a whole line, with an open file if `attached` is one (over a Unix socket only). False if the peer
  /// is gone or does not read.
  bool send(const std::string& line, int attached = -1);
  /// The next line, without its line end; nothing when the peer is gone. Throws Error(rank_lost) if the line
  /// is longer than any valid message.
  [[nodiscard]] std::optional<std::string> receive();
  /// The next file that was attached to the lines received so far; invalid if there is none.
  [[nodiscard]] FileDescriptor next_attached();
  /// Shuts down both directions: a waiting receive() returns nothing.
  void shut_down();

 private:
  FileDescriptor socket_;
  Files files_;
  std::mutex sending_;
  bool broken_ = false;  ///< guarded by sending_: a line was sent in part
  std::string received_;
  std::deque<FileDescriptor> attached_;
};

/// Connects to an address of the form above. Throws Error(unavailable).
[[nodiscard]] FileDescriptor connect_to(const std::string& address);

}  // namespace tessera
