#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <type_traits>

#include "adapters/redis/scripts.hpp"
#include "adapters/redis/state_parts.hpp"
#include "core/error.hpp"

namespace tessera::redis {
namespace {

constexpr int state_count = static_cast<int>(JobState::cancelled) + 1;
/// Ids looked at in one go when a list leaves some out.
constexpr int look_at_once = 200;

std::string number(JobState state) { return std::to_string(static_cast<int>(state)); }

Json to_json(const Batch& batch) {
  return {{"owner", batch.owner},
          {"jobs", batch.job_ids},
          {"webhook_url", batch.webhook_url},
          {"webhook_secret", batch.webhook_secret},
          {"created_ms", to_ms(batch.created)}};
}

Batch batch_from(const std::string& id, const Json& json) {
  return {id,
          json.at("owner"),
          json.at("jobs").get<std::vector<std::string>>(),
          json.at("webhook_url"),
          json.at("webhook_secret"),
          from_ms(json.at("created_ms").get<std::int64_t>())};
}

std::vector<std::string> texts(const Reply& list) {
  std::vector<std::string> result;
  for (const Reply& entry : list.list) {
    result.push_back(entry.text);
  }
  return result;
}

std::string with_events(std::string_view script) { return std::string(event_function) + std::string(script); }

class RedisJobStore final : public JobStore {
 public:
  RedisJobStore(const Address& address, const StateOptions& options)
      : options_(options), connection_(address) {}

  Created create(const NewJobs& jobs) override {
    if (jobs.jobs.empty()) {
      throw Error(ErrorCode::usage, "There is no job to create.");
    }
    const Batch batch = batch_of(jobs);
    const std::chrono::seconds lifetime = options_.idempotency_lifetime;
    std::vector<std::string> arguments{std::to_string(options_.max_events),
                                       jobs.idempotency ? jobs.idempotency->key : "",
                                       jobs.idempotency ? jobs.idempotency->fingerprint : "",
                                       std::to_string(lifetime.count()),
                                       batch.id,
                                       to_json(batch).dump(),
                                       batch.owner,
                                       batch.webhook_url.empty() ? "" : "1",
                                       std::to_string(jobs.max_waiting)};
    for (const Job& job : jobs.jobs) {
      for (std::string& field :
           std::vector<std::string>{job.id, number(job.state), ms(job.updated),
                                    std::to_string(job.generation), tessera::to_json(job).dump()}) {
        arguments.push_back(std::move(field));
      }
    }
    const std::string script = with_events(create_script);
    return locked([&]() -> Created {
      const Reply reply = connection_.script(script, arguments);
      if (reply.kind == Reply::Kind::list) {
        check_waiting(batch.owner, reply.list.at(0).integer, std::ssize(jobs.jobs), jobs.max_waiting);
      }
      if (reply.kind != Reply::Kind::text) {
        return {batch, true};
      }
      const Json known = Json::parse(reply.text);
      if (known.at("fingerprint") != jobs.idempotency->fingerprint) {
        throw Error(ErrorCode::conflict,
                    fmt::format("The idempotency key '{}' was used for another request: take a new one.",
                                jobs.idempotency->key));
      }
      auto first = read_batch(known.at("batch"));
      if (!first) {
        throw Error(ErrorCode::conflict, "The request was made before, and its jobs are removed already.");
      }
      return {std::move(*first), false};
    });
  }

  void mark_published(const std::string& job_id, int generation) override {
    locked([&] { return connection_.script(published_script, {job_id, std::to_string(generation)}); });
  }

  std::vector<Job> unpublished(TimePoint changed_before, int limit) override {
    return by_time("tessera:jobs:unpublished", changed_before, limit);
  }

  std::optional<Job> find(const std::string& job_id) override {
    return locked([&] {
      const auto stored = read(job_id);
      return stored ? std::optional(stored->job) : std::nullopt;
    });
  }

  std::vector<Job> find_all(const std::vector<std::string>& job_ids) override {
    return locked([&] { return read_all(job_ids); });
  }

