// SPDX-License-Identifier: Apache-2.0
// Access control: the real service as a user starts it, used by the same user's commands, by others, and by
// web pages.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "service/service_process.hpp"
#include "support/wait.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

const std::string tiny_ppm = "P6 2 2 255\nabcdefghijkl";

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

std::string authority(const ServeProcess& serve) { return fmt::format("127.0.0.1:{}", serve.port()); }

/// A request whose Host is as given.
Answer ask_as(const ServeProcess& serve, const std::string& method, const std::string& target,
              const std::string& host, const Fields& headers = {}) {
  RawConnection connection(serve.port());
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 0\r\n",
                                 method, target, host);
  for (const auto& [name, value] : headers) {
    text += name + ": " + value + "\r\n";
  }
  connection.send(text + "\r\n");
  return read_answer(connection);
}

const Fields handshake{{"Connection", "Upgrade"},
                       {"Upgrade", "websocket"},
                       {"Sec-WebSocket-Version", "13"},
                       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};

std::string status_line_of(const ServeProcess& serve, const std::string& target, Fields headers) {
  headers.insert(headers.begin(), handshake.begin(), handshake.end());
  RawConnection connection(serve.port());
  std::string text = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n", target, authority(serve));
  for (const auto& [name, value] : headers) {
    text += name + ": " + value + "\r\n";
  }
  connection.send(text + "\r\n");
  return connection.read_until("\r\n");
}

TEST(Access, OnlyTheSameUsersCommandsFindTheTokenAutomatically) {
  ServeProcess serve({}, ServeDoor::closed);
  const fs::path photo = serve.folder() / "tiny.ppm";
  std::ofstream(photo) << tiny_ppm;
  const CommandOutcome submitted =
      tessera({"submit", "--server", serve.url(), "-o", serve.folder() / "out", "invert", photo});
  EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
  EXPECT_EQ(tessera({"ls", "--server", fmt::format("http://localhost:{}", serve.port())}).exit_code, 0);
  EXPECT_EQ(ask(serve.port(), "GET", "/v1/jobs").status, 401);

  // After a crash the token is the same.
  const std::string token = serve.token();
  serve.kill();
  serve.start();
  EXPECT_EQ(serve.token(), token);
  EXPECT_EQ(tessera({"ls", "--server", serve.url()}).exit_code, 0);
  EXPECT_EQ(serve.log().find(token), std::string::npos);

  // Withdrawn, the last token opens nothing, and the next start makes no other.
  const CommandOutcome listed = tessera({"token", "--state", serve.state_url(), "list"});
  ASSERT_EQ(tessera({"token", "--state", serve.state_url(), "remove", listed.out.substr(0, 12)}).exit_code,
            0);
  EXPECT_TRUE(
      poll_until([&] { return send_json(serve.port(), "GET", "/v1/dead", {}, token).status == 401; }));
  for (int start = 0; start < 2; ++start) {
    Answer refused = ask(serve.port(), "GET", "/v1/dead");
    EXPECT_EQ(refused.status, 401) << refused.body;
    EXPECT_NE(refused.body.find("tessera token --state"), std::string::npos) << refused.body;
    EXPECT_EQ(send_json(serve.port(), "GET", "/v1/dead", {}, token).status, 401);
    EXPECT_NE(tessera({"ls", "--server", serve.url()}).exit_code, 0);
    serve.stop();
    serve.start();
  }
}

TEST(Access, ACommandDoesNotSendItsTokenToAnotherProgramOnTheSamePort) {
  ServeProcess serve({}, ServeDoor::closed);
  ASSERT_EQ(tessera({"ls", "--server", serve.url()}).exit_code, 0);
  const std::string token = serve.token();
  serve.kill();
  // The note of the killed service is still there; another takes its port.
  const ServerFolder folder;
  const fs::path captured = folder.path() / "request";
  ServerProcess thief({"python3", "-c",
                       "import socket,sys\n"
                       "s=socket.create_server(('127.0.0.1',int(sys.argv[1])))\n"
                       "while True:\n"
                       " c,_=s.accept(); d=c.recv(65536)\n"
                       " open(sys.argv[2],'ab').write(d)\n"
                       " c.sendall(b'HTTP/1.1 404 No\\r\\nContent-Length: 0\\r\\nConnection: "
                       "close\\r\\n\\r\\n'); c.close()\n",
                       std::to_string(serve.port()), captured},
                      {}, folder.path() / "log");
  thief.wait_until_ready(serve.port());
  EXPECT_NE(tessera({"ls", "--server", serve.url()}).exit_code, 0);
  const std::string request = read_file(captured);
  EXPECT_NE(request.find("GET /v1/jobs"), std::string::npos) << request;
  EXPECT_EQ(request.find(token), std::string::npos) << request;
}

