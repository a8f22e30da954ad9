// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "adapters/redis/connection_pool.hpp"
#include "adapters/redis/ids_by_name.hpp"
#include "adapters/redis/scripts.hpp"
#include "adapters/redis/settings_check.hpp"
#include "adapters/redis/state_parts.hpp"
#include "adapters/redis/unreadable.hpp"
#include "base/error.hpp"
#include "ports/stored_json.hpp"

namespace tessera::redis {
namespace {

constexpr int state_count = static_cast<int>(JobState::cancelled) + 1;
/// Number of records read in one pipeline.
constexpr std::size_t records_per_read = 500;
/// Few of the gateway's 16 workers wait for the state at the same time.
constexpr std::size_t max_connections = 8;

std::string number(JobState state) { return std::to_string(static_cast<int>(state)); }

Json to_json(const Batch& batch) {
  return {{"v", stored_version},
          {"owner", batch.owner},
          {"jobs", batch.job_ids},
          {"webhook_url", batch.webhook_url},
          {"webhook_secret", batch.webhook_secret},
          {"created_ms", to_ms(batch.created)}};
}

Batch batch_from(const std::string& id, const std::string& text) {
  constexpr const char* what = "the record of a batch";
  const Json json = parse_stored(text, what);
  const StoredFields fields(json, what);
  return {id,
          fields.text("owner"),
          fields.texts("jobs"),
          fields.text("webhook_url", ""),
          fields.text("webhook_secret", ""),
          from_ms(fields.integer("created_ms", 0))};
}

std::vector<std::string> texts(const Reply& list) {
  std::vector<std::string> result;
  for (const Reply& entry : list.list) {
    result.push_back(entry.text);
  }
  return result;
}

Script with_events(std::string_view script) {
  return Script(std::string(event_function) + std::string(script));
}

std::string state_index(JobState state) { return "tessera:jobs:state:" + number(state); }

class RedisJobStore final : public JobStore {
 public:
  RedisJobStore(const Address& address, const StateOptions& options)
      : options_(options), pool_(address, max_connections), unreadable_(options_) {
    if (options_.warn) {
      pool_.set_initial_work(
          [warn = options_.warn](Connection& connection) { check_settings(connection, warn); });
    }
  }

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
                                       stored_text(to_json(batch)),
                                       batch.owner,
                                       batch.webhook_url.empty() ? "" : "1",
                                       std::to_string(jobs.max_waiting)};
    for (const Job& job : jobs.jobs) {
      for (std::string& field :
           std::vector<std::string>{job.id, number(job.state), ms(job.updated),
                                    std::to_string(job.generation), stored_text(tessera::to_json(job))}) {
        arguments.push_back(std::move(field));
      }
    }
    return ask([&](Connection& connection) -> Created {
      const Reply reply = connection.script(create_, arguments);
      if (reply.kind == Reply::Kind::list) {
        check_waiting(batch.owner, reply.list.at(0).integer, std::ssize(jobs.jobs), jobs.max_waiting);
      }
      if (reply.kind != Reply::Kind::text) {
        return {batch, true};
      }
      const Json known = parse_stored(reply.text, "the record of an idempotency key");
      const StoredFields fields(known, "the record of an idempotency key");
      if (fields.text("fingerprint") != jobs.idempotency->fingerprint) {
        throw Error(ErrorCode::conflict,
                    fmt::format("The idempotency key '{}' was used for another request: use a new one.",
                                jobs.idempotency->key));
      }
      auto first = read_batch(connection, fields.text("batch"));
      if (!first) {
        throw Error(ErrorCode::conflict, "The request was made before, and its jobs have been removed.");
      }
      return {std::move(*first), false};
    });
  }

  void mark_published(const std::string& job_id, int generation) override {
    pool_.run([&](Connection& connection) {
      connection.script(published_, {job_id, std::to_string(generation)});
    });
  }

  std::vector<Job> unpublished(TimePoint changed_before, int limit) override {
    constexpr const char* index = "tessera:jobs:unpublished";
    return ask([&](Connection& connection) {
      std::vector<std::string> left_out;
      std::vector<Job> jobs = by_time(connection, index, changed_before, limit, &left_out);
      if (!left_out.empty()) {
        // A version that can read them finds that they have no message, and queues them again.
        left_out.insert(left_out.begin(), {"ZREM", index});
        connection.command(left_out);
      }
      return jobs;
    });
  }

  std::optional<Job> find(const std::string& job_id) override {
    return ask([&](Connection& connection) {
      const auto stored = read(connection, job_id);
      return stored ? std::optional(stored->job) : std::nullopt;
    });
  }

  std::vector<Job> find_all(const std::vector<std::string>& job_ids) override {
    return ask([&](Connection& connection) { return read_all(connection, job_ids); });
  }

  std::optional<Batch> find_batch(const std::string& batch_id) override {
    return ask([&](Connection& connection) { return read_batch(connection, batch_id); });
  }

