// SPDX-License-Identifier: Apache-2.0
// The stream of events, as a client sees it.
#include "service/notifier/notifier.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "adapters/redis/connection.hpp"
#include "adapters/redis/state_store.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "http/server.hpp"
#include "servers/raw_http.hpp"
#include "servers/redis_server.hpp"
#include "servers/server_process.hpp"

namespace tessera::service {
namespace {

class Follower {
 public:
  Follower(int port, const std::string& last_id) : connection_(port) {
    connection_.send(fmt::format("GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}\r\n", port,
                                 last_id.empty() ? "" : "Last-Event-ID: " + last_id + "\r\n"));
    connection_.read_until("\r\n\r\n");
  }
  std::string read_until(const std::string& text) {
    return connection_.read_until(text, std::chrono::seconds(30));
  }

 private:
  testing::RawConnection connection_;
};

std::string line_after(const std::string& text, const std::string& field) {
  const std::size_t begin = text.find(field);
  return begin == std::string::npos
             ? std::string()
             : text.substr(begin + field.size(), text.find('\n', begin) - begin - field.size());
}

/// A notifier over a state store, and jobs that come.
class Service {
 public:
  explicit Service(StateStore state)
      : state_(std::move(state)), access_(*state_.tokens, Authentication::disabled) {
    notifier_ =
        std::make_unique<Notifier>(NotifierOptions{}, NotifierPorts{*state_.jobs, *state_.events, access_});
    http::Router router;
    notifier_->mount(router);
    server_ = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
  }
  ~Service() {
    notifier_->stop();
    server_->stop();
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] int port() const { return server_->port(); }
  std::string new_job() {
    Job job;
    job.id = new_id("job", system_now());
    job.batch_id = new_id("batch", system_now());
    job.owner = "ann";
    job.request.object = "uploads/ann/one";
    job.created = job.updated = system_now();
    state_.jobs->create({{job}, {}, {}, {}});
    return job.id;
  }

 private:
  StateStore state_;
  Access access_;
  std::unique_ptr<Notifier> notifier_;
  std::unique_ptr<http::Server> server_;
};

TEST(NotifierStream, BeginsWithAnIdForReconnecting) {
  const testing::ServerFolder folder;
  Service service(open_sqlite_state_store(folder.path() / "state.db", {}));
  service.new_job();
  std::string place;
  {
    Follower follower(service.port(), "");
    place = line_after(follower.read_until("\n\n"), "id: ");
    EXPECT_FALSE(place.empty());
    // Its connection ends before anything has happened.
  }
  const std::string missed = service.new_job();
  Follower again(service.port(), place);
  EXPECT_NE(again.read_until("\n\n").find("event: queued"), std::string::npos);
  Follower other(service.port(), place);
  EXPECT_NE(other.read_until(missed).find("event: queued"), std::string::npos);
}

/// Events of other versions, and what is no event at all.
const std::vector<std::string> poison{"", "no JSON", "{}", "[7]", R"({"id":"job_1","state":{}})"};

TEST(NotifierStream, GoesPastEventsThatItCannotReadInSqlite) {
  const testing::ServerFolder folder;
  Service service(open_sqlite_state_store(folder.path() / "state.db", {}));
  Follower follower(service.port(), "");
  follower.read_until("\n\n");
  SqliteDatabase database(folder.path() / "state.db");
  for (const std::string& text : poison) {
    SqliteStatement(database,
                    "INSERT INTO state_events(type, job_id, batch_id, owner, time_ms, data)"
                    " VALUES('done', 'job_x', 'batch_x', 'ann', 1, ?)",
                    text)
        .run();
  }
  const std::string job = service.new_job();
  EXPECT_EQ(follower.read_until(job).find("event: done"), std::string::npos);
}

TEST(NotifierStream, GoesPastEventsThatItCannotReadInRedis) {
  const testing::RedisServer redis;
  Service service(open_redis_state_store(redis.url(), {}));
  Follower follower(service.port(), "");
  follower.read_until("\n\n");
  redis::Connection connection(redis::parse_address(redis.url()));
  connection.command({"XADD", "tessera:events", "*", "some", "thing"});
  for (const std::string& text : poison) {
    connection.command({"XADD", "tessera:events", "*", "type", "done", "time", "soon", "data", text});
  }
  const std::string job = service.new_job();
  EXPECT_EQ(follower.read_until(job).find("event: done"), std::string::npos);
}

}  // namespace
}  // namespace tessera::service