TEST(Access, WebPagesOfOtherOriginsAreRefused) {
  for (const ServeDoor door : {ServeDoor::open, ServeDoor::closed}) {
    const ServeProcess serve({"--allow-origin", "https://images.example.org"}, door);
    const std::string own = authority(serve);
    Fields token;
    if (door == ServeDoor::closed) {
      token.emplace_back("Authorization", "Bearer " + serve.token());
    }
    const auto with = [&](Fields headers) {
      headers.insert(headers.end(), token.begin(), token.end());
      return headers;
    };
    for (const Fields& page :
         {Fields{{"Origin", "http://evil.example"}}, Fields{{"Origin", "null"}},
          Fields{{"Sec-Fetch-Site", "cross-site"}}, Fields{{"Sec-Fetch-Site", "same-site"}},
          Fields{{"Origin", fmt::format("http://127.0.0.1:{}", serve.port() + 1)}}}) {
      const Answer refused = ask_as(serve, "POST", "/v1/uploads", own, with(page));
      EXPECT_EQ(refused.status, 403) << page[0].second << refused.body;
      EXPECT_NE(refused.body.find("another origin"), std::string::npos) << refused.body;
      EXPECT_NE(status_line_of(serve, "/v1/events/socket?after=0", with(page)).find(" 403 "),
                std::string::npos)
          << page[0].second;
    }
    for (const Fields& page :
         {Fields{}, Fields{{"Origin", "http://" + own}}, Fields{{"Sec-Fetch-Site", "same-origin"}},
          Fields{{"Origin", "https://images.example.org"}, {"Sec-Fetch-Site", "cross-site"}}}) {
      EXPECT_EQ(ask_as(serve, "POST", "/v1/uploads", own, with(page)).status, 201);
      EXPECT_NE(status_line_of(serve, "/v1/events/socket", with(page)).find(" 101 "), std::string::npos);
    }
    // What is refused is readable by pages of allowed origins too.
    Answer answer =
        ask_as(serve, "GET", "/v1/jobs/none", own, with({{"Origin", "https://images.example.org"}}));
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.headers["access-control-allow-origin"], "https://images.example.org");
    EXPECT_EQ(answer.headers["vary"], "Origin");
    answer = ask_as(serve, "GET", "/v1/jobs", own, with({{"Origin", "http://evil.example"}}));
    EXPECT_FALSE(answer.headers.contains("access-control-allow-origin"));
    const Fields preflight{{"Access-Control-Request-Method", "POST"},
                           {"Access-Control-Request-Headers", "authorization"}};
    Fields asked = preflight;
    asked.emplace_back("Origin", "https://images.example.org");
    answer = ask_as(serve, "OPTIONS", "/v1/jobs", own, asked);
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.headers["access-control-allow-origin"], "https://images.example.org");
    EXPECT_NE(answer.headers["access-control-allow-headers"].find("Authorization"), std::string::npos);
    EXPECT_NE(answer.headers["access-control-allow-methods"].find("DELETE"), std::string::npos);
    asked.back().second = "http://evil.example";
    answer = ask_as(serve, "OPTIONS", "/v1/jobs", own, asked);
    EXPECT_EQ(answer.status, 403);
    EXPECT_FALSE(answer.headers.contains("access-control-allow-origin"));
  }
}

TEST(Access, AnOpenServiceAnswersToTheNamesOfItsOwnMachineOnly) {
  const ServeProcess serve({"--public-url", "https://pictures.example.org"});
  for (const char* host : {"evil.example", "evil.example:80", "127.0.0.1.evil.example",
                           "localhost.evil.example", "192.168.0.1", "[fe80::1]"}) {
    const Answer refused = ask_as(serve, "GET", "/v1/jobs", host);
    EXPECT_EQ(refused.status, 403) << host;
    EXPECT_NE(refused.body.find("--public-url"), std::string::npos) << refused.body;
  }
  for (const char* host : {"127.0.0.1", "127.0.0.1:1", "localhost:80", "LOCALHOST", "[::1]:8080",
                           "pictures.example.org", "pictures.example.org:443"}) {
    EXPECT_EQ(ask_as(serve, "GET", "/v1/jobs", host).status, 200) << host;
  }
}

