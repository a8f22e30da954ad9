// SPDX-License-Identifier: Apache-2.0
#include "http_frontend.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/disk/object_store.hpp"
#include "adapters/open.hpp"
#include "base/error.hpp"
#include "net/redact.hpp"
#include "plan/built_in_presets.hpp"
#include "plan/presets_file.hpp"
#include "service/instrumented_store.hpp"
#include "service/openapi.hpp"
#include "service/origins.hpp"
#include "service/secret_files.hpp"
#include "service/stream_tokens.hpp"
#include "service/web_page.hpp"

namespace tessera::service {
namespace {

namespace fs = std::filesystem;

std::chrono::milliseconds hours(double count) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(count * 3'600'000));
}

}  // namespace

void add_listen_settings(CLI::App& app, HttpFrontendSettings& settings) {
  app.add_option("--listen", settings.listen, "Address and port to serve on")
      ->envname("TESSERA_LISTEN")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  app.add_option("--public-url", settings.public_url, "URL by which clients reach it, if different")
      ->envname("TESSERA_PUBLIC_URL")
      ->type_name("URL");
  CLI::Option* const certificate =
      app.add_option("--certificate", settings.certificate_file, "TLS: certificate with its chain, PEM")
          ->envname("TESSERA_CERTIFICATE")
          ->type_name("FILE");
  CLI::Option* const key = app.add_option("--key", settings.key_file, "TLS: key of the certificate, PEM")
                               ->envname("TESSERA_KEY")
                               ->type_name("FILE");
  app.add_option("--max-connections", settings.max_connections,
                 "Connections of clients; fewer if the limit of open files is lower")
      ->envname("TESSERA_MAX_CONNECTIONS")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-connections-per-address", settings.max_connections_per_address,
                 "Connections from one address, which behind a proxy is the proxy's; 0: half of all")
      ->envname("TESSERA_MAX_CONNECTIONS_PER_ADDRESS")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-streams-per-owner", settings.max_streams_per_owner,
                 "Connections over which one owner may follow events")
      ->envname("TESSERA_MAX_STREAMS_PER_OWNER")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--open", settings.open,
               "Disable authentication; only on loopback, and only for requests that name this machine");
  app.add_option("--allow-origin", settings.allow_origins,
                 "Origin of web pages that may use the service, such as https://images.example.org")
      ->envname("TESSERA_ALLOW_ORIGIN")
      ->delimiter(',')
      ->type_name("ORIGIN");
  app.add_option("--token-file", settings.token_file,
                 "Create a first token in FILE if there is none; this user's commands find it there")
      ->envname("TESSERA_TOKEN_FILE")
      ->type_name("FILE");
  app.add_option("--spool", settings.spool, "Folder for long request bodies while they are received")
      ->envname("TESSERA_SPOOL")
      ->type_name("FOLDER");
  app.add_flag("--private-webhooks", settings.private_webhooks,
               "Allow webhooks to addresses that are not on the public Internet")
      ->envname("TESSERA_PRIVATE_WEBHOOKS");
  certificate->needs(key);
  key->needs(certificate);
}

void add_gateway_settings(CLI::App& app, HttpFrontendSettings& settings) {
  app.add_option("--link-secret", settings.link_secret,
                 "Signs links to objects of a local folder; the same for all gateways")
      ->envname("TESSERA_LINK_SECRET")
      ->type_name("TEXT");
  app.add_option("--link-secret-file", settings.link_secret_file,
                 "The same, from a file: command lines can be seen by others")
      ->envname("TESSERA_LINK_SECRET_FILE")
      ->type_name("FILE");
  app.add_option("--notifier-url", settings.notifier_url, "Where clients follow events; without it, here")
      ->envname("TESSERA_NOTIFIER_URL")
      ->type_name("URL");
  app.add_option("--presets", settings.presets_file,
                 "File of named pipelines that clients may use beside the built-in ones")
      ->envname("TESSERA_PRESETS")
      ->type_name("FILE");
  app.add_option("--max-queued", settings.max_queued_jobs,
                 "Maximum number of waiting jobs; more are rejected with 503")
      ->envname("TESSERA_MAX_QUEUED")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--max-queued-per-owner", settings.max_queued_per_owner,
                 "Maximum number of waiting jobs per owner; 0: no separate limit")
      ->envname("TESSERA_MAX_QUEUED_PER_OWNER")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-queued-bytes-per-owner", settings.max_queued_bytes_per_owner,
                 "Approximate limit in bytes for an owner's waiting jobs in the state store; 0: no limit")
      ->envname("TESSERA_MAX_QUEUED_BYTES_PER_OWNER")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-uploads-per-owner", settings.max_uploads_per_owner,
                 "Maximum number of unused uploads per owner; 0: no limit")
      ->envname("TESSERA_MAX_UPLOADS_PER_OWNER")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-upload-bytes-per-owner", settings.max_upload_bytes_per_owner,
                 "Bytes in those uploads; 0: no limit")
      ->envname("TESSERA_MAX_UPLOAD_BYTES_PER_OWNER")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--max-apply-bytes", settings.max_apply_bytes,
                 "Bytes of an image that POST /v1/apply processes in one request")
      ->envname("TESSERA_MAX_APPLY_BYTES")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option(
         "--allow-source", settings.allow_sources,
         "Beginning of URLs from which images may be fetched, such as https://images.example.org/public/")
      ->envname("TESSERA_ALLOW_SOURCE")
      ->delimiter(',')
      ->type_name("URL");
  app.add_flag("--private-sources", settings.private_sources,
               "Allow them at addresses that are not on the public Internet")
      ->envname("TESSERA_PRIVATE_SOURCES");
  app.add_option("--job-lifetime", settings.job_lifetime_hours,
                 "Hours that finished jobs and results are kept")
      ->envname("TESSERA_JOB_LIFETIME")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--requeue-after", settings.requeue_after_s,
                 "Seconds without activity after which a job that the queue or its node has lost is "
                 "requeued")
      ->envname("TESSERA_REQUEUE_AFTER")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--upload-lifetime", settings.upload_lifetime_hours, "Hours that uploads are kept")
      ->envname("TESSERA_UPLOAD_LIFETIME")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  add_image_server_settings(app, settings);
}

