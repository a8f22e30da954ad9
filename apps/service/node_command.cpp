// SPDX-License-Identifier: Apache-2.0
// tessera node: a processing node of the distributed system.
#include <memory>

#include "command.hpp"
#include "node/scratch.hpp"
#include "settings.hpp"

namespace tessera::service {

Command add_node(CLI::App& program) {
  CLI::App* app = program.add_subcommand("node", "Receive jobs from the queue and process them on MPI ranks");
  auto settings = std::make_shared<Settings>();
  auto node_settings = std::make_shared<NodeSettings>();
  add_settings(*app, *settings);
  add_node_settings(*app, *node_settings);
  app->add_option(
         "--metrics-listen", node_settings->metrics_listen,
         "Where to serve /metrics, /healthz and /readyz; metrics need a token with the scope metrics")
      ->envname("TESSERA_METRICS_LISTEN")
      ->type_name("ADDRESS:PORT");
  app->add_flag("--open", node_settings->open, "Disable authentication for the metrics; only on loopback");
  return {app, [settings, node_settings] {
            prepare_process();
            keep_files_private();
            read_urls(*settings);
            const auto log = open_log("node", *settings);
            const ScratchFolder scratch(scratch_parent(*node_settings));
            const NodeOptions options = complete(*node_settings, scratch.path());
            {
              Metrics metrics;
              RunningNode node(options, *settings, metrics, log);
              if (!node_settings->metrics_listen.empty()) {
                node.serve_metrics(node_settings->metrics_listen, node_settings->open, metrics);
              }
              wait_for_stop_signal();
              end_at_latest(options.drain_limit + max_stop_time, log);
              node.drain();
            }
            log->info("ended");
            return 0;
          }};
}

}  // namespace tessera::service
