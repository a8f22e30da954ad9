// SPDX-License-Identifier: Apache-2.0
#include "servers/redis_server.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <stdexcept>

#include "servers/raw_http.hpp"

namespace tessera::testing {

RedisServer::RedisServer(std::string password, bool tls, std::vector<std::string> options)
    : tls_(tls), password_(std::move(password)), options_(std::move(options)) {
  if (tls_) {
    const std::string folder = folder_.path();
    const std::string command = fmt::format(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=redis -addext "
        "subjectAltName=IP:127.0.0.1 "
        "-keyout '{0}/key.pem' -out '{0}/certificate.pem' 2>/dev/null",
        folder);
    if (std::system(command.c_str()) != 0) {
      throw std::runtime_error("openssl made no certificate");
    }
  }
  start();
}

void RedisServer::start() {
  std::vector<std::string> command{
      "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", folder_.path(),
      "--appendonly", "yes",    "--appendfsync",       "always", "--save",    ""};
  if (!password_.empty()) {
    command.insert(command.end(), {"--requirepass", password_});
  }
  if (tls_) {
    command.insert(command.end(),
                   {"--tls-port", std::to_string(tls_port_), "--tls-cert-file", certificate_file(),
                    "--tls-key-file", key_file(), "--tls-auth-clients", "no"});
  }
  command.insert(command.end(), options_.begin(), options_.end());
  process_ = std::make_unique<ServerProcess>(command, ServerProcess::Environment{}, folder_.path() / "log");
  process_->wait_until_ready(port_, [this] {
    RawConnection connection(port_);
    connection.send("PING\r\n");
    const std::string answer = connection.read_until("\r\n");
    return answer.starts_with("+PONG") || answer.starts_with("-NOAUTH");
  });
}

std::string RedisServer::url() const {
  return fmt::format("redis://{}127.0.0.1:{}/0", password_.empty() ? "" : ":" + password_ + "@", port_);
}

std::string RedisServer::tls_url() const {
  return fmt::format("rediss://{}127.0.0.1:{}/0?cacertfile={}",
                     password_.empty() ? "" : ":" + password_ + "@", tls_port_, certificate_file());
}

}  // namespace tessera::testing
