// TLS over a connected socket. Debian's hiredis (0.14) has none of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tessera::redis {

/// Waits as long as the socket's own time limits allow. Not safe to use from several threads at once. The
/// process must ignore SIGPIPE, as OpenSSL writes to sockets that may be gone.
class TlsChannel {
 public:
  /// Shakes hands: at least TLS 1.2, and the server must be `host` by a certificate that `ca_file` (PEM;
  /// empty: the system's authorities) vouches for. The socket is not owned. Throws Broken with the reason,
  /// Error(usage) for a file that holds no certificates.
  TlsChannel(int socket, const std::string& host, const std::string& ca_file);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// All of it. Throws Broken.
  void write(std::string_view bytes);
  /// What has come, at least a byte. Throws Broken, also at the end.
  std::string_view read();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera::redis
