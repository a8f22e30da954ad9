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

[[noreturn]] void fail_secret(const char* doing, const fs::path& file) {
  throw Error(ErrorCode::io, fmt::format("Cannot {} '{}': {}.", doing, file.string(), std::strerror(errno)));
}

void bring_to_disk(int descriptor, const fs::path& file) {
  if (::fsync(descriptor) != 0) {
    const int reason = errno;
    ::close(descriptor);
    errno = reason;
    fail_secret("write", file);
  }
  ::close(descriptor);
}

/// Puts a secret into the file, whole and on the disk before it has its name, unless another has made it.
void make_secret(const fs::path& file, const std::string& secret) {
  std::string fresh = file.string() + ".XXXXXX";
  const int made = ::mkostemp(fresh.data(), O_CLOEXEC);  // for this user alone
  if (made < 0) {
    fail_secret("make", fresh);
  }
  const bool written = ::write(made, secret.data(), secret.size()) == static_cast<ssize_t>(secret.size());
  bring_to_disk(made, fresh);
  const bool linked = written && (::link(fresh.c_str(), file.c_str()) == 0 || errno == EEXIST);
  ::unlink(fresh.c_str());
  if (!linked) {
    fail_secret("make", file);
  }
  const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    fail_secret("open", file.parent_path());
  }
  bring_to_disk(folder, file.parent_path());
}

/// The secret that signs links, made at the first start and kept beside the data for this user alone.
std::string link_secret(const fs::path& file) {
  std::error_code ignored;
  if (fs::is_regular_file(file, ignored) && fs::file_size(file, ignored) == 0) {
    fs::remove(file, ignored);  // of a power cut: no link was signed with it
  }
  if (!fs::exists(file)) {
    make_secret(file, random_hex(32));
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
  add_state_settings(*app, *settings);
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
