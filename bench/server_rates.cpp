// SPDX-License-Identifier: Apache-2.0
// What the servers behind the service bear: messages a second that a broker confirms, and changes of jobs a
// second that a state store makes durable, by one process with some threads. The servers must run; they are
// filled and not cleaned up, so take ones that hold nothing. Prints JSON.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "adapters/open.hpp"
#include "percentiles.hpp"

namespace {

using namespace tessera;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Calls `work` for `count` numbers, by as many threads; each call makes `each` of what is counted.
nlohmann::json measure(int threads, int count, int each, const std::function<void(int)>& work) {
  std::vector<std::vector<double>> ms(static_cast<std::size_t>(threads));
  std::atomic<int> next{0};
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> workers;
    for (std::vector<double>& mine : ms) {
      workers.emplace_back([&] {
        for (int number = next++; number < count; number = next++) {
          const auto call = Clock::now();
          work(number);
          mine.push_back(ms_since(call));
        }
      });
    }
  }
  const double seconds = ms_since(begin) / 1000;
  std::vector<double> all;
  for (const std::vector<double>& mine : ms) {
    all.insert(all.end(), mine.begin(), mine.end());
  }
  nlohmann::json result = percentiles(std::move(all));
  result["threads"] = threads;
  result["a_second"] = count * each / seconds;
  return result;
}

Job job_numbered(int number, const std::string& batch_id) {
  Job job;
  job.created = system_now();
  job.updated = job.created;
  job.id = new_id("job", job.created);
  job.batch_id = batch_id;
  job.owner = fmt::format("owner{}", number % 100);
  job.request.object = "uploads/" + new_id("image", job.created);
  job.request.name = "photograph.jpg";
  job.request.pipeline = {{"operators", {{{"name", "gaussian-blur"}, {"sigma", 2}}}}};
  job.request.priority = Priority::bulk;
  return job;
}

/// A message at a time by each thread, as gateways do for single jobs; and batches.
nlohmann::json measure_queue(const std::string& url, int threads, int count) {
  const auto queue = open_job_queue(url, {});
  const auto message = [] { return QueueMessage{new_id("job", system_now()), 1, Priority::bulk, {}}; };
  queue->publish(message());
  nlohmann::json result{{"single", measure(threads, count, 1, [&](int) { queue->publish(message()); })}};
  constexpr int batch = 100;
  result["batches_of_100"] = measure(threads, count / batch, batch, [&](int) {
    const std::vector<QueueMessage> messages(batch, message());
    if (const auto published = queue->publish_all(messages); published.count != batch) {
      throw std::runtime_error(published.problem);
    }
  });
  return result;
}

/// A job's way: created, running, storing, done. Each change is one transaction with its event.
nlohmann::json measure_state(const std::string& url, int threads, int count) {
  const StateStore store = open_state_store(url, {});
  store.jobs->check();
  const nlohmann::json jobs = measure(threads, count, 1, [&](int number) {
    Job job = job_numbered(number, new_id("batch", system_now()));
    static_cast<void>(store.jobs->create({{job}, {}, {}, {}}));
    store.jobs->mark_published(job.id, 1);
    for (const JobState state : {JobState::running, JobState::storing, JobState::done}) {
      JobChange change;
      change.state = state;
      if (!store.jobs->change(job.id, 1, change)) {
        throw std::runtime_error("a change was refused");
      }
    }
  });
  return {{"whole_jobs", jobs}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures brokers and state stores");
  std::string queue;
  std::string state;
  int threads = 8;
  int count = 5000;
  app.add_option("--queue", queue, "URL of a broker");
  app.add_option("--state", state, "URL of a state store");
  app.add_option("--threads", threads, "How many do it at the same time")->check(CLI::PositiveNumber);
  app.add_option("--count", count, "Messages, and jobs")->check(CLI::Range(100, 100'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    nlohmann::json result = nlohmann::json::object();
    if (!queue.empty()) {
      result["queue"] = measure_queue(queue, threads, count);
    }
    if (!state.empty()) {
      result["state"] = measure_state(state, threads, count);
    }
    std::cout << result.dump(2) << '\n';
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
