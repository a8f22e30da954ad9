// Places for uploads, and how many of them an owner may have.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "ports/failpoint.hpp"
#include "service/gateway/at_once.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t most_json_bytes = 4096;
constexpr std::size_t longest_content_type = 255;
/// The store is asked about so many objects side by side.
constexpr std::size_t stats_at_once = 8;

/// What the client says that it will send; empty if it does not.
std::string wanted_content_type(const http::Request& request) {
  if (request.body.size() == 0) {
    return {};
  }
  const Json json = json_of(request, most_json_bytes);
  if (!json.is_object()) {
    throw Error(ErrorCode::usage,
                "The request must be a JSON object, such as {\"content_type\": \"image/png\"}.");
  }
  for (const auto& [name, value] : json.items()) {
    if (name != "content_type") {
      throw Error(ErrorCode::usage,
                  fmt::format("The request has no field '{}'; there is: content_type.", name.substr(0, 100)));
    }
    if (!value.is_string() || !is_content_type(value.get<std::string>())) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'content_type' is {}; it must be a media type such as image/png, at most {} bytes "
                      "long.",
                      value.dump().substr(0, 100), longest_content_type));
    }
    return value;
  }
  return {};
}

std::string limit_text(std::int64_t limit, const char* unit) {
  return limit == 0 ? fmt::format("any number of {}", unit) : fmt::format("{} {}", limit, unit);
}

[[noreturn]] void refuse_upload(const std::string& owner, const UploadUse& use, const UploadLimits& limits) {
  const bool too_many = limits.max_places != 0 && use.places >= limits.max_places;
  throw over_quota(fmt::format(
      "{}: submit jobs with them, or wait until they expire.",
      too_many ? fmt::format("'{}' has {} uploads that no job uses yet, and the limit is {}", owner,
                             use.places, limits.max_places)
               : fmt::format(
                     "The {} uploads of '{}' that no job uses yet hold {} bytes, and the limit is {} bytes",
                     use.places, owner, use.bytes, limits.max_bytes)));
}

}  // namespace

void Gateway::mount_uploads(http::Router& router) {
  const UploadLimits& limits = options_.uploads_per_owner;
  router.add({.method = "POST",
              .pattern = "/v1/uploads",
              .handler = [this](http::Request& request) { return upload(request); },
              .admit = needs(ports_.access, Scope::submit),
              .max_body_bytes = most_json_bytes,
              .content_types = {"application/json"},
              .operation = operation(
                  {.id = "createUpload",
                   .tag = "Uploads",
                   .summary = fmt::format(
                       "A place for an image. An owner may have {} and {} that no job uses yet.",
                       limit_text(limits.max_places, "places"), limit_text(limits.max_bytes, "bytes")),
                   .answers = {{201, "Where to PUT the bytes; name the object when submitting.", "Upload"},
                               {429, "The owner has as many places or bytes as are allowed.", "Problem",
                                problem_type}},
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
  LinkOptions options;
  options.lifetime = options_.link_lifetime;
  options.content_type = wanted_content_type(request);
  const std::string& owner = caller_of(request).owner;
  const TimePoint now = options_.now();
  const UploadPlace place{fmt::format("uploads/{}/{}", owner, new_id("upload", now)), owner,
                          now + options_.link_lifetime,
                          now + options_.link_lifetime + options_.upload_lifetime};
  const auto entered = ports_.uploads.enter(place, options_.uploads_per_owner);
  if (!entered.entered) {
    refuse_upload(owner, entered.before, options_.uploads_per_owner);
  }
  reach(Failpoint::upload_entered);
  const Link link = ports_.objects.sign_put(place.object, options);
  Json headers = Json::object();
  if (!options.content_type.empty()) {
    headers["Content-Type"] = options.content_type;
  }
  return http::json_response(201, {{"object", place.object},
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
  each_at_once(objects.size(), stats_at_once, [&](std::size_t index) {
    request.check_attention();
    const std::string& object = objects[index];
    const bool own = object.starts_with("uploads/" + caller.owner + "/") ||
                     object.starts_with("results/" + caller.owner + "/");
    const auto info = own || caller.is_admin() ? ports_.objects.stat(object) : std::nullopt;
    // What has outlived its time may be removed at any moment (sweeps.cpp).
    const TimePoint now = options_.now() - std::chrono::milliseconds(clock_ahead_ms_.load());
    const bool expired =
        info && ((object.starts_with("uploads/") && info->modified < now - options_.upload_lifetime) ||
                 (object.starts_with("results/") &&
                  info->modified < now - options_.job_lifetime + acceptance_margin));
    if (expired) {
      throw Error(ErrorCode::not_found, fmt::format("The object '{}' has outlived its time: upload it again.",
                                                    object.substr(0, 200)));
    }
    if (!info) {
      ports_.objects.check();  // of a store that is away as a whole, nothing can be said
      throw Error(ErrorCode::not_found,
                  fmt::format("There is no object '{}': upload it first, to the place that "
                              "POST /v1/uploads gives.",
                              object.substr(0, 200)));
    }
    tags.at(object) = info->etag;  // each its own element
  });
  for (JobRequest& item : items) {
    item.object_tag = tags.at(item.object);
  }
}

/// Where uploads do not pass through here, what they hold is known when the store is asked.
void Gateway::measure_uploads() {
  constexpr int most_at_once = 200;
  constexpr auto look_again_after = 30s;
  const TimePoint now = options_.now();
  const auto places = ports_.uploads.take_unmeasured(now - look_again_after, most_at_once);
  each_at_once(places.size(), stats_at_once, [&](std::size_t index) {
    const UploadPlace& place = places[index];
    if (const auto info = ports_.objects.stat(place.object)) {
      static_cast<void>(ports_.uploads.measure(place.object, info->size_bytes, 0));
    } else if (now > place.link_expires + options_.link_lifetime) {
      // Also a body that began to come when the link was good is there by now, or never will be.
      ports_.uploads.release({place.object});
    }
  });
}

}  // namespace tessera::service