  std::optional<Batch> find_batch(const std::string& batch_id) override {
    return locked([&] { return read_batch(batch_id); });
  }

  JobPage list(const JobFilter& filter, const std::string& after, int limit) override {
    const std::string index = !filter.batch_id.empty() ? "tessera:jobs:batch:" + filter.batch_id
                              : !filter.owner.empty()  ? "tessera:jobs:owner:" + filter.owner
                                                       : "tessera:jobs";
    return locked([&] {
      JobPage page;
      std::string from = after;
      for (;;) {
        const Reply ids = connection_.command({"ZREVRANGEBYLEX", index, from.empty() ? "+" : "(" + from, "-",
                                               "LIMIT", "0", std::to_string(look_at_once)});
        for (Job& job : read_all(texts(ids))) {
          if ((!filter.owner.empty() && job.owner != filter.owner) ||
              (filter.state && job.state != *filter.state)) {
            continue;
          }
          if (static_cast<int>(page.jobs.size()) == limit) {
            page.next = page.jobs.empty() ? after : page.jobs.back().id;
            return page;
          }
          page.jobs.push_back(std::move(job));
        }
        from = ids.list.empty() ? from : ids.list.back().text;
        if (static_cast<int>(ids.list.size()) < look_at_once) {
          return page;
        }
      }
    });
  }

  std::optional<Job> change(const std::string& job_id, int generation, const JobChange& change) override {
    return rewrite(
        job_id, [&](const Job& job) { return may_change(job, generation); },
        [&](Job& job) { return apply_change(job, change, options_.now()); }, std::nullopt);
  }

  std::optional<Job> retry(const std::string& job_id, std::int64_t max_waiting) override {
    return rewrite(
        job_id, may_retry,
        [&](Job& job) {
          apply_retry(job, options_.now());
          return std::string(to_string(job.state));
        },
        max_waiting);
  }

  std::vector<WebhookCall> take_webhook_calls(std::chrono::milliseconds lease, int limit,
                                              const std::vector<std::string>& not_of) override {
    return locked([&] {
      const TimePoint now = options_.now();
      std::vector<WebhookCall> calls;
      std::vector<std::string> arguments{ms(now), ms(now + lease), std::to_string(limit)};
      arguments.insert(arguments.end(), not_of.begin(), not_of.end());
      const Reply taken = connection_.script(take_webhooks_script, arguments);
      for (const Reply& call : taken.list) {
        calls.push_back({call.list.at(0).text, call.list.at(1).text, std::stoi(call.list.at(2).text),
                         !call.list.at(3).text.empty(), std::stoi(call.list.at(4).text)});
      }
      return calls;
    });
  }

  void settle_webhook_call(const std::string& call_id, std::optional<TimePoint> again) override {
    locked([&] { return connection_.script(settle_webhook_script, {call_id, again ? ms(*again) : ""}); });
  }

  void postpone_webhook_call(const std::string& call_id, TimePoint until) override {
    locked([&] { return connection_.script(postpone_webhook_script, {call_id, ms(until)}); });
  }

  std::vector<Job> finished_before(TimePoint time, int limit) override {
    std::vector<Job> jobs;
    for (const JobState state : {JobState::done, JobState::failed, JobState::cancelled}) {
      for (Job& job : by_time("tessera:jobs:state:" + number(state), time, limit)) {
        jobs.push_back(std::move(job));
      }
    }
    std::ranges::sort(jobs, {}, &Job::updated);
    if (static_cast<int>(jobs.size()) > limit) {
      jobs.resize(static_cast<std::size_t>(limit));
    }
    return jobs;
  }

  void remove(const std::string& job_id) override {
    locked([&] { return connection_.script(remove_script, {job_id}); });
  }

