#include "adapters/state/state_server.hpp"

#include "adapters/open.hpp"
#include "servers/redis_server.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {
namespace {

class SqliteState final : public StateServer {
 public:
  std::string url() const override { return "sqlite://" + (folder_.path() / "state.db").string(); }

 private:
  ServerFolder folder_;
};

class RedisState final : public StateServer {
 public:
  std::string url() const override { return server_.url(); }

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
