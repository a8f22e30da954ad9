// SPDX-License-Identifier: Apache-2.0
// tessera serve: the whole service on one machine, without other servers.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>

#include "base/error.hpp"
#include "command.hpp"
#include "http_frontend.hpp"
#include "node/scratch.hpp"
#include "service/secret_files.hpp"
#include "service/web_page.hpp"
#include "settings.hpp"

namespace tessera::service {
namespace {

namespace fs = std::filesystem;

fs::path default_folder() {
  const char* const data = std::getenv("XDG_DATA_HOME");
  const char* const home = std::getenv("HOME");
  return (data != nullptr && *data != '\0' ? fs::path(data)
                                           : fs::path(home != nullptr ? home : "/var/lib") / ".local/share") /
         "tessera";
}

/// A link that signs in by the fragment, which browsers do not send to servers. Only for a terminal: what is
/// written elsewhere may be kept, and the link is as good as the token.
void show_sign_in_link(const HttpFrontend& front, const HttpFrontendSettings& settings) {
  if (::isatty(STDERR_FILENO) == 0 || web_assets().empty()) {
    return;
  }
  std::string link = front.url() + "/";
  if (!settings.open) {
    try {
      link += "#token=" + read_secret_file(settings.token_file);
    } catch (const Error&) {
      return;  // it was withdrawn, or removed: other tokens are typed
    }
  }
  fmt::print(stderr, "In a browser, signed in: {}\n", link);
}

}  // namespace

Command add_serve(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "serve",
      "Run the whole service here: gateway, notifier and a processing node, with all data in one folder");
  auto settings = std::make_shared<Settings>();
  auto frontend_settings = std::make_shared<HttpFrontendSettings>();
  auto node_settings = std::make_shared<NodeSettings>();
  auto folder = std::make_shared<std::string>(default_folder().string());
  app->add_option("--data", *folder, "Folder for uploads, results and the state of jobs")
      ->envname("TESSERA_DATA")
      ->type_name("FOLDER")
      ->capture_default_str();
  add_state_settings(*app, *settings);
  add_log_settings(*app, *settings);
  add_listen_settings(*app, *frontend_settings);
  add_gateway_settings(*app, *frontend_settings);
  add_node_settings(*app, *node_settings);
  return {app, [settings, frontend_settings, node_settings, folder] {
            prepare_process();
            keep_files_private();
            const auto log = open_log("serve", *settings);
            const fs::path data = fs::absolute(*folder);
            if (const auto warning = make_private_folder(data)) {
              log->warn(*warning);
            }
            settings->queue = "sqlite://" + (data / "queue.db").string();
            settings->state = "sqlite://" + (data / "state.db").string();
            settings->store = "file://" + (data / "objects").string();
            if (frontend_settings->link_secret.empty() && frontend_settings->link_secret_file.empty()) {
              frontend_settings->link_secret = link_secret_in(data / "link-secret");
            }
            if (frontend_settings->token_file.empty() && !frontend_settings->open) {
              frontend_settings->token_file = (data / "token").string();
            }
            if (frontend_settings->spool.empty()) {
              frontend_settings->spool = (data / "spool").string();
            }
            frontend_settings->state_is_new = !fs::exists(data / "state.db");
            const ScratchFolder scratch(scratch_parent(*node_settings));
            const NodeOptions options = complete(*node_settings, scratch.path());
            {
              Metrics metrics;
              const HttpFrontend front(*settings, *frontend_settings, HttpFrontend::Role::gateway, metrics,
                                       log);
              RunningNode node(options, *settings, metrics, open_log("node", *settings));
              log->info("Tessera serves {}; data folder: '{}'", front.url(), data.string());
              show_sign_in_link(front, *frontend_settings);
              wait_for_stop_signal();
              end_at_latest(options.drain_limit + max_stop_time, log);
              node.drain();
            }
            log->info("ended");
            return 0;
          }};
}

}  // namespace tessera::service