  std::vector<std::pair<JobState, std::int64_t>> count_by_state() override {
    return locked([&] {
      std::vector<std::vector<std::string>> commands;
      for (int i = 0; i < state_count; ++i) {
        commands.push_back({"ZCARD", "tessera:jobs:state:" + number(static_cast<JobState>(i))});
      }
      std::vector<std::pair<JobState, std::int64_t>> counts;
      for (const Reply& count : connection_.pipeline(commands)) {
        counts.emplace_back(static_cast<JobState>(counts.size()), count.integer);
      }
      return counts;
    });
  }

  void check() override {
    locked([&] { return connection_.command({"PING"}); });
  }

 private:
  struct Stored {
    Job job;
    std::string version;
    std::string change;  ///< the name of the last one
  };

  template <class Work>
  std::invoke_result_t<const Work&> locked(const Work& work) {
    const std::lock_guard guard(mutex_);
    std::optional<std::invoke_result_t<const Work&>> result;
    connection_.with_patience([&] { result.emplace(work()); });
    return std::move(*result);
  }

  std::optional<Stored> read(const std::string& job_id) {
    const Reply reply =
        connection_.command({"HMGET", "tessera:job:" + job_id, "record", "version", "change"});
    if (reply.list.at(0).empty()) {
      return std::nullopt;
    }
    return Stored{job_from_json(Json::parse(reply.list[0].text)), reply.list[1].text, reply.list[2].text};
  }

  /// Those that are there, in order, by one round trip.
  std::vector<Job> read_all(const std::vector<std::string>& job_ids) {
    std::vector<std::vector<std::string>> commands;
    for (const std::string& id : job_ids) {
      commands.push_back({"HGET", "tessera:job:" + id, "record"});
    }
    std::vector<Job> jobs;
    for (const Reply& reply : connection_.pipeline(commands)) {
      if (!reply.empty()) {
        jobs.push_back(job_from_json(Json::parse(reply.text)));
      }
    }
    return jobs;
  }

  std::optional<Batch> read_batch(const std::string& batch_id) {
    const Reply reply = connection_.command({"GET", "tessera:batch:" + batch_id});
    return reply.empty() ? std::nullopt : std::optional(batch_from(batch_id, Json::parse(reply.text)));
  }

  std::vector<Job> by_time(const std::string& index, TimePoint before, int limit) {
    return locked([&] {
      return read_all(texts(connection_.command(
          {"ZRANGEBYSCORE", index, "-inf", "(" + ms(before), "LIMIT", "0", std::to_string(limit)})));
    });
  }

  /// Reads, changes and writes the job if nobody else has meanwhile; else once more. Each change has a name,
  /// by which it is known again when the connection broke before the answer came. `queued_again_within`: the
  /// job is to be published once more, if its owner has no more queued jobs than that with it (0: any
  /// number).
  template <class May, class Apply>
  std::optional<Job> rewrite(const std::string& job_id, const May& may, const Apply& apply,
                             std::optional<std::int64_t> queued_again_within) {
    const std::string name = new_id("change", system_now());
    const std::string script = with_events(change_script);
    return locked([&]() -> std::optional<Job> {
      for (;;) {
        std::optional<Stored> stored = read(job_id);
        if (stored && stored->change == name) {
          return stored->job;
        }
        if (!stored || !may(stored->job)) {
          return std::nullopt;
        }
        const std::string event = apply(stored->job);
        const Job& job = stored->job;
        const Reply reply = connection_.script(
            script, {std::to_string(options_.max_events), job_id, stored->version, name, number(job.state),
                     std::to_string(job.generation), ms(job.updated), tessera::to_json(job).dump(), event,
                     is_final(job.state) ? webhook_call_id(job) : "",
                     queued_again_within ? std::to_string(*queued_again_within) : ""});
        if (reply.kind == Reply::Kind::list) {
          check_waiting(job.owner, reply.list.at(0).integer, 1, queued_again_within.value_or(0));
        }
        if (reply.integer == 1) {
          return job;
        }
      }
    });
  }

  StateOptions options_;
  std::mutex mutex_;
  Connection connection_;
};

}  // namespace

std::unique_ptr<JobStore> open_jobs(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisJobStore>(address, options);
}

}  // namespace tessera::redis
