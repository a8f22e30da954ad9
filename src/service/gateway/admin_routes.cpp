// SPDX-License-Identifier: Apache-2.0
// Operators, the caller, nodes, dead letters and health.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/untrusted_json.hpp"
#include "http/problem.hpp"
#include "plan/pipeline_schema.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

constexpr int max_dead_letters = 1000;

Json dead_letter_view(const DeadLetter& letter) {
  return {
      {"id", letter.id},         {"job", letter.message.job_id}, {"generation", letter.message.generation},
      {"reason", letter.reason}, {"attempts", letter.attempts},  {"time", to_iso8601(letter.when)}};
}

/// Its id here is the one for DELETE /v1/dead/ID.
Json unreadable_view(const UnreadableItem& item) {
  return {{"id", item.kind + ":" + item.id}, {"reason", item.reason}, {"found", to_iso8601(item.found)}};
}

[[noreturn]] void refuse_unknown(const std::string& id) {
  throw Error(ErrorCode::not_found, fmt::format("There is no dead letter '{}'.", id.substr(0, 100)));
}

}  // namespace

void Gateway::mount_admin(http::Router& router) {
  const auto may_read = require_scope(ports_.access, Scope::read);
  const auto may_admin = require_scope(ports_.access, Scope::admin);
  router.add(
      "GET", "/v1/operators", {}, [](http::Request&) { return http::json_response(200, pipeline_schema()); },
      operation({.id = "getOperators",
                 .tag = "System",
                 .summary = "The operators, as a JSON Schema of pipelines.",
                 .answers = {{200, "The schema.", "Operators"}},
                 .open = true}));
  router.add(
      "GET", "/v1/me", may_read,
      [](http::Request& request) {
        const Caller& caller = caller_of(request);
        Json me{{"owner", caller.owner}, {"scopes", scope_names(caller.scopes)}};
        if (caller.token_expires) {
          me["expires"] = to_iso8601(*caller.token_expires);
        }
        return http::json_response(200, me).with("Cache-Control", "no-store");
      },
      operation({.id = "getCaller",
                 .tag = "System",
                 .summary = "Whose token this is, what it allows, and until when.",
                 .answers = {{200, "The caller.", "Caller"}}}));
  router.add(
      "GET", "/v1/nodes", may_read,
      [this](http::Request& request) {
        Json nodes = Json::array();
        for (const NodeInfo& node : ports_.nodes.list()) {
          nodes.push_back(node_view(node, viewer_of(request)));
        }
        return http::json_response(200, {{"nodes", std::move(nodes)}});
      },
      operation({.id = "listNodes",
                 .tag = "System",
                 .summary = "Processing nodes; for administrators with their hosts and jobs.",
                 .answers = {{200, "The nodes.", "Nodes"}}}));
  router.add(
      "GET", "/v1/dead", may_admin,
      [this](http::Request&) {
        Json letters = Json::array();
        for (const DeadLetter& letter : ports_.queue.dead_letters(max_dead_letters)) {
          letters.push_back(dead_letter_view(letter));
        }
        Json unreadable = Json::array();
        for (const UnreadableItem& item : ports_.jobs.unreadable(max_dead_letters)) {
          unreadable.push_back(unreadable_view(item));
        }
        return http::json_response(200,
                                   {{"dead", std::move(letters)}, {"unreadable", std::move(unreadable)}});
      },
      operation({.id = "listDead",
                 .tag = "System",
                 .summary = "Dead-lettered jobs, and unreadable records (admin).",
                 .answers = {{200, "The dead letters.", "DeadLetters"}}}),
      http::Lane::heavy);
  router.add(
      "POST", "/v1/dead/{id}/retry", may_admin, [this](http::Request& request) { return redrive(request); },
      operation({.id = "retryDead",
                 .tag = "System",
                 .summary = "Retries a dead-lettered job (admin).",
                 .answers = {{202, "The removed dead letter.", "DeadLetter"}}}),
      http::Lane::heavy);
  router.add(
      "DELETE", "/v1/dead/{id}", may_admin,
      [this](http::Request& request) {
        const std::string& id = request.parameter("id");
        const std::size_t colon = id.find(':');
        const bool dropped = colon == std::string::npos
                                 ? ports_.queue.purge(id)
                                 : ports_.jobs.remove_unreadable(id.substr(0, colon), id.substr(colon + 1));
        if (!dropped) {
          refuse_unknown(id);
        }
        return http::Response{204, {}, std::string()};
      },
      operation({.id = "dropDead",
                 .tag = "System",
                 .summary = "Deletes a dead letter, or an unreadable record (admin).",
                 .answers = {{204, "It was deleted."}}}),
      http::Lane::heavy);
  router.add(
      "GET", "/healthz", {},
      [this](http::Request&) {
        return http::json_response(200, {{"status", "alive"}, {"version", options_.version}});
      },
      operation({.id = "getHealth",
                 .tag = "System",
                 .summary = "Whether the process is alive.",
                 .answers = {{200, "It is.", "Health"}},
                 .open = true}),
      http::Lane::immediate);
  router.add(
      "GET", "/readyz", {}, [this](http::Request&) { return readiness(); },
      operation(
          {.id = "getReadiness",
           .tag = "System",
           .summary = "Whether all parts were available a few seconds ago, and jobs make progress.",
           .answers = {{200, "They are.", "Readiness"}, {503, "Some part is unavailable.", "Readiness"}},
           .open = true}),
      http::Lane::immediate);
  readiness_ = std::make_unique<Readiness>(
      Readiness::Options{options_.readiness_interval, options_.readiness_time_limit, options_.log},
      readiness_parts());
  router.add(
      "GET", "/problems/{name}", {},
      [](http::Request& request) {
        for (const http::ProblemType& type : http::problem_types()) {
          if (type.name == request.parameter("name")) {
            return http::json_response(200, {{"type", "/problems/" + std::string(type.name)},
                                             {"title", type.title},
                                             {"status", type.status}});
          }
        }
        throw Error(ErrorCode::not_found,
                    fmt::format("There is no problem type '{}'.", request.parameter("name").substr(0, 100)));
      },
      operation({.id = "getProblemType",
                 .tag = "System",
                 .summary = "What the type of a problem means.",
                 .answers = {{200, "The type.", "ProblemType"}},
                 .open = true}));
}

