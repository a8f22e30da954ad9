// SPDX-License-Identifier: Apache-2.0
// Processing of one job by a node.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "log/json_log.hpp"
#include "node/image_fetch.hpp"
#include "node/node.hpp"
#include "node/node_state.hpp"
#include "ports/failpoint.hpp"
#include "ports/parted_upload.hpp"

namespace tessera {
namespace {

/// Of an owner's limits, in seconds.
constexpr const char* time_limit_name = "time-limit";

Json layout_of(Placement placement, const std::vector<int>& ranks, const std::vector<RankState>& states) {
  Json list = Json::array();
  for (const int rank : ranks) {
    list.push_back({{"rank", rank},
                    {"location", static_cast<std::size_t>(rank) < states.size()
                                     ? states[static_cast<std::size_t>(rank)].location
                                     : ""}});
  }
  return {{"mode", placement == Placement::all_ranks ? "split" : "farm"}, {"ranks", std::move(list)}};
}

std::string stage_name(const Json& pipeline) {
  std::string name;
  for (const Json& step : pipeline.value("operators", Json::array())) {
    name += (name.empty() ? "" : " | ") + step.value("name", "");
  }
  return name;
}

}  // namespace

std::chrono::milliseconds Node::time_limit_of(const std::string& owner) const {
  const auto own = options_.owner_limits.find(owner);
  if (own == options_.owner_limits.end() || !own->contains(time_limit_name)) {
    return options_.time_limit;
  }
  return std::chrono::seconds(own->at(time_limit_name).get<std::int64_t>());
}

void Node::measure(std::string_view phase, std::chrono::steady_clock::time_point since) const {
  if (options_.on_phase) {
    options_.on_phase(phase, std::chrono::steady_clock::now() - since);
  }
}

void Node::note_end(std::string_view end) const {
  if (options_.on_end) {
    options_.on_end(end);
  }
}

void Node::note(spdlog::level::level_enum level, const std::string& job_id, const std::string& request_id,
                const std::string& sentence) const {
  log_about(*log_, level, sentence, {{"job", job_id}, {"request_id", request_id}});
}

Node::Verdict Node::handle(const Delivery& delivery, Active& active) {
  const QueueMessage& message = delivery.message;
  reach(Failpoint::message_taken);
  auto job = ports_.jobs.find(message.job_id);
  if (!job || job->generation != message.generation || is_final(job->state) || adopt_stored_result(*job)) {
    return {};  // removed, retried, cancelled, or completed by another delivery
  }
  // Its node died, or lost the queue, during processing. The job may have killed the node, but nodes end for
  // other reasons too: it is run alone, and the delivery count applies.
  const bool left_behind = job->state != JobState::queued && !job->layout.is_null();
  if (left_behind) {
    job->attempt = std::max(0, job->attempt - 1);
    if (delivery.attempt > options_.max_deliveries) {
      return dead_letter(
          *job, fmt::format("Its node ended during processing, and it was delivered {} times without "
                            "success, so it was moved to the dead-letter queue.",
                            delivery.attempt - 1));
    }
  }
  if (job->attempt >= options_.max_attempts) {
    return dead_letter(*job, fmt::format("It was tried {} times and its worker processes ended each time, so "
                                         "it was moved to the dead-letter queue. {}",
                                         job->attempt, job->stage));
  }
  return work(*job, left_behind || job->attempt > 0, active);
}

Node::Verdict Node::work(const Job& job, bool suspect, Active& active) {
  JobChange change;
  change.state = JobState::running;
  change.attempt = job.attempt;  // counted once it is on the ranks
  change.node = options_.id;
  change.fraction = 0;
  change.layout = Json();
  if (job.attempt == 0) {
    change.stage = "fetching the image";
  }
  const std::stop_token stop = active.stop.get_token();
  const JobFiles files(options_.ranks.scratch, job.id, result_extension(job.request));
  FailureOrigin origin = FailureOrigin::machine;
  std::string reason;
  try {
    // The image is fetched while the state is updated: one waits for the store, the other for the state's
    // disk.
    const auto lifetime = std::chrono::ceil<std::chrono::seconds>(time_limit_of(job.owner));
    ImageFetch image(ports_.objects, job.request, files.input, stop, lifetime, [this](auto time) {
      if (options_.on_phase) {
        options_.on_phase("fetch", time);
      }
    });
    const auto begun = ports_.jobs.change(job.id, job.generation, change);
    if (!begun) {
      return {};
    }
    reach(Failpoint::job_running);
    if (options_.on_phase && job.state == JobState::queued) {
      options_.on_phase("wait", std::max(TimePoint::duration(0), begun->updated - job.updated));
    }
    return process(*begun, files, image, active, suspect);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) {
      return stopped(job, active);
    }
    if (error.code() == ErrorCode::conflict) {  // the image was replaced after the job was accepted
      return fail(job, std::string(meaning(error.code()).name), error.what());
    }
    if (error.code() == ErrorCode::not_found && !ports_.objects.stat(job.request.object)) {
      ports_.objects.check();  // if the whole store is missing, it may come back
      return fail(job, std::string(meaning(error.code()).name), error.what());
    }
    // Any other store error, also an authentication failure of this node, says nothing about the job.
    origin = meaning(error.code()).origin == FailureOrigin::machine ? FailureOrigin::machine
                                                                    : FailureOrigin::server;
    reason = error.what();
  } catch (const std::bad_alloc&) {
    reason = "Memory ran out on the node.";
  } catch (const std::system_error& error) {
    reason = fmt::format("The node failed: {}.", error.what());
  }
  files.remove();
  return handle_external_failure(job, origin, reason);
}