HttpFrontend::HttpFrontend(const Settings& settings, const HttpFrontendSettings& front, Role role,
                           Metrics& metrics, const std::shared_ptr<spdlog::logger>& log)
    : state_(open_state_store(settings.state, state_options(settings, log))) {
  const bool with_gateway = role == Role::gateway;
  const Endpoint endpoint = parse_listen(front.listen);
  const bool tls = !front.certificate_file.empty();
  access_ = std::make_unique<Access>(*state_.tokens, authentication_of(front.open, endpoint.address));
  prepare_access(front, endpoint, log);
  const std::string link_secret =
      front.link_secret_file.empty() ? front.link_secret : read_secret_file(front.link_secret_file);
  const auto origins =
      std::make_shared<OriginPolicy>(OriginOptions{front.open, front.public_url, front.allow_origins});
  http::ServerOptions options;
  options.screen = [origins](const http::Request& request) { return origins->screen(request); };
  options.finish = [origins](const http::Request& request, http::Response& response) {
    origins->finish(request, response);
  };
  options.address = endpoint.address;
  options.port = endpoint.port;
  options.certificate_file = front.certificate_file;
  options.key_file = front.key_file;
  options.log = log;
  options.max_connections = front.max_connections;
  options.max_connections_per_address = front.max_connections_per_address;
  // However many parts are waited for, some threads are left for those that are kept.
  constexpr int threads_for_kept_parts = 32;
  options.viewing_threads = static_cast<int>(front.view.max_waiting) + threads_for_kept_parts;
  options.on_request = [&metrics](const http::AccessRecord& record) { count_request(metrics, record); };

  const bool local_folder = settings.store.starts_with("file:");
  if (const std::string spool = !front.spool.empty() ? front.spool
                                : local_folder       ? folder_of_url(settings.store).string() + "/spool"
                                                     : std::string();
      !spool.empty()) {
    if (const auto warning = make_private_folder(spool)) {
      log->warn(*warning);
    }
    options.temporary_folder = spool;
  }
  if (with_gateway && local_folder && endpoint.port == 0 && front.public_url.empty()) {
    throw Error(ErrorCode::usage,
                "Links need the service's URL: give a port with --listen, or --public-url.");
  }
  url_ = !front.public_url.empty()
             ? front.public_url
             : fmt::format("{}://{}:{}", tls ? "https" : "http",
                           endpoint.address.find(':') == std::string::npos ? endpoint.address
                                                                           : "[" + endpoint.address + "]",
                           endpoint.port);
  http::Router router;
  if (with_gateway) {
    queue_ = open_job_queue(settings.queue, {});
    objects_ = with_metrics(open_object_store(settings.store, {system_now, url_, link_secret}), metrics);
    GatewayOptions gateway;
    const Presets presets =
        with_built_in_presets(front.presets_file.empty() ? Presets{} : read_presets(front.presets_file));
    gateway.presets = presets;
    gateway.max_queued_jobs = front.max_queued_jobs;
    gateway.max_queued_per_owner = front.max_queued_per_owner;
    gateway.max_queued_bytes_per_owner = front.max_queued_bytes_per_owner;
    gateway.max_apply_bytes = front.max_apply_bytes;
    gateway.sources.allowed = front.allow_sources;
    gateway.sources.allow_private_addresses = front.private_sources;
    gateway.sources.folder = options.temporary_folder;
    gateway.uploads_per_owner = {front.max_uploads_per_owner, front.max_upload_bytes_per_owner};
    gateway.job_lifetime = hours(front.job_lifetime_hours);
    gateway.upload_lifetime = hours(front.upload_lifetime_hours);
    gateway.requeue_after =
        std::chrono::milliseconds(static_cast<std::int64_t>(front.requeue_after_s * 1000));
    gateway.version = TESSERA_VERSION;
    gateway.log = log;
    if (local_folder) {
      gateway.links.emplace(url_, link_secret);
    }
    gateway_ = std::make_unique<Gateway>(
        std::move(gateway), GatewayPorts{*state_.jobs, *state_.events, *state_.nodes, *queue_, *objects_,
                                         *access_, *state_.uploads});
    gateway_->mount(router);
    gateway_->watch(metrics);
    make_image_server(front, presets, options.temporary_folder, log);
    image_server_->mount(router);
  }
  if (!with_gateway) {
    router.add(
        "GET", "/healthz", {},
        [](http::Request&) {
          return http::json_response(200, {{"status", "alive"}, {"version", TESSERA_VERSION}});
        },
        {}, http::Lane::immediate);
  }
  if (!front.notifier_url.empty()) {
    for (const char* pattern : {"/v1/events", "/v1/events/socket"}) {
      router.add("GET", pattern, {}, [to = front.notifier_url](http::Request& request) {
        return http::redirect_response(
            307, to + request.path + (request.raw_query.empty() ? "" : "?" + request.raw_query));
      });
    }
  } else {
    WebhookOptions webhooks;
    webhooks.source = url_;
    webhooks.allow_private_addresses = front.private_webhooks;
    webhooks.log = log;
    webhooks.on_attempt = [&metrics](bool delivered) {
      metrics.add(Metric::webhook_attempts, {{"outcome", delivered ? "delivered" : "failed"}});
    };
    webhooks_ = std::make_unique<WebhookSender>(std::move(webhooks), *state_.jobs);
    NotifierOptions notifier;
    notifier.max_subscribers_per_owner = front.max_streams_per_owner;
    notifier.log = log;
    notifier.on_event = [this, &metrics](const Event& event) {
      metrics.add(Metric::events, {{"type", event.type}});
      metrics.observe(Metric::event_delay_seconds, {},
                      std::chrono::duration<double>(system_now() - event.time).count());
      const auto ends = {JobState::done, JobState::failed, JobState::cancelled};
      if (std::ranges::any_of(ends, [&](JobState state) { return to_string(state) == event.type; })) {
        webhooks_->nudge();
      }
    };
    notifier_ = std::make_unique<Notifier>(std::move(notifier),
                                           NotifierPorts{*state_.jobs, *state_.events, *access_});
    notifier_->mount(router);
    subscribers_reader_ = metrics.before_text([this, &metrics] {
      metrics.set(Metric::event_subscribers, {}, static_cast<double>(notifier_->subscribers()));
    });
  }
  mount_stream_tokens(router, *access_);
  mount_metrics(router, metrics, require_scope(*access_, Scope::metrics));
  mount_openapi(router, TESSERA_VERSION, url_);
  if (with_gateway) {
    mount_web_page(router, web_assets(), page_origins(front.notifier_url, local_folder));
  }
  server_ = std::make_unique<http::Server>(std::move(options), std::move(router));
  if (!front.token_file.empty() && fs::exists(front.token_file)) {
    try {
      note_ = std::make_unique<LocalServiceNote>(endpoint.address, server_->port(), front.token_file);
    } catch (const Error& error) {
      log->warn("this user's commands cannot find the token automatically (set TESSERA_TOKEN for them): {}",
                error.what());
    }
  }
  if (gateway_) {
    gateway_->start();
  }
}

