// SPDX-License-Identifier: Apache-2.0
// Uploads in parts. The gateway keeps nothing of them: the store knows what has arrived, the client which upload it
// is, and the size of a part follows from the size of the whole. So any gateway can answer, and an upload goes on
// after a failure of anything.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "ports/part_uploads.hpp"
#include "service/gateway/gateway.hpp"
#include "service/gateway/request_json.hpp"
#include "service/openapi.hpp"

namespace tessera::service {
namespace {

constexpr std::int64_t max_json_bytes = 16 << 10;
constexpr int max_links = 100;  ///< in one answer
constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

/// How an object of `size_bytes` is cut: parts of 16 MiB, larger ones where there would be too many.
struct PartPlan {
  explicit PartPlan(std::int64_t size) : size_bytes(size) {
    const std::int64_t needed = (size / (max_parts - 1) / mebibyte + 1) * mebibyte;
    part_bytes = std::max(16 * mebibyte, needed);
    count = static_cast<int>(std::max<std::int64_t>(1, (size + part_bytes - 1) / part_bytes));
  }
  [[nodiscard]] std::int64_t bytes_of(int number) const {
    return std::min(part_bytes, size_bytes - (number - 1) * part_bytes);
  }
  std::int64_t size_bytes;
  std::int64_t part_bytes = 0;
  int count = 0;
};

/// What a request says of an upload.
struct Named {
  std::string object;
  std::string upload;
  std::int64_t size_bytes = 0;
  std::vector<int> numbers;
};

template <class Value>
Value required(const Json& json, const char* name, bool (Json::*is)() const noexcept, const char* what) {
  const auto found = json.find(name);
  if (found == json.end() || !((*found).*is)()) {
    throw Error(ErrorCode::usage, fmt::format("The request needs '{}', {}.", name, what));
  }
  return found->get<Value>();
}

Named named_upload(const http::Request& request, bool with_numbers) {
  const Json json = json_of(request, max_json_bytes);
  if (!json.is_object()) {
    throw Error(ErrorCode::usage, "The request must be a JSON object with 'object' and 'upload'.");
  }
  Named named;
  named.object = required<std::string>(json, "object", &Json::is_string, "as POST /v1/uploads answered it");
  named.upload = required<std::string>(json, "upload", &Json::is_string, "as POST /v1/uploads answered it");
  named.size_bytes =
      required<std::int64_t>(json, "size_bytes", &Json::is_number_integer, "the size of the whole");
  if (!with_numbers) {
    return named;
  }
  const PartPlan plan(named.size_bytes);
  for (const Json& number : required<Json>(json, "parts", &Json::is_array, "a list of numbers of parts")) {
    if (!number.is_number_integer() || number < 1 || number > plan.count) {
      throw Error(ErrorCode::usage,
                  fmt::format("'{}' is no part of the upload: they are numbered from 1 to {}.",
                              number.dump().substr(0, 100), plan.count));
    }
    named.numbers.push_back(number);
  }
  if (named.numbers.empty() || named.numbers.size() > max_links) {
    throw Error(ErrorCode::usage,
                fmt::format("'parts' has {} numbers; give 1 to {}.", named.numbers.size(), max_links));
  }
  return named;
}

void check_owner(const http::Request& request, const std::string& object) {
  const Caller& caller = caller_of(request);
  check_object_name(object);
  if (!object.starts_with("uploads/" + caller.owner + "/")) {
    throw Error(ErrorCode::not_found, fmt::format("There is no upload of '{}'.", object.substr(0, 200)));
  }
}

std::string query_field(const http::Request& request, const char* name) {
  const auto value = request.query_value(name);
  if (!value || value->empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("The request needs '{}', as POST /v1/uploads answered it.", name));
  }
  return *value;
}

}  // namespace

void Gateway::mount_part_uploads(http::Router& router) {
  const auto add = [&](const char* method, const char* pattern,
                       http::Response (Gateway::*handler)(const http::Request&), Documentation text) {
    const bool has_body = !text.body_schema.empty();
    router.add({.method = method,
                .pattern = pattern,
                .handler = [this, handler](http::Request& request) { return (this->*handler)(request); },
                .admit = require_scope(ports_.access, Scope::submit),
                .max_body_bytes = has_body ? max_json_bytes : 0,
                .content_types =
                    has_body ? std::vector<std::string>{"application/json"} : std::vector<std::string>{},
                .operation = operation(std::move(text)),
                .lane = http::Lane::heavy});
  };
  add("POST", "/v1/uploads/links", &Gateway::more_part_links,
      {.id = "linkUploadParts",
       .tag = "Uploads",
       .summary = fmt::format("Makes links for parts of an upload, at most {}.", max_links),
       .answers = {{200, "The links.", "PartLinks"},
                   {409, "The reservation has expired, or a job uses the object.", "Problem", problem_type}},
       .body_schema = "PartLinksRequest"});
  add("GET", "/v1/uploads/parts", &Gateway::parts_received,
      {.id = "listUploadParts",
       .tag = "Uploads",
       .summary = "Lists the parts that have arrived.",
       .answers = {{200, "The parts.", "ReceivedParts"}},
       .query = {{"object", "The object, as the reservation names it.", "string", true},
                 {"upload", "The upload.", "string", true}}});
  add("POST", "/v1/uploads/complete", &Gateway::complete_parts,
      {.id = "completeUpload",
       .tag = "Uploads",
       .summary = "Makes the object of the parts that have arrived.",
       .answers = {{200, "It is stored.", "StoredObject"},
                   {409, "Parts are missing, the reservation has expired, or a job uses the object.",
                    "Problem", problem_type}},
       .body_schema = "UploadInParts"});
  add("DELETE", "/v1/uploads/parts", &Gateway::abort_parts,
      {.id = "abortUpload",
       .tag = "Uploads",
       .summary = "Ends an upload in parts and removes what has arrived.",
       .answers = {{204, "It has ended."}},
       .query = {{"object", "The object, as the reservation names it.", "string", true},
                 {"upload", "The upload.", "string", true}}});
}

