// SPDX-License-Identifier: Apache-2.0
// The HTTP frontend: the common part of gateway, notifier and serve.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "client/local_service.hpp"
#include "http/server.hpp"
#include "node/scratch.hpp"
#include "ports/job_queue.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/image_server.hpp"
#include "service/notifier/notifier.hpp"
#include "service/notifier/webhooks.hpp"
#include "settings.hpp"

namespace tessera::service {

struct HttpFrontendSettings {
  std::string listen = "127.0.0.1:8080";
  std::string public_url;  ///< URL by which clients reach it; empty: http(s)://listen
  std::string certificate_file;
  std::string key_file;
  std::string link_secret;
  std::string link_secret_file;
  bool open = false;                       ///< disable authentication
  std::vector<std::string> allow_origins;  ///< allowed origins of web pages
  /// File for the first token, which is created if there is none, and where this user's commands find it;
  /// empty: none is created.
  std::string token_file;
  bool state_is_new = false;  ///< the state store was just created
  std::string spool;          ///< folder for long request bodies; empty: beside the data
  std::string notifier_url;   ///< redirect for event streams; empty: they are served here
  std::string presets_file;
  std::int64_t max_queued_jobs = 100'000;
  std::int64_t max_queued_per_owner = 50'000;
  std::int64_t max_queued_bytes_per_owner = std::int64_t{256} << 20;
  int max_connections = 10'000;
  int max_connections_per_address = 0;  ///< 0: half of all
  int max_streams_per_owner = 1000;
  std::int64_t max_uploads_per_owner = 10'000;
  std::int64_t max_upload_bytes_per_owner = std::int64_t{200} << 30;
  std::int64_t max_apply_bytes = std::int64_t{32} << 20;
  ViewPoolOptions view;  ///< what viewers may cost; without what the frontend decides itself
  std::string view_sandbox = "auto";
  std::int64_t max_view_copies_bytes = std::int64_t{16} << 30;
  double view_time_limit_s = 20;
  std::vector<std::string> allow_sources;  ///< beginnings of URLs of images that requests name
  bool private_sources = false;
  double job_lifetime_hours = 24 * 7;
  double upload_lifetime_hours = 48;
  double requeue_after_s = 60;
  bool private_webhooks = false;
};
/// Adds --listen, --public-url, --certificate, --key, --open, --allow-origin, --token-file,
/// --private-webhooks, and the connection limits.
void add_listen_settings(CLI::App& app, HttpFrontendSettings& settings);
/// Adds what viewers may cost; part of the options of gateways.
void add_image_server_settings(CLI::App& app, HttpFrontendSettings& settings);
/// Adds the options of gateways.
void add_gateway_settings(CLI::App& app, HttpFrontendSettings& settings);

/// A running server with a gateway, a notifier, or both. Stops when destroyed.
class HttpFrontend {
 public:
  enum class Role : std::uint8_t {
    gateway,  ///< a gateway, and the notifier unless --notifier-url names one
    notifier,
  };
  /// `metrics` must outlive it.
  HttpFrontend(const Settings& settings, const HttpFrontendSettings& front, Role role, Metrics& metrics,
               const std::shared_ptr<spdlog::logger>& log);
  ~HttpFrontend();
  HttpFrontend(const HttpFrontend&) = delete;
  HttpFrontend& operator=(const HttpFrontend&) = delete;
  /// "http://127.0.0.1:8080"
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  /// Creates the first token and logs its location.
  void prepare_access(const HttpFrontendSettings& front, const Endpoint& endpoint,
                      const std::shared_ptr<spdlog::logger>& log);
  /// Its files lie in a folder of its own in `spool`.
  void make_image_server(const HttpFrontendSettings& front, const Presets& presets,
                         const std::filesystem::path& spool, const std::shared_ptr<spdlog::logger>& log);
  /// Other origins to which the web page connects: the notifier's, and that of the object store's links.
  [[nodiscard]] std::function<std::vector<std::string>()> page_origins(const std::string& notifier_url,
                                                                       bool local_folder);

  std::string url_;
  StateStore state_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<JobQueue> queue_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<ScratchFolder> view_folder_;
  std::unique_ptr<ImageServer> image_server_;
  std::unique_ptr<WebhookSender> webhooks_;
  std::unique_ptr<Notifier> notifier_;
  Metrics::Reader subscribers_reader_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<LocalServiceNote> note_;
};

}  // namespace tessera::service
