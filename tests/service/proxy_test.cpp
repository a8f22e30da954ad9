// SPDX-License-Identifier: Apache-2.0
// The service behind nginx, set up as its documentation says and no further.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

/// In the foreground, with all that it writes in a folder of its own.
class Nginx {
 public:
  explicit Nginx(int service_port) {
    const std::filesystem::path configuration = folder_.path() / "nginx.conf";
    const std::string here = folder_.path().string();
    std::ofstream(configuration) << fmt::format(
        "daemon off;\npid {0}/pid;\nerror_log {0}/errors;\nevents {{}}\nhttp {{\n"
        "  access_log off;\n  client_body_temp_path {0}/bodies;\n  proxy_temp_path {0}/answers;\n"
        "  fastcgi_temp_path {0}/f;\n  uwsgi_temp_path {0}/u;\n  scgi_temp_path {0}/s;\n"
        "  server {{\n    listen 127.0.0.1:{1};\n    location / {{\n"
        "      proxy_pass http://127.0.0.1:{2};\n      proxy_http_version 1.1;\n"
        "      proxy_set_header Connection \"\";\n    }}\n  }}\n}}\n",
        here, port_, service_port);
    process_ = std::make_unique<ServerProcess>(
        std::vector<std::string>{"/usr/sbin/nginx", "-e", (folder_.path() / "errors").string(), "-c",
                                 configuration.string()},
        ServerProcess::Environment{}, folder_.path() / "log");
    process_->wait_until_ready(port_);
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

TEST(Proxy, PassesEventsOnAsTheyCome) {
  ServeProcess serve;
  const Nginx nginx(serve.port());
  RawConnection follower(nginx.port());
  // Through the proxy, and with a body that never ends.
  follower.send(fmt::format("GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", serve.port()));
  EXPECT_NE(follower.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
  const std::string object = upload(serve.port(), "P6 1 1 255\nabc");
  const Answer accepted =
      send_json(serve.port(), "POST", "/v1/jobs", {{"object", object}, {"pipeline", "invert"}});
  EXPECT_EQ(accepted.status, 202);
  const std::string id = json_of(accepted).at("jobs")[0].at("id");
  // A buffering proxy would keep it until it has some kilobytes.
  EXPECT_NE(follower.read_until("event: queued"), "");
  EXPECT_NE(follower.read_until("\"id\":\"" + id), "");
}

}  // namespace
}  // namespace tessera::testing
