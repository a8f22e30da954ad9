// SPDX-License-Identifier: Apache-2.0
#include "client/client.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text.hpp"
#include "client/event_stream.hpp"
#include "client/local_service.hpp"
#include "client/part_sender.hpp"
#include "client/upload_record.hpp"
#include "net/backoff.hpp"
#include "net/crypto.hpp"
#include "net/redact.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// Files from this size on are sent in parts, if the server wants that.
constexpr std::int64_t min_size_in_parts = std::int64_t{64} << 20;
/// Heartbeats come every 15 s.
constexpr std::chrono::seconds event_stall_timeout{45};

ErrorCode code_of(const std::string& problem_name, int status) {
  if (const auto code = error_code_named(problem_name)) {
    return *code;
  }
  return status >= 500   ? ErrorCode::unavailable
         : status == 429 ? ErrorCode::busy
         : status == 409 ? ErrorCode::conflict
                         : ErrorCode::usage;
}

/// Scheme, host and port, without the default port.
std::string plain_origin(const std::string& url) {
  std::string origin = ascii_lowered(origin_of_url(url));
  for (const auto& [scheme, port] : {std::pair("http://", ":80"), std::pair("https://", ":443")}) {
    if (origin.starts_with(scheme) && origin.ends_with(port)) {
      origin.resize(origin.size() - std::string_view(port).size());
    }
  }
  return origin;
}

HttpOptions http_options(const ClientOptions& options) {
  HttpOptions result;
  result.ca_file = options.ca_file;
  return result;
}

HttpOptions stream_options(const ClientOptions& options) {
  HttpOptions result = http_options(options);
  result.stall_timeout = event_stall_timeout;
  result.max_attempts = 1;  // follow() retries itself, from the last event
  return result;
}

/// An unused name: "a.png", "a (2).png", ...
fs::path free_name(const fs::path& folder, const std::string& name) {
  // The server must not choose the folder.
  fs::path plain = fs::path(name).filename();
  if (plain.empty() || plain == "." || plain == "..") {
    plain = "result";
  }
  fs::path candidate = folder / plain;
  for (int count = 2; fs::exists(fs::symlink_status(candidate)); ++count) {
    candidate = folder / fmt::format("{} ({}){}", plain.stem().string(), count, plain.extension().string());
  }
  return candidate;
}

}  // namespace

void throw_problem(const HttpResponse& response, const std::string& url) {
  const Json problem = Json::parse(response.body, nullptr, false);
  if (!problem.is_object() || !problem.contains("detail")) {
    throw Error(code_of("", response.status),
                fmt::format("'{}' responds with status {}. Is it a Tessera server?", redact_url(url),
                            response.status));
  }
  const std::string type = problem.value("type", "");
  // The text goes to a terminal, and the server is not trusted.
  throw Error(code_of(type.substr(type.rfind('/') + 1), response.status),
              printable(problem.value("detail", "")));
}

Client::Client(ClientOptions options)
    : options_(std::move(options)), http_(http_options(options_)), stream_(stream_options(options_)) {
  while (options_.server.ends_with('/')) {
    options_.server.pop_back();
  }
}

HttpRequest Client::request(const std::string& method, const std::string& path) const {
  HttpRequest request;
  request.method = method;
  request.url = options_.server + path;
  if (const std::string token = this->token(); !token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + token);
  }
  return request;
}

std::string Client::token() const {
  // Looked up each time: the service may be started after this client.
  return options_.token.empty() ? local_service_token(options_.server).value_or("") : options_.token;
}

HttpRequest Client::redirected_events(const std::string& location, const std::stop_token& stop) {
  HttpRequest events;
  events.url = location;
  const std::string token = this->token();
  if (token.empty()) {
    return events;
  }
  const std::string from = plain_origin(options_.server);
  const std::string to = plain_origin(location);
  if (from == to) {
    events.headers.emplace_back("Authorization", "Bearer " + token);
    return events;
  }
  if (from.starts_with("https:") && !to.starts_with("https:")) {
    throw Error(ErrorCode::forbidden,
                fmt::format("The server redirects event streams to '{}', which is not encrypted, while the "
                            "server itself is: start its gateway with a --notifier-url of https://.",
                            to));
  }
  // Another origin gets only a token for events, valid for a few minutes.
  const std::string stream_token = post("/v1/stream-tokens", {}, {}, stop).at("token");
  events.url +=
      (location.find('?') == std::string::npos ? "?token=" : "&token=") + percent_encode(stream_token);
  return events;
}

