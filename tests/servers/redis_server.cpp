#include "servers/redis_server.hpp"

#include <fmt/format.h>

#include "servers/raw_http.hpp"

namespace tessera::testing {

RedisServer::RedisServer(std::string password) : password_(std::move(password)) { start(); }

void RedisServer::start() {
  std::vector<std::string> command{
      "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir", folder_.path(),
      "--appendonly", "yes",    "--appendfsync",       "always", "--save",    ""};
  if (!password_.empty()) {
    command.insert(command.end(), {"--requirepass", password_});
  }
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

}  // namespace tessera::testing