http::Response Gateway::redrive(const http::Request& request) {
  // The message alone would find its job failed: the job is retried, with a message of its own.
  const std::string& id = request.parameter("id");
  for (const DeadLetter& letter : ports_.queue.dead_letters(std::numeric_limits<int>::max())) {
    if (letter.id == id) {
      if (const auto job = ports_.jobs.retry(letter.message.job_id, 0)) {
        publish({&*job, 1});
      }
      ports_.queue.purge(id);
      return http::json_response(202, dead_letter_view(letter));
    }
  }
  refuse_unknown(id);
}

std::vector<Readiness::Part> Gateway::readiness_parts() {
  const auto answers = [](auto& port) {
    return [&port] {
      port.check();
      return std::string();
    };
  };
  return {{"queue", answers(ports_.queue)},
          {"state", answers(ports_.jobs)},
          {"store", answers(ports_.objects)},
          {"nodes", [this]() -> std::string {
             const std::vector<NodeInfo> nodes = ports_.nodes.list();
             if (nodes.empty()) {
               return "There is no processing node: jobs wait until one is available.";
             }
             const bool any_works = std::ranges::any_of(nodes, [](const NodeInfo& node) {
               return !node.details.is_object() || text_or_empty(node.details, "state") != "unhealthy";
             });
             return any_works ? "" : "No processing node is healthy: jobs wait until one is.";
           }}};
}

http::Response Gateway::readiness() {
  Json parts = readiness_->parts();
  {
    const std::scoped_lock lock(mutex_);
    const auto silence = std::chrono::steady_clock::now() - progress_at_;
    parts["progress"] = silence > options_.progress_timeout
                            ? fmt::format("Jobs wait, and none has made progress for {} minutes.",
                                          std::chrono::duration_cast<std::chrono::minutes>(silence).count())
                            : std::string("ready");
  }
  const bool ready =
      std::all_of(parts.begin(), parts.end(), [](const Json& part) { return part == "ready"; });
  http::Response response =
      http::json_response(ready ? 200 : 503, {{"ready", ready}, {"parts", std::move(parts)}});
  response.with("Cache-Control", "no-store");
  return ready ? std::move(response)
               : std::move(response).with("Retry-After", std::string(http::default_retry_after));
}

}  // namespace tessera::service
