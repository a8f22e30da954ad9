// SPDX-License-Identifier: Apache-2.0
#include "adapters/state/state_server.hpp"

#include "adapters/open.hpp"
#include "adapters/redis/connection.hpp"
#include "adapters/sqlite/database.hpp"
#include "servers/redis_server.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {
namespace {

class SqliteState final : public StateServer {
 public:
  std::string url() const override { return "sqlite://" + (folder_.path() / "state.db").string(); }
  void overwrite_record(const std::string& job_id, const std::string& text) override {
    SqliteDatabase database(folder_.path() / "state.db");
    SqliteStatement(database, "UPDATE state_jobs SET record=? WHERE id=?", text, job_id).run();
  }
  void append_event(const std::string& text) override {
    SqliteDatabase database(folder_.path() / "state.db");
    SqliteStatement(database,
                    "INSERT INTO state_events(type, job_id, batch_id, owner, time_ms, data)"
                    " VALUES('done', 'job_x', 'batch_x', 'ann', 1, ?)",
                    text)
        .run();
  }

 private:
  ServerFolder folder_;
};

class RedisState final : public StateServer {
 public:
  std::string url() const override { return server_.url(); }
  void overwrite_record(const std::string& job_id, const std::string& text) override {
    redis::Connection(redis::parse_address(url())).command({"HSET", "tessera:job:" + job_id, "record", text});
  }
  void append_event(const std::string& text) override {
    redis::Connection(redis::parse_address(url()))
        .command({"XADD", "tessera:events", "*", "type", "done", "job", "job_x", "time", "1", "data", text});
  }

 private:
  RedisServer server_;
};

}  // namespace

StateStore StateServer::open(const StateOptions& options) const { return open_state_store(url(), options); }

StateKind redis_state_kind() {
  return {"Redis", [] { return std::make_unique<RedisState>(); }};
}

StateKind sqlite_state_kind() {
  return {"Sqlite", [] { return std::make_unique<SqliteState>(); }};
}

Job new_job(const std::string& owner, const std::string& batch_id) {
  Job job;
  job.created = system_now();
  job.updated = job.created;
  job.id = new_id("job", job.created);
  job.batch_id = batch_id.empty() ? new_id("batch", job.created) : batch_id;
  job.owner = owner;
  job.request_id = "request-of-" + owner;
  job.request.object = "uploads/" + owner + "/a";
  job.request.name = "größe \"1\".jpg";
  job.request.pipeline = {{"operators", {{{"name", "invert"}}}}};
  job.request.priority = Priority::bulk;
  return job;
}

NewJobs one_job(const std::string& owner) { return {{new_job(owner)}, {}, {}, {}}; }

}  // namespace tessera::testing