Json Client::answer(const HttpRequest& request, const std::stop_token& stop) {
  const HttpResponse response = http_.send(request, stop);
  if (response.status >= 300 || response.status < 200) {
    throw_problem(response, request.url);
  }
  if (response.body.empty()) {
    return {};
  }
  Json json = Json::parse(response.body, nullptr, false);
  if (json.is_discarded()) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("'{}' does not respond with JSON. Is it a Tessera server?", redact_url(request.url)));
  }
  return json;
}

Json Client::get(const std::string& path, const std::stop_token& stop) {
  return answer(request("GET", path), stop);
}

Json Client::post(const std::string& path, const Json& body, const std::string& idempotency_key,
                  const std::stop_token& stop) {
  HttpRequest post = request("POST", path);
  if (!body.is_null()) {
    post.headers.emplace_back("Content-Type", "application/json");
    post.body = body.dump();
  }
  if (!idempotency_key.empty()) {
    post.headers.emplace_back("Idempotency-Key", idempotency_key);
  }
  return answer(post, stop);
}

Json Client::remove(const std::string& path, const std::stop_token& stop) {
  return answer(request("DELETE", path), stop);
}

std::string Client::upload(const fs::path& file, const std::function<void(double fraction)>& progress,
                           const std::stop_token& stop) {
  const auto body = open_file_source(file);
  const std::int64_t size = body->size().value_or(0);
  if (size >= min_size_in_parts) {
    return upload_large(file, size, progress, stop);
  }
  return upload_whole(post("/v1/uploads", Json::object(), {}, stop), *body, progress, stop);
}

std::string Client::upload_large(const fs::path& file, std::int64_t size,
                                 const std::function<void(double fraction)>& progress,
                                 const std::stop_token& stop) {
  const UploadRecord record(options_.server, file);
  {
    PartSender sender(*this, http_, file, progress);
    const auto begun = record.find();
    if (begun && begun->size_bytes == size && sender.resume(*begun, stop)) {
      try {
        sender.send(*begun, stop);
        record.remove();
        return begun->object;
      } catch (const Error& error) {
        // The reservation has expired, or the parts are gone: from the beginning.
        if (error.code() != ErrorCode::conflict && error.code() != ErrorCode::not_found) {
          throw;
        }
      }
    }
  }
  const Json place = [&] {
    try {
      return post("/v1/uploads", {{"size_bytes", size}}, {}, stop);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::usage) {
        throw;
      }
      return post("/v1/uploads", Json::object(), {}, stop);  // version 0.1 knows no sizes
    }
  }();
  if (!place.contains("parts")) {
    return upload_whole(place, *open_file_source(file), progress, stop);
  }
  const Json& parts = place["parts"];
  const BegunUpload begun{place.at("object"), parts.at("upload"), size, parts.at("part_bytes"),
                          parts.at("count")};
  record.write(begun);
  PartSender sender(*this, http_, file, progress);
  sender.take_links(parts.at("links"));
  sender.send(begun, stop);
  record.remove();
  return begun.object;
}

std::string Client::upload_whole(const Json& place, ByteSource& body,
                                 const std::function<void(double fraction)>& progress,
                                 const std::stop_token& stop) {
  HttpRequest put;
  put.method = place.at("upload").at("method");
  put.url = place.at("upload").at("url");
  const Json headers = place.at("upload").value("headers", Json::object());
  for (const auto& [name, value] : headers.items()) {
    put.headers.emplace_back(name, value.get<std::string>());
  }
  put.body_source = &body;
  if (progress && body.size().value_or(0) > 0) {
    put.on_progress = [&](std::int64_t sent, std::int64_t) {
      progress(static_cast<double>(sent) / static_cast<double>(*body.size()));
    };
  }
  const HttpResponse response = http_.send(put, stop);
  if (response.status >= 300) {
    throw_problem(response, put.url);
  }
  return place.at("object");
}

Json Client::result_link(const std::string& job_id, const std::stop_token& stop) {
  return get("/v1/jobs/" + percent_encode(job_id) + "/result?link=1", stop);
}