Node::Verdict Node::handle_external_failure(const Job& job, FailureOrigin origin, const std::string& reason) {
  const int times = count_isolated_failure(job.id);
  if (times == 0 || (origin == FailureOrigin::machine && !machine_works())) {
    health_.failed(origin, reason);
    return postpone_job(job, reason, job.attempt);
  }
  // Other jobs succeed, so the node continues with them.
  const int attempts = job.attempt + (origin == FailureOrigin::machine ? 1 : 0);
  if (attempts >= options_.max_attempts) {
    return fail(
        job, std::string(meaning(ErrorCode::io).name),
        fmt::format("It failed repeatedly on a node that completed other jobs meanwhile. The last error: {}",
                    reason));
  }
  constexpr int max_doublings = 10;
  Verdict verdict = postpone_job(job, reason, attempts);
  verdict.delay = std::min(options_.health.max_pause,
                           options_.health.first_pause * (1 << std::min(times, max_doublings)));
  return verdict;
}

int Node::count_isolated_failure(const std::string& job_id) {
  constexpr std::size_t max_tracked_failures = 1000;
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= max_tracked_failures) {
    failures_.clear();
  }
  const std::int64_t successes = health_.successes();
  const auto [place, first] = failures_.try_emplace(job_id, Failures{successes, 0});
  if (first || std::exchange(place->second.successes, successes) == successes) {
    return 0;
  }
  return ++place->second.alone;
}

bool Node::machine_works() const {
  try {
    health_.check_machine();
    return true;
  } catch (const Error&) {
    return false;
  }
}

Node::Verdict Node::process(Job job, const JobFiles& files, ImageFetch& image, const Active& active,
                            bool suspect) {
  const std::stop_token stop = active.stop.get_token();
  FetchedImage fetched = image.wait();
  RankTask task;
  task.input = std::move(fetched.file);
  task.transfer = std::move(fetched.transfer);
  task.output = files.output;
  task.name = job.request.name;
  task.pipeline = job.request.pipeline;
  task.output_options = job.request.output;
  task.output_options["format"] = result_extension(job.request);
  task.limits = options_.limits;
  task.time_limit = time_limit_of(job.owner);
  if (const auto own = options_.owner_limits.find(job.owner); own != options_.owner_limits.end()) {
    Json limits = *own;
    limits.erase(time_limit_name);
    task.limits.update(limits);
  }
  std::error_code failure;
  auto input_bytes = static_cast<std::int64_t>(std::filesystem::file_size(task.input, failure));
  if (failure) {
    check_files_exist(job, files, task.input);
  }
  if (task.transfer) {
    input_bytes = task.transfer->size_bytes;
  }
  // A bucket takes results in parts; a local folder has the file in one move.
  std::optional<PartedUpload> upload;
  if (task.input == files.input) {
    Job begun = job;
    ++begun.attempt;
    upload.emplace(ports_.objects, result_object_name(begun), content_type_of(result_extension(job.request)));
    if (!options_.ranks.hostfile.empty()) {
      task.part_links = [&](std::int64_t first, std::int64_t count) { return upload->links(first, count); };
    }
  }
  const Placement placement = choose(suspect, input_bytes);
  const std::string stage = stage_name(job.request.pipeline);
  const auto ready = std::chrono::steady_clock::now();
  auto began = ready;
  const RankOutcome outcome = group_->run(
      task, placement, stop,
      [&](const std::vector<int>& ranks) {
        began = std::chrono::steady_clock::now();
        measure("turn", ready);
        JobChange change;
        change.attempt = job.attempt + 1;
        change.stage = stage;
        change.layout = layout_of(placement, ranks, group_->state());
        update_job(job, change);
        reach(Failpoint::job_on_ranks);
      },
      [&](double fraction, const std::string&) {
        JobChange change;
        change.fraction = fraction;
        update_job(job, change);
      });
  measure("work", began);
  if (options_.on_phase && outcome.end == RankOutcome::End::done) {
    options_.on_phase("process", std::chrono::duration<double>(outcome.result.seconds));
  }
  {
    const std::lock_guard lock(mutex_);
    counts_.busy_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count() *
                            static_cast<double>(outcome.ranks.size());
  }
  if (outcome.end == RankOutcome::End::stopped ||
      (outcome.end == RankOutcome::End::lost && given_up(active))) {
    return stopped(job, active);
  }
  ++job.attempt;
  if (outcome.end == RankOutcome::End::done) {
    reach(Failpoint::job_processed);
    if (upload && !upload->adopt(outcome.result.uploaded_parts)) {
      return handle_lost_ranks(job,
                               "They report parts of the result as uploaded that the store does not have.");
    }
    return store(job, outcome, files.output, upload);
  }
  const ErrorCode code = outcome.end == RankOutcome::End::lost
                             ? ErrorCode::rank_lost
                             : error_code_named(outcome.code).value_or(ErrorCode::internal);
  if (code == ErrorCode::rank_lost) {
    return handle_lost_ranks(job, outcome.sentence);
  }
  if (code == ErrorCode::cancelled) {
    --job.attempt;
    return stopped(job, active);
  }
  if (task.transfer && code == ErrorCode::conflict) {
    throw_changed_image(job.request);
  }
  if (code == ErrorCode::not_found) {
    check_files_exist(job, files, task.input);
  }
  if (meaning(code).origin != FailureOrigin::request) {
    throw Error(code, outcome.sentence);
  }
  health_.succeeded();
  return fail(job, outcome.code, outcome.sentence);
}