  JobPage list(const JobFilter& filter, const std::string& after, int limit) override {
    const std::string index = !filter.batch_id.empty() ? "tessera:jobs:batch:" + filter.batch_id
                              : !filter.owner.empty()  ? "tessera:jobs:owner:" + filter.owner
                                                       : "tessera:jobs";
    return ask([&](Connection& connection) {
      JobPage page;
      IdsByName ids(connection, index, filter.state, after);
      for (std::vector<std::string> some = ids.next(); !some.empty(); some = ids.next()) {
        for (Job& job : read_all(connection, some)) {
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
      }
      return page;
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

  std::vector<Job> unchanged_since(JobState state, TimePoint time, int limit) override {
    return ask([&](Connection& connection) { return by_time(connection, state_index(state), time, limit); });
  }

  std::optional<Job> queue_again(const Job& seen, const std::string& stage) override {
    return rewrite(
        seen.id, [&](const Job& job) { return may_queue_again(job, seen); },
        [&](Job& job) {
          apply_queue_again(job, stage, options_.now());
          return std::string(to_string(job.state));
        },
        0);
  }

  std::vector<WebhookCall> claim_webhook_calls(std::chrono::milliseconds lease, int limit,
                                               const std::vector<std::string>& excluded_owners) override {
    return ask([&](Connection& connection) {
      const TimePoint now = options_.now();
      std::vector<WebhookCall> calls;
      std::vector<std::string> arguments{ms(now), ms(now + lease), std::to_string(limit),
                                         ms(now + farthest_webhook_call)};
      arguments.insert(arguments.end(), excluded_owners.begin(), excluded_owners.end());
      const Reply taken = connection.script(claim_webhooks_, arguments);
      for (const Reply& call : taken.list) {
        try {
          constexpr const char* what = "a number of a webhook call";
          calls.push_back({call.list.at(0).text, call.list.at(1).text,
                           static_cast<int>(stored_integer(call.list.at(2).text, what)),
                           !call.list.at(3).text.empty(),
                           static_cast<int>(stored_integer(call.list.at(4).text, what))});
        } catch (const Unreadable&) {
          connection.script(settle_webhook_, {call.list.at(0).text, ""});
        }
      }
      return calls;
    });
  }

  void settle_webhook_call(const std::string& call_id, std::optional<TimePoint> again) override {
    pool_.run([&](Connection& connection) {
      connection.script(settle_webhook_, {call_id, again ? ms(*again) : ""});
    });
  }

  void postpone_webhook_call(const std::string& call_id, TimePoint until) override {
    pool_.run([&](Connection& connection) { connection.script(postpone_webhook_, {call_id, ms(until)}); });
  }

  std::vector<Job> finished_before(TimePoint time, int limit) override {
    std::vector<Job> jobs;
    for (const JobState state : {JobState::done, JobState::failed, JobState::cancelled}) {
      std::ranges::move(unchanged_since(state, time, limit), std::back_inserter(jobs));
    }
    std::ranges::sort(jobs, {}, &Job::updated);
    jobs.resize(std::min(jobs.size(), static_cast<std::size_t>(std::max(limit, 0))));
    return jobs;
  }

  bool remove_finished(const std::string& job_id, TimePoint time) override {
    return ask([&](Connection& connection) {
      return connection.script(remove_, {job_id, ms(time)}).integer == 1;
    });
  }

  std::unordered_set<std::string> objects_in_use() override {
    // The ids are read by one command, so as of one moment. The records can be read afterwards: an input
    // never changes.
    std::vector<std::string> wanted{"ZUNION", "5"};
    for (const JobState state :
         {JobState::queued, JobState::running, JobState::storing, JobState::failed, JobState::cancelled}) {
      wanted.push_back(state_index(state));
    }
    const std::vector<std::string> ids =
        ask([&](Connection& connection) { return texts(connection.command(wanted)); });
    std::unordered_set<std::string> objects;
    for (std::size_t first = 0; first < ids.size(); first += records_per_read) {
      const std::vector<std::string> some(
          ids.begin() + static_cast<std::ptrdiff_t>(first),
          ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), first + records_per_read)));
      pool_.run([&](Connection& connection) {
        for (const Reply& record : connection.pipeline(record_commands(some))) {
          objects.insert(input_of_record(record.text));
        }
      });
    }
    return objects;
  }

  std::vector<std::pair<JobState, std::int64_t>> count_by_state() override {
    std::vector<std::pair<JobState, std::int64_t>> counts;
    for (int i = 0; i < state_count; ++i) {
      counts.emplace_back(static_cast<JobState>(i), count(static_cast<JobState>(i)));
    }
    return counts;
  }

  std::int64_t count(JobState state) override {
    return ask([&](Connection& connection) {
      return connection.command({"ZCARD", state_index(state)}).integer;
    });
  }

  std::vector<UnreadableItem> unreadable(int limit) override {
    return ask([&](Connection& connection) { return UnreadableNotes::list(connection, limit); });
  }

  bool remove_unreadable(const std::string& kind, const std::string& id) override {
    return ask([&](Connection& connection) {
      if (kind == "job" && !read(connection, id)) {
        connection.script(remove_, {id, ""});
      }
      return unreadable_.remove(connection, kind, id);
    });
  }

  void check() override {
    pool_.run([](Connection& connection) { connection.command({"PING"}); });
  }

 private:
  struct Stored {
    Job job;
    std::string version;
    std::string change;  ///< name of the last change
  };

  template <class Work>
  std::invoke_result_t<const Work&, Connection&> ask(const Work& work) {
    return pool_.ask(work);
  }

  /// Nothing if there is none, or if it cannot be read.
  std::optional<Job> readable(Connection& connection, const std::string& id, const Reply& record) {
    if (record.empty()) {
      return std::nullopt;
    }
    try {
      Job job = job_from_text(record.text);
      if (job.id != id) {
        throw Unreadable("The record of a job has another id.");
      }
      return job;
    } catch (const Unreadable& error) {
      unreadable_.found(connection, "job", id, error.what());
      return std::nullopt;
    }
  }

  std::optional<Stored> read(Connection& connection, const std::string& job_id) {
    const Reply reply = connection.command({"HMGET", "tessera:job:" + job_id, "record", "version", "change"});
    auto job = readable(connection, job_id, reply.list.at(0));
    return job ? std::optional(Stored{std::move(*job), reply.list.at(1).text, reply.list.at(2).text})
               : std::nullopt;
  }

  static std::vector<std::vector<std::string>> record_commands(const std::vector<std::string>& job_ids) {
    std::vector<std::vector<std::string>> commands;
    for (const std::string& id : job_ids) {
      commands.push_back({"HGET", "tessera:job:" + id, "record"});
    }
    return commands;
  }

  /// The jobs that exist and can be read, in order, with one round trip. The ids of the others are added to
  /// `left_out`.
  std::vector<Job> read_all(Connection& connection, const std::vector<std::string>& job_ids,
                            std::vector<std::string>* left_out = nullptr) {
    std::vector<Job> jobs;
    const std::vector<Reply> records = connection.pipeline(record_commands(job_ids));
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (auto job = readable(connection, job_ids[i], records[i])) {
        jobs.push_back(std::move(*job));
      } else if (left_out != nullptr) {
        left_out->push_back(job_ids[i]);
      }
    }
    return jobs;
  }

