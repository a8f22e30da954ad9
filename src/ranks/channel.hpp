// The connection between a node and a rank: lines over a stream socket, and open files beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"

namespace tessera {

/// Set in the environment of ranks that a node starts: where it listens, as "unix:/path" or
/// "tcp:host:port".
inline constexpr const char* worker_address_variable = "TESSERA_WORKER_ADDRESS";
/// Shows the node that the process which connects is one of its ranks.
inline constexpr const char* worker_secret_variable = "TESSERA_WORKER_SECRET";
/// The folder that the node shares with its ranks, with two in it: one in which they may write, and one from
/// which they read images that the node cannot hand over as open files.
inline constexpr const char* worker_folder_variable = "TESSERA_WORKER_FOLDER";
inline constexpr const char* worker_results_folder = "results";
inline constexpr const char* worker_inputs_folder = "inputs";
/// How ranks are confined: see SandboxMode.
inline constexpr const char* worker_sandbox_variable = "TESSERA_WORKER_SANDBOX";

/// One end of a connection. Sending is safe from many threads; receiving is for one.
class RankChannel {
 public:
  /// Whether open files may come with lines. A node takes none: a rank could use up its descriptors.
  enum class Files : std::uint8_t { refused, taken };
  /// Takes the connected socket over, with what was read from it already.
  explicit RankChannel(FileDescriptor socket, Files files = Files::refused, std::string received = {})
      : socket_(std::move(socket)), files_(files), received_(std::move(received)) {}
  RankChannel(const RankChannel&) = delete;
  RankChannel& operator=(const RankChannel&) = delete;

  /// A process at the other end that does not read must not hold this one up: from now on send() gives up
  /// after that time.
  void limit_sending(std::chrono::milliseconds time);
  /// Sends a whole line, with an open file if `attached` is one (over a Unix socket only). False if the other
  /// end is gone or does not read.
  bool send(const std::string& line, int attached = -1);
  /// The next line, without its end; nothing when the other end is gone. Throws Error(rank_lost) if the line
  /// is longer than any message.
  [[nodiscard]] std::optional<std::string> receive();
  /// The next of the files that came with the lines so far; none if there is none.
  [[nodiscard]] FileDescriptor take_attached();
  /// Ends both directions: a waiting receive() returns nothing.
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
