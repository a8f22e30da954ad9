// SPDX-License-Identifier: Apache-2.0
// tessera gateway, tessera notifier.
#include <memory>

#include "command.hpp"
#include "http_frontend.hpp"

namespace tessera::service {
namespace {

/// Equals http::Server's default grace period for active requests.
constexpr std::chrono::milliseconds request_grace_period{10'000};

Command add_frontend(CLI::App& program, const char* name, const char* doc, HttpFrontend::Role role) {
  CLI::App* app = program.add_subcommand(name, doc);
  auto settings = std::make_shared<Settings>();
  auto frontend_settings = std::make_shared<HttpFrontendSettings>();
  add_settings(*app, *settings);
  add_listen_settings(*app, *frontend_settings);
  if (role == HttpFrontend::Role::gateway) {
    add_gateway_settings(*app, *frontend_settings);
  }
  return {app, [settings, frontend_settings, role, name = std::string(name)] {
            prepare_process();
            keep_files_private();
            read_urls(*settings);
            const auto log = open_log(name, *settings);
            Metrics metrics;
            const HttpFrontend front(*settings, *frontend_settings, role, metrics, log);
            log->info("{} serves {}", name, front.url());
            wait_for_stop_signal();
            end_at_latest(request_grace_period + max_stop_time, log);
            log->info("ending");
            return 0;
          }};
}

}  // namespace

Command add_gateway(CLI::App& program) {
  return add_frontend(program, "gateway", "Serve the HTTP API: uploads, jobs, results",
                      HttpFrontend::Role::gateway);
}

Command add_notifier(CLI::App& program) {
  return add_frontend(program, "notifier", "Send changes of jobs to clients, and call webhooks",
                      HttpFrontend::Role::notifier);
}

}  // namespace tessera::service