std::function<std::vector<std::string>()> HttpFrontend::page_origins(const std::string& notifier_url,
                                                                     bool local_folder) {
  std::vector<std::string> fixed;
  if (!notifier_url.empty()) {
    fixed.push_back(origin_of_url(notifier_url));
  }
  if (local_folder) {
    return [fixed] { return fixed; };
  }
  // Where links to the store lead is known by signing one.
  return [fixed, &objects = *objects_] {
    std::vector<std::string> origins = fixed;
    origins.push_back(origin_of_url(objects.sign_get("uploads/page", {}).url));
    return origins;
  };
}

void HttpFrontend::prepare_access(const HttpFrontendSettings& front, const Endpoint& endpoint,
                                  const std::shared_ptr<spdlog::logger>& log) {
  if (front.open) {
    log->warn("authentication is disabled: every program on this machine may use the service at {}:{}",
              endpoint.address, endpoint.port);
    return;
  }
  if (!front.token_file.empty()) {
    if (const auto done = make_first_token(*state_.tokens, front.token_file, front.state_is_new)) {
      log->info(*done);
    }
  }
  if (state_.tokens->list().empty()) {
    log->warn(
        "there are no tokens, so every request is refused: create one with 'tessera token --state URL add "
        "OWNER', or start with --token-file FILE");
  }
}

HttpFrontend::~HttpFrontend() {
  note_.reset();
  if (notifier_) {
    notifier_->stop();
    webhooks_->stop();
  }
  if (gateway_) {
    gateway_->end_waits();
    image_server_->stop();
  }
  server_->stop();
  if (gateway_) {
    gateway_->stop();
  }
}

}  // namespace tessera::service