/// Throws if files of the job have disappeared, which is rarely its own fault.
void Node::check_files_exist(const Job& job, const JobFiles& files,
                             const std::filesystem::path& input) const {
  std::error_code failure;
  const bool scratch = std::filesystem::exists(options_.ranks.scratch, failure);
  if (scratch && std::filesystem::exists(input, failure)) {
    return;
  }
  if (!scratch || input == files.input) {
    throw Error(ErrorCode::io, fmt::format("Files in the scratch folder '{}' have disappeared.",
                                           options_.ranks.scratch.string()));
  }
  throw_missing_image(job.request, ports_.objects);
}

/// An update that fails is not worth failing the job for.
void Node::update_job(const Job& job, const JobChange& change) {
  try {
    ports_.jobs.change(job.id, job.generation, change);
  } catch (const Error& error) {
    note(spdlog::level::warn, job.id, job.request_id,
         fmt::format("cannot update the job's progress: {}", error.what()));
  }
}

Node::Verdict Node::fail(const Job& job, const std::string& code, const std::string& sentence) {
  JobChange change;
  change.state = JobState::failed;
  change.failure = JobFailure{code, sentence};
  ports_.jobs.change(job.id, job.generation, change);
  reach(Failpoint::job_failed);
  note(spdlog::level::info, job.id, job.request_id, fmt::format("failed ({}): {}", code, sentence));
  note_end("failed");
  const std::lock_guard lock(mutex_);
  failures_.erase(job.id);
  ++counts_.failed;
  return {};
}

Node::Verdict Node::postpone_job(const Job& job, const std::string& reason, int attempts) {
  JobChange change;
  change.attempt = attempts;
  change.state = JobState::queued;
  change.fraction = 0;
  change.stage = reason;
  ports_.jobs.change(job.id, job.generation, change);
  reach(Failpoint::job_postponed);
  note(spdlog::level::warn, job.id, job.request_id, fmt::format("postponed: {}", reason));
  return {Disposition::postpone, reason, {}};
}

Node::Verdict Node::handle_lost_ranks(const Job& job, const std::string& reason) {
  if (job.attempt < options_.max_attempts) {
    return postpone_job(job, fmt::format("The worker processes ended in attempt {}: {}", job.attempt, reason),
                        job.attempt);
  }
  return dead_letter(
      job, fmt::format("It was tried {} times and its worker processes ended each time, so it was moved to "
                       "the dead-letter queue. The last error: {}",
                       job.attempt, reason));
}

Node::Verdict Node::dead_letter(const Job& job, const std::string& sentence) {
  fail(job, std::string(meaning(ErrorCode::rank_lost).name), sentence);
  reach(Failpoint::job_set_aside);
  return {Disposition::dead_letter, sentence, {}};
}

bool Node::given_up(const Active& active) const {
  const std::lock_guard lock(mutex_);
  return active.given_up;
}

Node::Verdict Node::stopped(const Job& job, const Active& active) {
  const auto now = ports_.jobs.find(job.id);
  if (!now || now->generation != job.generation || is_final(now->state)) {
    return {};
  }
  return postpone_job(job,
                      given_up(active)
                          ? "Its node was shut down; another node will process it."
                          : "Processing was stopped without a cancellation; it will be restarted.",
                      job.attempt);
}

}  // namespace tessera
