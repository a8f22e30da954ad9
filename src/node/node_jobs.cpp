// One job's way through a node.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <future>
#include <utility>

#include "core/error.hpp"
#include "log/json_log.hpp"
#include "net/backoff.hpp"
#include "node/image_fetch.hpp"
#include "node/node.hpp"
#include "node/node_state.hpp"

namespace tessera {
namespace {

constexpr std::chrono::seconds pause_when_unavailable{2};

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
  const auto job = ports_.jobs.find(message.job_id);
  if (!job || job->generation != message.generation || is_final(job->state)) {
    return {};  // removed, retried since, cancelled, or done by another delivery
  }
  const int attempt = job->attempt + 1;
  if (attempt > options_.max_attempts) {
    const std::string sentence = fmt::format(
        "It was tried {} times and ended its node or its ranks each time, so it was set aside. {}",
        job->attempt, job->stage);
    fail(*job, std::string(meaning(ErrorCode::rank_lost).name), sentence);
    return {Ending::set_aside, sentence};
  }
  JobChange change;
  change.state = JobState::running;
  change.attempt = attempt;
  change.node = options_.id;
  change.fraction = 0;
  if (attempt == 1) {
    change.stage = "fetching the image";
  }
  // The image is on its way while this is told: the one waits for the store, the other for the state's disk.
  const std::stop_token stop = active.stop.get_token();
  const JobFiles files(options_.ranks.scratch, job->id, result_extension(job->request));
  ImageFetch image(ports_.objects, job->request, files.input, stop, [this](auto time) {
    if (options_.on_phase) {
      options_.on_phase("fetch", time);
    }
  });
  const auto begun = ports_.jobs.change(job->id, job->generation, change);
  if (!begun) {
    return {};
  }
  if (options_.on_phase && job->state == JobState::queued) {
    options_.on_phase("wait", std::max(TimePoint::duration(0), begun->updated - job->updated));
  }
  try {
    return process(*begun, files, image, active);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::cancelled) {
      return stopped(*job, active);
    }
    if (error.code() == ErrorCode::unavailable) {
      // The store is away; that says nothing of the job, which must outlast it.
      auto verdict = retried(*begun, error.what(), attempt - 1);
      pause(pause_when_unavailable, stop);
      return verdict;
    }
    if (meaning(error.code()).retry && attempt < options_.max_attempts) {
      return retried(*begun, fmt::format("Attempt {} failed: {}", attempt, error.what()), attempt);
    }
    return fail(*begun, std::string(meaning(error.code()).name), error.what());
  }
}

