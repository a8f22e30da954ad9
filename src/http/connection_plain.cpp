// SPDX-License-Identifier: Apache-2.0
#include "http/connection_impl.hpp"

namespace tessera::http {

void serve_plain(std::shared_ptr<Server::State> state, asio::ip::tcp::socket socket) {
  std::make_shared<StreamConnection<beast::tcp_stream>>(std::move(state),
                                                        beast::tcp_stream(std::move(socket)))
      ->start();
}

}  // namespace tessera::http
