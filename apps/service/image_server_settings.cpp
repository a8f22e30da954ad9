// SPDX-License-Identifier: Apache-2.0
// The part of a gateway that makes parts of images for viewers.
#include <spdlog/spdlog.h>

#include "base/error.hpp"
#include "http_frontend.hpp"

namespace tessera::service {

void add_image_server_settings(CLI::App& app, HttpFrontendSettings& settings) {
  ViewPoolOptions& view = settings.view;
  app.add_option("--view-processes", view.processes, "Processes that decode images for viewers")
      ->envname("TESSERA_VIEW_PROCESSES")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--view-memory", view.memory_bytes,
                 "Bytes of memory of each; half of them hold decoded rows")
      ->envname("TESSERA_VIEW_MEMORY")
      ->check(CLI::Range(std::int64_t{64} << 20, std::int64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--view-time-limit", settings.view_time_limit_s, "Seconds in which a part must be made")
      ->envname("TESSERA_VIEW_TIME_LIMIT")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--max-view-read-pixels", view.max_read_pixels,
                 "Pixels of the file that a part may be made of; rows are read at full width")
      ->envname("TESSERA_MAX_VIEW_READ_PIXELS")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-view-pixels", view.max_part_pixels, "Pixels of a part")
      ->envname("TESSERA_MAX_VIEW_PIXELS")
      ->check(CLI::Range(std::int64_t{1} << 18, std::int64_t{1} << 32))
      ->capture_default_str();
  app.add_option("--max-view-copies", settings.max_view_copies_bytes,
                 "Bytes of images from a bucket that are kept on this machine's disk for viewers")
      ->envname("TESSERA_MAX_VIEW_COPIES")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--view-sandbox", settings.view_sandbox,
                 "Sandbox of these processes, as --sandbox of a node: auto, require or off")
      ->envname("TESSERA_VIEW_SANDBOX")
      ->check(CLI::IsMember({"auto", "require", "off"}))
      ->capture_default_str();
}

void HttpFrontend::make_image_server(const HttpFrontendSettings& front, const Presets& presets,
                                     const std::filesystem::path& spool,
                                     const std::shared_ptr<spdlog::logger>& log) {
  view_folder_ = std::make_unique<ScratchFolder>(spool);
  const std::filesystem::path& folder = view_folder_->path();
  ImageServerOptions options;
  options.public_url = url_;
  options.presets = presets;
  options.pool = front.view;
  options.pool.program = tessera_command();
  options.pool.folder = folder;
  options.pool.time_limit =
      std::chrono::milliseconds(static_cast<std::int64_t>(front.view_time_limit_s * 1000));
  options.pool.sandbox = sandbox_mode_named(front.view_sandbox).value_or(SandboxMode::require);
  options.pool.log = [log](const std::string& sentence) { log->warn("{}", sentence); };
  options.files.folder = folder;
  options.files.max_bytes = front.max_view_copies_bytes;
  options.files.max_object_bytes = front.max_view_copies_bytes;
  image_server_ =
      std::make_unique<ImageServer>(std::move(options), ImageServerPorts{*state_.jobs, *objects_, *access_});
}

}  // namespace tessera::service
