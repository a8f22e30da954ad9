#include "servers/s3_server.hpp"

#include <cstdlib>

namespace tessera::testing {

S3Server::S3Server(S3Kind kind) {
  setenv("AWS_ACCESS_KEY_ID", access_key, 1);
  setenv("AWS_SECRET_ACCESS_KEY", secret_key, 1);
  unsetenv("AWS_SESSION_TOKEN");
  const std::string port = std::to_string(port_);
  std::vector<std::string> command{"node",      TESSERA_S3RVER,       "--directory", folder_.path() / "data",
                                   "--address", "127.0.0.1",          "--port",      port,
                                   "--silent",  "--configure-bucket", "pictures"};
  if (kind == S3Kind::strict) {
    command = {"python3", TESSERA_STRICT_S3, port, access_key, secret_key, "pictures"};
  }
  process_ = std::make_unique<ServerProcess>(command, ServerProcess::Environment{}, folder_.path() / "log");
  process_->wait_until_ready(port_);
}

}  // namespace tessera::testing