Node::Verdict Node::process(const Job& job, const JobFiles& files, ImageFetch& image, const Active& active) {
  const std::stop_token stop = active.stop.get_token();
  RankTask task;
  task.input = image.wait();
  task.output = files.output;
  task.name = job.request.name;
  task.pipeline = job.request.pipeline;
  task.output_options = job.request.output;
  task.output_options["format"] = result_extension(job.request);
  task.limits = options_.limits;
  task.time_limit = options_.time_limit;
  std::error_code failure;
  const auto input_bytes = static_cast<std::int64_t>(std::filesystem::file_size(task.input, failure));
  if (failure) {
    refuse_missing(job.request, ports_.objects);
  }
  const Placement placement = choose(job, input_bytes);
  const std::string stage = stage_name(job.request.pipeline);
  const auto ready = std::chrono::steady_clock::now();
  auto began = ready;
  const RankOutcome outcome = group_->run(
      task, placement, stop,
      [&](const std::vector<int>& ranks) {
        began = std::chrono::steady_clock::now();
        measure("turn", ready);
        JobChange change;
        change.stage = stage;
        change.layout = layout_of(placement, ranks, group_->state());
        tell(job, change);
      },
      [&](double fraction, const std::string&) {
        JobChange change;
        change.fraction = fraction;
        tell(job, change);
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
  switch (outcome.end) {
    case RankOutcome::End::done:
      return store(job, outcome, files.output);
    case RankOutcome::End::failed:
      return fail(job, outcome.code, outcome.sentence);
    case RankOutcome::End::lost:
      return lost(job, outcome.sentence);
    case RankOutcome::End::stopped:
      break;
  }
  return stopped(job, active);
}

/// Progress that cannot be told is not worth failing the job for.
void Node::tell(const Job& job, const JobChange& change) {
  try {
    ports_.jobs.change(job.id, job.generation, change);
  } catch (const Error& error) {
    note(spdlog::level::warn, job.id, job.request_id,
         fmt::format("cannot tell how far it is: {}", error.what()));
  }
}

Node::Verdict Node::store(const Job& job, const RankOutcome& outcome, const std::filesystem::path& output) {
  JobChange storing;
  storing.state = JobState::storing;
  storing.fraction = 1;
  // Told while the result is on its way: each of the two waits for its server's disk.
  std::future<bool> told = std::async(
      std::launch::async, [&] { return ports_.jobs.change(job.id, job.generation, storing).has_value(); });
  JobResult result;
  result.object = result_object_name(job);
  result.file_name = result_file_name(job.request);
  result.content_type = content_type_of(result_extension(job.request));
  result.width_px = outcome.result.width_px;
  result.height_px = outcome.result.height_px;
  result.findings = outcome.result.findings;
  result.warnings = outcome.result.warnings;
  const auto putting = std::chrono::steady_clock::now();
  const auto body = open_file_source(output);
  result.size_bytes = ports_.objects.put(result.object, *body, result.content_type).size_bytes;
  measure("store", putting);
  JobChange done;
  done.state = JobState::done;
  done.result = result;
  if (!told.get() || !ports_.jobs.change(job.id, job.generation, done)) {
    const auto now = ports_.jobs.find(job.id);
    if (!now || now->state != JobState::done) {
      ports_.objects.remove(result.object);  // cancelled meanwhile
    }
    return {};
  }
  note(spdlog::level::info, job.id, job.request_id, fmt::format("done, {} bytes", result.size_bytes));
  note_end("done");
  const std::lock_guard lock(mutex_);
  ++counts_.done;
  return {};
}

Node::Verdict Node::fail(const Job& job, const std::string& code, const std::string& sentence) {
  JobChange change;
  change.state = JobState::failed;
  change.failure = JobFailure{code, sentence};
  ports_.jobs.change(job.id, job.generation, change);
  note(spdlog::level::info, job.id, job.request_id, fmt::format("failed ({}): {}", code, sentence));
  note_end("failed");
  const std::lock_guard lock(mutex_);
  ++counts_.failed;
  return {};
}

Node::Verdict Node::retried(const Job& job, const std::string& reason, int attempts) {
  JobChange change;
  change.attempt = attempts;
  change.state = JobState::queued;
  change.fraction = 0;
  change.stage = reason;
  ports_.jobs.change(job.id, job.generation, change);
  note(spdlog::level::warn, job.id, job.request_id, fmt::format("given back: {}", reason));
  return {Ending::give_back, reason};
}

Node::Verdict Node::lost(const Job& job, const std::string& reason) {
  if (job.attempt < options_.max_attempts) {
    return retried(job, fmt::format("Attempt {} ended its ranks: {}", job.attempt, reason), job.attempt);
  }
  const std::string sentence = fmt::format(
      "It was tried {} times and ended its ranks each time, so it was set aside. The last time: {}",
      job.attempt, reason);
  fail(job, std::string(meaning(ErrorCode::rank_lost).name), sentence);
  return {Ending::set_aside, sentence};
}

Node::Verdict Node::stopped(const Job& job, const Active& active) {
  bool given_up = false;
  {
    const std::lock_guard lock(mutex_);
    given_up = active.given_up;
  }
  return given_up ? retried(job, "Its node was shut down; another takes it up.", job.attempt - 1) : Verdict{};
}

}  // namespace tessera