Json Gateway::part_links(const std::string& object, const std::string& upload, std::int64_t size_bytes,
                         const std::vector<int>& numbers) {
  const PartPlan plan(size_bytes);
  Json links = Json::array();
  for (const int number : numbers) {
    const Link link = ports_.objects.part_uploads().sign_part(object, upload, number, plan.bytes_of(number),
                                                              options_.link_lifetime);
    links.push_back({{"number", number},
                     {"size_bytes", plan.bytes_of(number)},
                     {"url", link.url},
                     {"expires", to_iso8601(link.expires)}});
  }
  return links;
}

http::Response Gateway::begin_parts(const UploadReservation& reservation, const std::string& content_type,
                                    std::int64_t size_bytes) {
  check_upload_room(reservation.object, size_bytes);
  const PartPlan plan(size_bytes);
  const std::string upload = ports_.objects.part_uploads().begin_upload(reservation.object, content_type);
  std::vector<int> numbers;
  for (int number = 1; number <= std::min(plan.count, max_links); ++number) {
    numbers.push_back(number);
  }
  return http::json_response(201,
                             {{"object", reservation.object},
                              {"parts",
                               {{"upload", upload},
                                {"size_bytes", size_bytes},
                                {"part_bytes", plan.part_bytes},
                                {"count", plan.count},
                                {"links", part_links(reservation.object, upload, size_bytes, numbers)}}}});
}

http::Response Gateway::more_part_links(const http::Request& request) {
  const Named named = named_upload(request, true);
  check_owner(request, named.object);
  check_upload_room(named.object, named.size_bytes);  // also whether the reservation lasts
  return http::json_response(
      200, {{"links", part_links(named.object, named.upload, named.size_bytes, named.numbers)}});
}

http::Response Gateway::parts_received(const http::Request& request) {
  const std::string object = query_field(request, "object");
  check_owner(request, object);
  Json parts = Json::array();
  for (const ObjectPart& part :
       ports_.objects.part_uploads().list_parts(object, query_field(request, "upload"))) {
    parts.push_back({{"number", part.number}, {"size_bytes", part.size_bytes}});
  }
  return http::json_response(200, {{"object", object}, {"parts", std::move(parts)}});
}

http::Response Gateway::complete_parts(const http::Request& request) {
  const Named named = named_upload(request, false);
  check_owner(request, named.object);
  check_upload_room(named.object, named.size_bytes);
  PartUploads& uploads = ports_.objects.part_uploads();
  const auto answer = [&](const ObjectInfo& made) {
    return http::json_response(200, {{"object", made.name}, {"size_bytes", made.size_bytes}});
  };
  std::vector<ObjectPart> parts;
  try {
    parts = uploads.list_parts(named.object, named.upload);
  } catch (const Error& error) {
    // Completed by an earlier request whose answer was lost?
    const auto made = error.code() == ErrorCode::not_found ? ports_.objects.stat(named.object) : std::nullopt;
    if (!made || made->size_bytes != named.size_bytes) {
      throw;
    }
    return answer(*made);
  }
  const PartPlan plan(named.size_bytes);
  for (int number = 1; number <= plan.count; ++number) {
    const auto index = static_cast<std::size_t>(number - 1);
    if (index >= parts.size() || parts[index].number != number ||
        parts[index].size_bytes != plan.bytes_of(number)) {
      throw Error(ErrorCode::conflict,
                  fmt::format("Part {} of {} has not arrived whole: send it again.", number, plan.count));
    }
  }
  parts.resize(static_cast<std::size_t>(plan.count));
  return answer(uploads.complete_upload(named.object, named.upload, parts));
}

http::Response Gateway::abort_parts(const http::Request& request) {
  const std::string object = query_field(request, "object");
  check_owner(request, object);
  ports_.objects.part_uploads().abort_upload(object, query_field(request, "upload"));
  ports_.uploads.release({object});
  return {204, {}, {}};
}

}  // namespace tessera::service
