#include "servers/s3_server.hpp"

#include <cstdlib>
#include <stdexcept>

#include "servers/raw_http.hpp"

namespace tessera::testing {

S3Server::S3Server(S3Kind kind, S3Access access) : access_(access) {
  setenv("AWS_ACCESS_KEY_ID", access_key, 1);
  setenv("AWS_SECRET_ACCESS_KEY", secret_key, 1);
  unsetenv("AWS_SESSION_TOKEN");
  unsetenv("AWS_CREDENTIAL_EXPIRATION");
  const std::string port = std::to_string(port_);
  std::vector<std::string> command{"node",      TESSERA_S3RVER,       "--directory", folder_.path() / "data",
                                   "--address", "127.0.0.1",          "--port",      port,
                                   "--silent",  "--configure-bucket", "pictures"};
  if (kind == S3Kind::strict) {
    command = {"python3", TESSERA_STRICT_S3, port, access_key, secret_key, "pictures"};
    if (access_.virtual_hosted) {
      command.insert(command.end(), {"--style", "virtual"});
    }
    if (access_.session) {
      setenv("AWS_SESSION_TOKEN", session_token, 1);
      command.insert(command.end(), {"--session-token", session_token});
    }
  }
  process_ = std::make_unique<ServerProcess>(command, ServerProcess::Environment{}, folder_.path() / "log");
  process_->wait_until_ready(port_);
}

void S3Server::expire_session() const {
  if (ask(port_, "POST", "/-/expire-session").status != 204) {
    throw std::runtime_error("strict_s3.py does not let the session expire");
  }
}

}  // namespace tessera::testing
