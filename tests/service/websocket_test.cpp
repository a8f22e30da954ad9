// SPDX-License-Identifier: Apache-2.0
// Events over a WebSocket, byte by byte as RFC 6455 has it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

class WebSocket {
 public:
  WebSocket(int port, const std::string& target) : connection_(port) {
    // Key and answer are the example of RFC 6455, section 1.3.
    connection_.send(
        fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                    target));
    head_ = connection_.read_until("\r\n\r\n");
  }
  [[nodiscard]] const std::string& head() const { return head_; }

  /// The next text message; what the server sends is not masked.
  Json next() {
    for (;;) {
      const std::string start = connection_.read_exactly(2, std::chrono::seconds(60));
      const auto first = static_cast<unsigned char>(start[0]);
      std::size_t length = static_cast<unsigned char>(start[1]);
      EXPECT_EQ(length & 0x80U, 0U) << "a server's frame must not be masked";
      if (length >= 126) {
        const std::string longer = connection_.read_exactly(length == 126 ? 2 : 8);
        length = 0;
        for (const char byte : longer) {
          length = length << 8U | static_cast<unsigned char>(byte);
        }
      }
      const std::string payload = connection_.read_exactly(length);
      if (first == 0x81) {  // FIN, text
        return Json::parse(payload);
      }
      EXPECT_EQ(first & 0x0FU, 9U) << "neither text nor ping: " << payload;
    }
  }

 private:
  RawConnection connection_;
  std::string head_;
};

TEST(Sockets, TellWhatHappensAndWhatWasMissed) {
  const ServeProcess serve;
  const std::string object = upload(serve.port(), read_file(photographs(2).back()));
  const auto submit = [&] {
    return json_of(send_json(serve.port(), "POST", "/v1/jobs", {{"object", object}, {"pipeline", "otsu"}}));
  };
  const Json batch = submit();
  const std::string id = batch.at("jobs")[0].at("id");
  std::vector<std::string> types;
  std::string after_first;
  {
    WebSocket socket(serve.port(), "/v1/events/socket?job=" + id);
    EXPECT_TRUE(socket.head().starts_with("HTTP/1.1 101 ")) << socket.head();
    EXPECT_NE(socket.head().find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << socket.head();
    do {
      const Json message = socket.next();
      EXPECT_EQ(message.at("job").at("id"), id);
      types.push_back(message.at("event"));
      if (after_first.empty()) {
        after_first = message.at("id");
      }
    } while (types.back() != "done");
  }
  EXPECT_EQ(types.front(), "snapshot");

  // Another follows from where the first had begun, and sees all that came since.
  WebSocket late(serve.port(), fmt::format("/v1/events/socket?job={}&after={}", id, after_first));
  std::vector<std::string> again;
  do {
    again.push_back(late.next().at("event"));
  } while (again.back() != "done");
  EXPECT_EQ(again, std::vector<std::string>(types.begin() + 1, types.end()));
}

TEST(Sockets, AreRefusedToWhoDoesNotSpeakThem) {
  const ServeProcess serve;
  Answer answer = ask(serve.port(), "GET", "/v1/events/socket");
  EXPECT_EQ(answer.status, 426) << answer.body;
  EXPECT_EQ(json_of(answer).at("type"), "/problems/upgrade-required");
}

}  // namespace
}  // namespace tessera::testing
