// tessera gateway, tessera notifier.
#include <memory>

#include "command.hpp"
#include "front.hpp"

namespace tessera::service {
namespace {

/// Http's own, for requests under way.
constexpr std::chrono::milliseconds time_for_requests{10'000};

Command add_front(CLI::App& program, const char* name, const char* doc, Front::Serves serves) {
  CLI::App* app = program.add_subcommand(name, doc);
  auto settings = std::make_shared<Settings>();
  auto front_settings = std::make_shared<FrontSettings>();
  add_settings(*app, *settings);
  add_listen_settings(*app, *front_settings);
  if (serves == Front::Serves::everything) {
    add_gateway_settings(*app, *front_settings);
  }
  return {app, [settings, front_settings, serves, name = std::string(name)] {
            prepare_process();
            keep_files_private();
            read_urls(*settings);
            const auto log = open_log(name, *settings);
            Metrics metrics;
            const Front front(*settings, *front_settings, serves, metrics, log);
            log->info("{} serves {}", name, front.url());
            wait_for_stop_signal();
            end_at_latest(time_for_requests + longest_stop, log);
            log->info("ending");
            return 0;
          }};
}

}  // namespace

Command add_gateway(CLI::App& program) {
  return add_front(program, "gateway", "Take requests: uploads, jobs, results", Front::Serves::everything);
}

Command add_notifier(CLI::App& program) {
  return add_front(program, "notifier", "Push what happens to jobs to the clients that wait for it",
                   Front::Serves::events);
}

}  // namespace tessera::service
