// SPDX-License-Identifier: Apache-2.0
#include "servers/s3_server.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "servers/raw_http.hpp"

namespace tessera::testing {

void S3Server::set_environment() const {
  for (const char* const name :
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_ENDPOINT_URL_STS",
        "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_REGION",
        "AWS_DEFAULT_REGION"}) {
    unsetenv(name);
  }
  // No file, so that no credentials of the user who runs the tests are used.
  setenv("AWS_SHARED_CREDENTIALS_FILE", (folder_.path() / "credentials").c_str(), 1);
  const std::string origin = "http://127.0.0.1:" + std::to_string(port_);
  switch (access_.identity) {
    case S3Identity::environment:
      setenv("AWS_ACCESS_KEY_ID", access_key, 1);
      setenv("AWS_SECRET_ACCESS_KEY", secret_key, 1);
      if (access_.session) {
        setenv("AWS_SESSION_TOKEN", session_token, 1);
      }
      return;
    case S3Identity::machine:
      setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", origin.c_str(), 1);
      return;
    case S3Identity::container:
      setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", (origin + "/v2/credentials/of-this-task").c_str(), 1);
      setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", container_token, 1);
      return;
    case S3Identity::web_identity:
      std::ofstream(folder_.path() / "web-token") << web_token << '\n';
      setenv("AWS_WEB_IDENTITY_TOKEN_FILE", (folder_.path() / "web-token").c_str(), 1);
      setenv("AWS_ROLE_ARN", role, 1);
      setenv("AWS_ENDPOINT_URL_STS", origin.c_str(), 1);
  }
}

S3Server::S3Server(S3Kind kind, S3Access access) : access_(access) {
  set_environment();
  const std::string port = std::to_string(port_);
  std::vector<std::string> command{"node",      TESSERA_S3RVER,       "--directory", folder_.path() / "data",
                                   "--address", "127.0.0.1",          "--port",      port,
                                   "--silent",  "--configure-bucket", "pictures"};
  if (kind == S3Kind::strict) {
    // -B: no compiled modules are left beside the sources.
    command = {"python3", "-B", TESSERA_STRICT_S3, port, access_key, secret_key, "pictures"};
    if (access_.virtual_hosted) {
      command.insert(command.end(), {"--style", "virtual"});
    }
    if (access_.session) {
      command.insert(command.end(), {"--session-token", session_token});
    }
    if (access_.identity != S3Identity::environment) {
      command.insert(command.end(), {"--identities", container_token, web_token});
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

void S3Server::set_identities(const std::string& query) const {
  if (ask(port_, "POST", "/-/identities?" + query).status != 200) {
    throw std::runtime_error("strict_s3.py does not take " + query);
  }
}

std::vector<S3Server::Request> S3Server::requests() const {
  std::vector<Request> result;
  std::istringstream lines(ask(port_, "GET", "/-/requests").body);
  for (std::string line; std::getline(lines, line);) {
    const std::string bucket = " /pictures/";
    const std::size_t path = line.find(bucket);
    const std::size_t connection = line.rfind(' ');
    if (path != std::string::npos) {
      const std::size_t name = path + bucket.size();
      result.push_back({line.substr(0, path + 1) + line.substr(name, connection - name),
                        std::stoi(line.substr(connection + 1))});
    }
  }
  return result;
}

int S3Server::credentials_issued() const { return std::stoi(ask(port_, "GET", "/-/identities").body); }

}  // namespace tessera::testing
