// SPDX-License-Identifier: Apache-2.0
// Upload reservations and quotas.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/parallel_for_each.hpp"
#include "http/problem.hpp"
#include "ports/failpoint.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t max_json_bytes = 4096;
constexpr std::size_t max_content_type_bytes = 255;
/// Number of concurrent store requests.
constexpr std::size_t max_parallel_stats = 8;

/// What the client says of its upload.
struct Announced {
  std::string content_type;     ///< empty if it does not say
  std::int64_t size_bytes = 0;  ///< 0 if it does not say
};

Announced announced_upload(const http::Request& request) {
  Announced announced;
  if (request.body.size() == 0) {
    return announced;
  }
  const Json json = json_of(request, max_json_bytes);
  if (!json.is_object()) {
    throw Error(ErrorCode::usage,
                "The request must be a JSON object, such as {\"content_type\": \"image/png\"}.");
  }
  for (const auto& [name, value] : json.items()) {
    if (name == "content_type") {
      if (!value.is_string() || !is_content_type(value.get<std::string>())) {
        throw Error(
            ErrorCode::usage,
            fmt::format("'content_type' is {}; it must be a media type such as image/png, at most {} bytes "
                        "long.",
                        value.dump().substr(0, 100), max_content_type_bytes));
      }
      announced.content_type = value;
    } else if (name == "size_bytes") {
      if (!value.is_number_integer() || value.get<std::int64_t>() < 0) {
        throw Error(ErrorCode::usage, fmt::format("'size_bytes' is {}; it must be a whole number, 0 or more.",
                                                  value.dump().substr(0, 100)));
      }
      announced.size_bytes = value;
    } else {
      throw Error(ErrorCode::usage,
                  fmt::format("The request has the unknown field '{}'; known are: content_type, size_bytes.",
                              name.substr(0, 100)));
    }
  }
  return announced;
}

std::string limit_text(std::int64_t limit, const char* unit) {
  return limit == 0 ? fmt::format("any number of {}", unit) : fmt::format("{} {}", limit, unit);
}

[[noreturn]] void throw_upload_quota(const std::string& owner, const UploadUsage& usage,
                                     const UploadLimits& limits) {
  const bool too_many = limits.max_reservations != 0 && usage.reservations >= limits.max_reservations;
  throw over_quota(fmt::format(
      "{}: submit jobs with them, or wait until they expire.",
      too_many ? fmt::format("'{}' has {} unused uploads, and the limit is {}", owner, usage.reservations,
                             limits.max_reservations)
               : fmt::format("The {} unused uploads of '{}' have {} bytes, and the limit is {} bytes",
                             usage.reservations, owner, usage.bytes, limits.max_bytes)));
}

}  // namespace

void Gateway::mount_uploads(http::Router& router) {
  const UploadLimits& limits = options_.uploads_per_owner;
  router.add(
      {.method = "POST",
       .pattern = "/v1/uploads",
       .handler = [this](http::Request& request) { return upload(request); },
       .admit = require_scope(ports_.access, Scope::submit),
       .max_body_bytes = max_json_bytes,
       .content_types = {"application/json"},
       .operation = operation(
           {.id = "createUpload",
            .tag = "Uploads",
            .summary = fmt::format(
                "Reserves an upload. An owner may have {} and {} that no job uses yet. Of a "
                "large image whose 'size_bytes' are given, the answer has 'parts' with links "
                "for each instead of 'upload'.",
                limit_text(limits.max_reservations, "uploads"), limit_text(limits.max_bytes, "bytes")),
            .answers = {{201, "The upload links; name the object when submitting.", "Upload"},
                        {413, upload_limit_text(), "Problem", problem_type},
                        {429, "The owner has reached a limit for unused uploads.", "Problem", problem_type}},
            .body_schema = "UploadRequest"}),
       .lane = http::Lane::heavy});
}

std::string Gateway::upload_limit_text() const {
  const std::int64_t of_owner = options_.uploads_per_owner.max_bytes;
  return fmt::format(
      "The body is longer than {} bytes{}.", options_.max_upload_bytes,
      of_owner == 0 ? ""
                    : fmt::format(", or the owner's unused uploads would hold more than {} bytes", of_owner));
}

