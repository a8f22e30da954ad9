// tessera node: a processing node of the distributed system.
#include <memory>

#include "adapters/open.hpp"
#include "command.hpp"
#include "settings.hpp"

namespace tessera::service {

Command add_node(CLI::App& program) {
  CLI::App* app = program.add_subcommand("node", "Take jobs from the queue and process them on MPI ranks");
  auto settings = std::make_shared<Settings>();
  auto node_settings = std::make_shared<NodeSettings>();
  add_settings(*app, *settings);
  add_node_settings(*app, *node_settings);
  return {app, [settings, node_settings] {
            block_stop_signals();
            const auto log = open_log("node", *settings);
            const NodeOptions options = complete(*node_settings);
            QueueOptions queue_options;
            queue_options.prefetch = options.jobs_at_once();
            const auto queue = open_job_queue(settings->queue, queue_options);
            const StateStore state = open_state_store(settings->state, {});
            const auto objects = open_object_store(settings->store, {});
            log->info("{} on {} with {} ranks", options.id, options.host, options.ranks.ranks);
            {
              Node node(options, {*queue, *state.jobs, *state.events, *state.nodes, *objects}, log);
              wait_for_stop_signal();
              node.drain();
            }
            std::filesystem::remove_all(options.ranks.scratch);
            log->info("ended");
            return 0;
          }};
}

}  // namespace tessera::service