  /// Nothing if there is none, or if it cannot be read.
  std::optional<Batch> read_batch(Connection& connection, const std::string& batch_id) {
    const Reply reply = connection.command({"GET", "tessera:batch:" + batch_id});
    if (reply.empty()) {
      return std::nullopt;
    }
    try {
      return batch_from(batch_id, reply.text);
    } catch (const Unreadable& error) {
      unreadable_.found(connection, "batch", batch_id, error.what());
      return std::nullopt;
    }
  }

  /// The jobs that can be read, at most `limit`.
  std::vector<Job> by_time(Connection& connection, const std::string& index, TimePoint before, int limit,
                           std::vector<std::string>* left_out = nullptr) {
    std::vector<Job> jobs;
    for (std::size_t offset = 0; static_cast<int>(jobs.size()) < limit;) {
      const auto wanted = static_cast<std::size_t>(limit) - jobs.size();
      const std::vector<std::string> ids =
          texts(connection.command({"ZRANGEBYSCORE", index, "-inf", "(" + ms(before), "LIMIT",
                                    std::to_string(offset), std::to_string(wanted)}));
      std::ranges::move(read_all(connection, ids, left_out), std::back_inserter(jobs));
      offset += ids.size();
      if (ids.size() < wanted) {
        break;
      }
    }
    return jobs;
  }

  /// Reads, changes and writes the job in a compare-and-set loop. Each change has a name, which identifies it
  /// if the connection breaks before the reply arrives. `queued_again_within`: the job is to be published
  /// again, if its owner then has no more queued jobs than this (0: unlimited).
  template <class May, class Apply>
  std::optional<Job> rewrite(const std::string& job_id, const May& may, const Apply& apply,
                             std::optional<std::int64_t> queued_again_within) {
    const std::string name = new_id("change", system_now());
    return ask([&](Connection& connection) -> std::optional<Job> {
      for (;;) {
        std::optional<Stored> stored = read(connection, job_id);
        if (stored && stored->change == name) {
          return stored->job;
        }
        if (!stored || !may(stored->job)) {
          return std::nullopt;
        }
        const std::string event = apply(stored->job);
        const Job& job = stored->job;
        const Reply reply = connection.script(
            change_, {std::to_string(options_.max_events), job_id, stored->version, name, number(job.state),
                      std::to_string(job.generation), ms(job.updated), stored_text(tessera::to_json(job)),
                      event, is_final(job.state) ? webhook_call_id(job) : "",
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

  const StateOptions options_;
  ConnectionPool pool_;
  UnreadableNotes unreadable_;
  const Script create_ = with_events(create_script);
  const Script change_ = with_events(change_script);
  const Script published_{std::string(published_script)};
  const Script remove_{std::string(remove_script)};
  const Script claim_webhooks_{std::string(claim_webhooks_script)};
  const Script postpone_webhook_{std::string(postpone_webhook_script)};
  const Script settle_webhook_{std::string(settle_webhook_script)};
};

}  // namespace

std::unique_ptr<JobStore> open_jobs(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisJobStore>(address, options);
}

}  // namespace tessera::redis
