// SPDX-License-Identifier: Apache-2.0
#include "http/connection_impl.hpp"

namespace tessera::http {

void serve_tls(std::shared_ptr<Server::State> state, asio::ip::tcp::socket socket) {
  using TlsStream = beast::ssl_stream<beast::tcp_stream>;
  TlsStream stream(beast::tcp_stream(std::move(socket)), *state->tls);
  std::make_shared<StreamConnection<TlsStream>>(std::move(state), std::move(stream))->start();
}

}  // namespace tessera::http
