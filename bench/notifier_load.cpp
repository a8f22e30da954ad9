// SPDX-License-Identifier: Apache-2.0
// From event to client: a real `tessera notifier` on a private Redis, a thousand clients connected at once.
// A job is changed every few milliseconds; what is measured is the time from just before the change until the
// client that watches the job (or, in the second run, every client) has the event. Prints JSON.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "adapters/open.hpp"
#include "percentiles.hpp"
#include "servers/redis_server.hpp"
#include "servers/sse_crowd.hpp"

namespace {

using namespace tessera;
using testing::SseCrowd;
using Clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(60);

/// Changes jobs one after the other and takes the time until those who watch them have heard.
nlohmann::json measure(const StateStore& store, int port, int clients, int changes, bool everyone) {
  NewJobs jobs;
  std::vector<std::string> targets;
  const std::string batch = new_id("batch", system_now());
  for (int i = 0; i < clients; ++i) {
    Job& job = jobs.jobs.emplace_back();
    job.id = new_id("job", system_now());
    job.batch_id = batch;
    targets.push_back("/v1/events?job=" + (everyone ? jobs.jobs.front().id : job.id));
  }
  static_cast<void>(store.jobs->create(jobs));
  SseCrowd crowd(port, targets);
  const auto heard_so_many = [](std::size_t count) {
    return [count](const std::vector<SseCrowd::Heard>& heard) { return heard.size() >= count; };
  };
  if (!crowd.all(heard_so_many(1), patience)) {
    throw std::runtime_error(fmt::format("only {} of {} clients got a stream", crowd.connected(), clients));
  }
  std::vector<Clock::time_point> begun;
  for (int i = 0; i < changes; ++i) {
    const std::size_t job = everyone ? 0 : static_cast<std::size_t>(i % clients);
    begun.push_back(Clock::now());
    JobChange change;
    change.fraction = (i + 1.0) / (changes + 1);
    store.jobs->change(jobs.jobs[job].id, 1, change);
    std::this_thread::sleep_for(std::chrono::milliseconds(everyone ? 100 : 5));
  }
  if (!crowd.all(heard_so_many(1 + static_cast<std::size_t>(everyone ? changes : changes / clients)),
                 patience)) {
    throw std::runtime_error("some clients have missed events");
  }
  std::vector<double> ms;
  for (int client = 0; client < clients; ++client) {
    const auto heard = crowd.heard(static_cast<std::size_t>(client));
    for (std::size_t k = 1; k < heard.size(); ++k) {
      const std::size_t change =
          everyone ? k - 1 : (k - 1) * static_cast<std::size_t>(clients) + static_cast<std::size_t>(client);
      ms.push_back(std::chrono::duration<double, std::milli>(heard[k].when - begun[change]).count());
    }
  }
  nlohmann::json result = percentiles(ms);
  result["events"] = ms.size();
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: notifier_load TESSERA\n");
    return 2;
  }
  constexpr int clients = 1000;
  try {
    if (!testing::allow_open_files(clients + 200)) {
      throw std::runtime_error(fmt::format("the hard limit of open files is below {}", clients + 200));
    }
    const testing::RedisServer redis;
    const testing::ServerFolder folder;
    const int port = testing::free_port();
    testing::ServerProcess notifier({argv[1], "notifier", "--state", redis.url(), "--queue",
                                     "sqlite://" + (folder.path() / "queue.db").string(), "--store",
                                     "file://" + (folder.path() / "objects").string(), "--listen",
                                     fmt::format("127.0.0.1:{}", port), "--open"},
                                    {}, folder.path() / "notifier");
    notifier.wait_until_ready(port);
    const StateStore store = open_state_store(redis.url(), {});
    nlohmann::json result{{"clients", clients}};
    result["each_its_own_job"] = measure(store, port, clients, 3 * clients, false);
    result["all_the_same_job"] = measure(store, port, clients, 30, true);
    std::cout << result.dump(1) << '\n';
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "notifier_load: {}\n", error.what());
    return 1;
  }
}
