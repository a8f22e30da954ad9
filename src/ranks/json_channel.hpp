// Messages between a node and its ranks: JSON, a line each, over a stream socket.
//
// Node to rank:
//   {"do": "process", "ticket": 7, "split": false, "input": "/...", "output": "/...", "pipeline": [...],
//    "output_options": {...}, "limits": {...}, "threads": 2}    split: all ranks get it and work together
//   {"do": "cancel", "ticket": 7}
//   {"do": "end"}
// Rank to node:
//   {"tell": "hello", "rank": 0, "ranks": 2, "location": "host:pid", "pid": 1, "secret": "..."}
//   {"tell": "alive", "memory_bytes": 1}                        every second, also while it works
//   {"tell": "progress", "ticket": 7, "fraction": 0.5, "stage": "stage 1 of 2"}    from the root rank
//   {"tell": "done", "ticket": 7, "result": {...}}
//   {"tell": "failed", "ticket": 7, "code": "damaged-input", "sentence": "..."}
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "schema/param.hpp"

namespace tessera {

/// Set in the environment of ranks that a node starts: where it listens, as "unix:/path" or
/// "tcp:host:port".
inline constexpr const char* worker_address_variable = "TESSERA_WORKER_ADDRESS";
/// Shows the node that who connects is one of its ranks.
inline constexpr const char* worker_secret_variable = "TESSERA_WORKER_SECRET";

/// One end of a connection. Sending is safe from many threads; receiving is for one.
class JsonChannel {
 public:
  /// Takes the connected socket over.
  explicit JsonChannel(int descriptor) : descriptor_(descriptor) {}
  ~JsonChannel();
  JsonChannel(const JsonChannel&) = delete;
  JsonChannel& operator=(const JsonChannel&) = delete;

  /// False if the other end is gone.
  bool send(const Json& message);
  /// The next message; nothing when the other end is gone or sent what is no message.
  [[nodiscard]] std::optional<Json> receive();
  /// Ends both directions: a waiting receive() returns nothing.
  void shut_down();

 private:
  int descriptor_;
  std::mutex sending_;
  std::string received_;
};

/// Connects to an address of the form above. Throws Error(unavailable).
[[nodiscard]] int connect_to(const std::string& address);

}  // namespace tessera