fs::path Client::download(const std::string& job_id, const fs::path& folder, const fs::path& file,
                          const std::stop_token& stop) {
  const Json link = result_link(job_id, stop);
  fs::path place = file.empty() ? fs::path() : file;
  const fs::path directory =
      file.empty() ? folder : (file.has_parent_path() ? file.parent_path() : fs::path("."));
  const fs::path partial =
      directory / fmt::format(".{}.part-{}", fs::path(job_id).filename().string(), ::getpid());
  try {
    FileSink sink(partial, 0666);  // the usual mode of files that a user creates
    HttpRequest get;
    get.url = link.at("url");
    get.response_sink = &sink;
    const HttpResponse response = http_.send(get, stop);
    if (response.status >= 300) {
      throw_problem(response, get.url);
    }
    sink.close();
    if (static_cast<std::int64_t>(fs::file_size(partial)) != link.at("size_bytes")) {
      throw Error(ErrorCode::io, fmt::format("The result has {} bytes, but only {} were received: try again.",
                                             link["size_bytes"].get<std::int64_t>(), fs::file_size(partial)));
    }
    if (!place.empty()) {
      fs::rename(partial, place);
      return place;
    }
    for (;;) {
      fs::path target = free_name(folder, link.at("file_name"));
      // Unlike rename(), link() does not replace a file that was created meanwhile.
      if (::link(partial.c_str(), target.c_str()) == 0) {
        fs::remove(partial);
        return target;
      }
      if (errno != EEXIST) {
        throw Error(ErrorCode::io,
                    fmt::format("Cannot create '{}': {}.", target.string(), std::strerror(errno)));
      }
    }
  } catch (...) {
    std::error_code ignored;
    fs::remove(partial, ignored);
    throw;
  }
}

void Client::follow(const std::string& query,
                    const std::function<bool(const std::string& event, const Json& job)>& on_event,
                    const std::stop_token& stop, const FollowOptions& options) {
  std::string last_id;
  std::string events_url;
  bool ended = false;
  Backoff backoff(std::chrono::milliseconds(100), std::chrono::seconds(5));
  auto heard = std::chrono::steady_clock::now();
  const auto notify = [&](bool connected, const std::string& reason) {
    if (options.on_connection) {
      options.on_connection(connected, reason);
    }
  };
  while (!ended && !stop.stop_requested()) {
    std::string reason = "the connection ended";
    try {
      EventStreamReader reader([&](const StreamedEvent& event) {
        last_id = event.id;
        const Json job = Json::parse(event.data, nullptr, false);
        if (event.type != "reset" && job.is_object()) {
          ended = !on_event(event.type, job);
        }
        return !ended;
      });
      HttpRequest events =
          events_url.empty() ? request("GET", "/v1/events?" + query) : redirected_events(events_url, stop);
      if (!last_id.empty()) {
        events.headers.emplace_back("Last-Event-ID", last_id);
      }
      events.on_head = [&](const HttpResponse&) {
        heard = std::chrono::steady_clock::now();
        notify(true, "");
      };
      events.on_data = [&](std::string_view bytes) {
        heard = std::chrono::steady_clock::now();
        backoff.reset();
        const bool more = reader.feed(bytes);
        if (!reader.last_id().empty()) {
          last_id = reader.last_id();  // may also be an id without an event
        }
        return more;
      };
      const HttpResponse response = stream_.send(events, stop);
      if (response.status == 307 && events_url.empty() && response.headers.contains("location")) {
        events_url = response.headers.at("location");  // the notifier is a separate server
        if (events_url.starts_with('/')) {
          events_url = options_.server + events_url;
        }
        continue;
      }
      if (response.status >= 300 && response.status != 503 && response.status != 429) {
        throw_problem(response, events.url);
      }
      if (response.status >= 300) {
        reason = fmt::format("it responds with status {}", response.status);
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled && stop.stop_requested()) {
        return;
      }
      if (error.code() != ErrorCode::unavailable) {
        throw;
      }
      reason = error.what();
    }
    if (ended) {
      return;
    }
    events_url.clear();  // the redirect may change
    notify(false, reason);
    if (std::chrono::steady_clock::now() - heard > options.reconnect_timeout) {
      throw Error(ErrorCode::unavailable, fmt::format("The server has been unavailable for {} s: {}",
                                                      options.reconnect_timeout.count(), reason));
    }
    pause(backoff.next(), stop);
  }
}

}  // namespace tessera