http::Response Gateway::upload(const http::Request& request) {
  const Announced announced = announced_upload(request);
  if (announced.size_bytes > options_.max_upload_bytes) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The image has {} bytes; at most {} can be uploaded. The service's setting "
                            "--max-upload-bytes allows more.",
                            announced.size_bytes, options_.max_upload_bytes));
  }
  LinkOptions options;
  options.lifetime = options_.link_lifetime;
  options.content_type = announced.content_type;
  const std::string& owner = caller_of(request).owner;
  const TimePoint now = options_.now();
  const UploadReservation reservation{new_upload_name(caller_of(request)), owner,
                                      now + options_.link_lifetime,
                                      now + options_.link_lifetime + options_.upload_lifetime};
  const auto reserved = ports_.uploads.reserve(reservation, options_.uploads_per_owner);
  if (!reserved.reserved) {
    throw_upload_quota(owner, reserved.before, options_.uploads_per_owner);
  }
  reach(Failpoint::upload_entered);
  if (announced.size_bytes > options_.parts_from_bytes) {
    return begin_parts(reservation, announced.content_type, announced.size_bytes);
  }
  const Link link = ports_.objects.sign_put(reservation.object, options);
  Json headers = Json::object();
  if (!options.content_type.empty()) {
    headers["Content-Type"] = options.content_type;
  }
  return http::json_response(201, {{"object", reservation.object},
                                   {"upload",
                                    {{"method", "PUT"},
                                     {"url", link.url},
                                     {"headers", std::move(headers)},
                                     {"expires", to_iso8601(link.expires)}}}});
}

void Gateway::check_objects(const http::Request& request, std::vector<JobRequest>& items) {
  const Caller& caller = caller_of(request);
  std::map<std::string, std::string> tags;
  std::vector<std::string> objects;
  for (const JobRequest& item : items) {
    if (tags.emplace(item.object, "").second) {
      objects.push_back(item.object);
    }
  }
  parallel_for_each(objects.size(), max_parallel_stats, [&](std::size_t index) {
    request.check_cancelled();
    const std::string& object = objects[index];
    const bool own = object.starts_with("uploads/" + caller.owner + "/") ||
                     object.starts_with("results/" + caller.owner + "/");
    const auto info = own || caller.is_admin() ? ports_.objects.stat(object) : std::nullopt;
    // Expired objects may be removed at any moment (sweeps.cpp).
    const TimePoint now = options_.now() - std::chrono::milliseconds(clock_ahead_ms_.load());
    const bool expired =
        info && ((object.starts_with("uploads/") && info->modified < now - options_.upload_lifetime) ||
                 (object.starts_with("results/") &&
                  info->modified < now - options_.job_lifetime + acceptance_margin));
    if (expired) {
      throw Error(ErrorCode::not_found,
                  fmt::format("The object '{}' has expired: upload it again.", object.substr(0, 200)));
    }
    if (!info) {
      ports_.objects.check();  // reports an unavailable store instead of a missing object
      throw Error(ErrorCode::not_found,
                  fmt::format("There is no object '{}': upload it first, with the link from "
                              "POST /v1/uploads.",
                              object.substr(0, 200)));
    }
    tags.at(object) = info->etag;  // each thread writes its own element
  });
  for (JobRequest& item : items) {
    item.object_tag = tags.at(item.object);
  }
}

/// Uploads that bypass the gateway are measured by querying the store.
void Gateway::measure_uploads() {
  constexpr int max_per_round = 200;
  constexpr auto measure_retry_interval = 30s;
  const TimePoint now = options_.now();
  const auto reservations = ports_.uploads.claim_unmeasured(now - measure_retry_interval, max_per_round);
  parallel_for_each(reservations.size(), max_parallel_stats, [&](std::size_t index) {
    const UploadReservation& reservation = reservations[index];
    if (const auto info = ports_.objects.stat(reservation.object)) {
      static_cast<void>(ports_.uploads.record_size(reservation.object, info->size_bytes, 0));
    } else if (now > reservation.link_expires + options_.link_lifetime) {
      // An upload that began while the link was valid is complete by now, or never will be.
      ports_.uploads.release({reservation.object});
    }
  });
}

}  // namespace tessera::service
