// SPDX-License-Identifier: Apache-2.0
// TLS over a connected socket. Debian's hiredis (0.14) has no TLS support.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tessera::redis {

/// Waits as long as the socket's timeouts allow. Not safe to use from several threads at once. The process
/// must ignore SIGPIPE, because OpenSSL may write to a closed socket.
class TlsChannel {
 public:
  /// Does the handshake: at least TLS 1.2; the server's certificate must be for `host` and be signed by an
  /// authority in `ca_file` (PEM; empty: the system's authorities). The socket is not owned. Throws Broken
  /// with the reason, Error(usage) for a file without certificates.
  TlsChannel(int socket, const std::string& host, const std::string& ca_file);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// Writes all bytes. Throws Broken.
  void write(std::string_view bytes);
  /// Returns received bytes, at least one. Throws Broken, also at the end of the stream.
  std::string_view read();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera::redis
