// SPDX-License-Identifier: Apache-2.0
// A client that sends exactly the bytes it is told to, for servers that must stand anything.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::testing {

/// A TCP connection to 127.0.0.1.
class RawConnection {
 public:
  explicit RawConnection(int port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;
  /// False when the other side has closed.
  bool send(std::string_view bytes);
  /// Everything until the other side closes, or until nothing came for `timeout`.
  std::string read_to_end(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// Everything up to and including `text`; the rest is kept for later. Throws std::runtime_error at the end
  /// or after `timeout`.
  std::string read_until(std::string_view text, std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// Exactly `count` bytes.
  std::string read_exactly(std::size_t count, std::chrono::milliseconds timeout = std::chrono::seconds(10));
  void reset();  ///< breaks off at once
  [[nodiscard]] bool closed_by_peer(std::chrono::milliseconds timeout = std::chrono::seconds(10));

 private:
  bool receive(std::chrono::milliseconds timeout);
  int socket_ = -1;
  std::string received_;
};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

using Fields = std::vector<std::pair<std::string, std::string>>;
/// One request on one connection.
Answer ask(int port, std::string_view method, std::string_view target, const Fields& headers = {},
           std::string_view body = {});
/// Reads an answer with Content-Length or chunks from a connection that stays open.
Answer read_answer(RawConnection& connection, bool head = false);

}  // namespace tessera::testing
