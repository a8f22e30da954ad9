// tessera serve: the whole service on one machine, with nothing else installed.
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "command.hpp"
#include "core/error.hpp"
#include "core/system.hpp"
#include "front.hpp"
#include "node/scratch.hpp"
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

/// The secret that signs links, made at the first start and kept beside the data for this user alone.
std::string link_secret(const fs::path& file) {
  std::string fresh = random_hex(32);
  const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) {
    const bool written = ::write(made, fresh.data(), fresh.size()) == static_cast<ssize_t>(fresh.size());
    ::close(made);
    if (written) {
      return fresh;
    }
    ::unlink(file.c_str());
  }
  StringSink sink;
  const auto source = open_file_source(file);
  std::array<std::byte, 256> piece{};
  while (const std::size_t count = source->read(piece)) {
    sink.write(std::span(piece).first(count));
  }
  return sink.text;
}

}  // namespace

Command add_serve(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "serve",
      "Run the whole service here: gateway, notifier and a processing node, with all data in one folder");
  auto settings = std::make_shared<Settings>();
  auto front_settings = std::make_shared<FrontSettings>();
  auto node_settings = std::make_shared<NodeSettings>();
  auto folder = std::make_shared<std::string>(default_folder().string());
  app->add_option("--data", *folder, "Folder for uploads, results and the state of jobs")
      ->envname("TESSERA_DATA")
      ->type_name("FOLDER")
      ->capture_default_str();
  add_log_settings(*app, *settings);
  add_listen_settings(*app, *front_settings);
  add_gateway_settings(*app, *front_settings);
  add_node_settings(*app, *node_settings);
  return {app, [settings, front_settings, node_settings, folder] {
            prepare_process();
            const auto log = open_log("serve", *settings);
            const fs::path data = fs::absolute(*folder);
            std::error_code failure;
            fs::create_directories(data, failure);
            if (failure) {
              throw Error(ErrorCode::io,
                          fmt::format("Cannot make the folder '{}': {}.", data.string(), failure.message()));
            }
            settings->queue = "sqlite://" + (data / "queue.db").string();
            settings->state = "sqlite://" + (data / "state.db").string();
            settings->store = "file://" + (data / "objects").string();
            if (front_settings->link_secret.empty()) {
              front_settings->link_secret = link_secret(data / "link-secret");
            }
            const ScratchFolder scratch(scratch_place(*node_settings));
            const NodeOptions options = complete(*node_settings, scratch.path());
            {
              Metrics metrics;
              const Front front(*settings, *front_settings, Front::Serves::everything, metrics, log);
              RunningNode node(options, *settings, metrics, open_log("node", *settings));
              log->info("Tessera serves {}; data lies in '{}'", front.url(), data.string());
              wait_for_stop_signal();
              end_at_latest(options.drain_limit + longest_stop, log);
              node.drain();
            }
            log->info("ended");
            return 0;
          }};
}

}  // namespace tessera::service