TEST(Access, StreamTokensAreForEventsAlone) {
  const ServeProcess serve({}, ServeDoor::closed);
  EXPECT_EQ(ask(serve.port(), "POST", "/v1/stream-tokens").status, 401);
  const Json made = json_of(send_json(serve.port(), "POST", "/v1/stream-tokens", {}, serve.token()));
  const std::string stream = made.at("token");
  EXPECT_NE(status_line_of(serve, "/v1/events/socket?token=" + stream, {}).find(" 101 "), std::string::npos);
  {
    RawConnection events(serve.port());
    events.send("GET /v1/events?token=" + stream + " HTTP/1.0\r\n\r\n");
    EXPECT_NE(events.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
  }
  EXPECT_EQ(ask(serve.port(), "GET", "/v1/jobs?token=" + stream).status, 401);
  EXPECT_EQ(send_json(serve.port(), "GET", "/v1/jobs", {}, stream).status, 401);
  EXPECT_EQ(send_json(serve.port(), "POST", "/v1/stream-tokens", {}, stream).status, 401);
  std::string changed = stream;
  changed.back() = changed.back() == 'A' ? 'B' : 'A';
  std::string later = stream;
  later[5] = later[5] == '9' ? '8' : '9';  // of the time
  for (const std::string& wrong : {changed, later, serve.token(), std::string("tss_"),
                                   std::string("tss_1.2.3"), std::string("tss_..")}) {
    const Answer refused = ask(serve.port(), "GET", "/v1/events?token=" + wrong);
    EXPECT_EQ(refused.status, 401) << wrong << refused.body;
  }
  EXPECT_EQ(serve.log().find(stream), std::string::npos) << "a token in the log";
}

TEST(Access, TheDataOfAServiceIsPrivateToItsUser) {
  ServeProcess serve({}, ServeDoor::closed);
  const fs::path data = serve.folder() / "data";
  const auto expect_private = [&] {
    EXPECT_EQ(mode_of(data), 0700U);
    for (const auto& entry : fs::recursive_directory_iterator(data)) {
      EXPECT_EQ(mode_of(entry.path()) & 0077U, 0U) << entry.path();
    }
  };
  static_cast<void>(upload(serve.port(), std::string(3 << 20, 'x'), serve.token()));
  expect_private();
  serve.stop();
  fs::permissions(data, fs::perms(0755));
  std::ofstream(data / "link-secret").close();  // as a power cut left it
  serve.start();
  expect_private();
  EXPECT_NE(serve.log().find("Other users could access"), std::string::npos) << serve.log();
  EXPECT_GE(read_file(data / "link-secret").size(), 32U);
}

TEST(Access, BodiesAreSpooledInTheDataFolder) {
  const ServeProcess serve;
  const Json place = json_of(send_json(serve.port(), "POST", "/v1/uploads", Json::object()));
  const std::string url = place.at("upload").at("url");
  const std::string bytes(4 << 20, 'x');
  RawConnection connection(serve.port());
  connection.send(fmt::format("PUT {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
                              url.substr(url.find('/', 8)), authority(serve), bytes.size()));
  connection.send(std::string_view(bytes).substr(0, bytes.size() - 1));
  const std::string spool = (serve.folder() / "data/spool").string();
  const auto spooled = [&] {
    std::vector<std::string> files;
    for (const auto& file : fs::directory_iterator(fmt::format("/proc/{}/fd", serve.pid()))) {
      std::error_code gone;
      const std::string target = fs::read_symlink(file.path(), gone).string();
      if (target.find("tessera-body-") != std::string::npos) {
        files.push_back(target);
      }
    }
    return files;
  };
  while (spooled().empty()) {
    std::this_thread::yield();
  }
  for (const std::string& file : spooled()) {
    EXPECT_TRUE(file.starts_with(spool)) << file;
  }
  connection.send("x");
  EXPECT_EQ(read_answer(connection).status, 200);
}

TEST(Access, DownloadsHaveTheModeThatTheUmaskLeaves) {
  const ServeProcess serve;
  const fs::path photo = serve.folder() / "tiny.ppm";
  std::ofstream(photo) << tiny_ppm;
  for (const mode_t mask : {022, 027}) {
    const fs::path out = serve.folder() / fmt::format("out-{:o}", mask);
    const CommandOutcome outcome =
        run_command({"sh", "-c",
                     fmt::format("umask {:o}; '{}' submit --server {} -o '{}' invert '{}'", mask,
                                 TESSERA_PROGRAM, serve.url(), out.string(), photo.string())});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(mode_of(out / "tiny-invert.png"), 0666U & ~mask);
  }
}

TEST(Access, SecretsInUrlsAreNotShownAndMayComeFromFiles) {
  const ServerFolder folder;
  for (const auto& [option, url] :
       {std::pair("--state", "redis://ann:SECRET@host:bad/0"), std::pair("--state", "redi://:SECRET@host"),
        std::pair("--queue", "amqp://ann:SECRET@host:bad/"), std::pair("--queue", "amq://ann:SECRET@host"),
        std::pair("--store", "s4://ann:SECRET@bucket")}) {
    std::map<std::string, std::string> urls{{"--state", "sqlite://" + (folder.path() / "state.db").string()},
                                            {"--queue", "sqlite://" + (folder.path() / "queue.db").string()},
                                            {"--store", "file://" + (folder.path() / "objects").string()}};
    urls[option] = url;
    std::vector<std::string> command{"gateway", "--listen", fmt::format("127.0.0.1:{}", free_port()),
                                     "--link-secret", "0123456789abcdef"};
    for (const auto& [name, value] : urls) {
      std::ofstream(folder.path() / name.substr(2)) << value << "\n";
      command.push_back(name + "-file");
      command.push_back(folder.path() / name.substr(2));
    }
    const CommandOutcome outcome = tessera(command);
    EXPECT_EQ(outcome.exit_code, 2) << url << outcome.err;
    EXPECT_EQ(outcome.err.find("SECRET"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace tessera::testing
